//! A payment whose Complete may have been lost: Click is asked, and what it says takes the path of a Complete.

use chrono::{DateTime, Utc};

use super::complete;
use super::merchant_api::{Told, Wanted};
use super::request::{Call, Step};
use super::row::{Payment, State};
use super::standing::Known;
use crate::error::{Error, Result};
use crate::jobs::JobVerdict;
use crate::payments::reports::Theirs;
use crate::{App, Money, Outcome, Tx};

/// What is asked.
pub struct Doubt {
    prepare_id: i64,
    amount: Money,
    wanted: Wanted,
    asked_at: DateTime<Utc>,
}

/// What Click says.
pub enum Sighting {
    /// About the payment; none when Click does not know it.
    Told(Option<Told>),
    /// No answer.
    Silence(String),
}

impl Doubt {
    /// What is to be asked about a payment; none when it is decided, or Click cannot be asked.
    pub(in crate::payments) async fn about(
        tx: &mut Tx,
        app: &App,
        prepare_id: i64,
    ) -> Result<Option<Self>> {
        if app.click.is_none() {
            return Ok(None);
        }
        let Some((order, known)) = Known::find(tx, prepare_id).await? else { return Ok(None) };
        if known.state == State::Confirmed || known.has_failed {
            return Ok(None);
        }
        let wanted = known.wanted(order);
        Ok(Some(Self { prepare_id, amount: known.amount, wanted, asked_at: tx.now() }))
    }

    /// Asks.
    pub(in crate::payments) async fn ask(&self, app: &App) -> Result<Sighting> {
        let click = app.click.as_ref().ok_or_else(|| Error::internal("Click cannot be asked"))?;
        Ok(match click.find(self.asked_at, &self.wanted).await {
            Ok(told) => Sighting::Told(told),
            Err(failure) => Sighting::Silence(failure.to_string()),
        })
    }

    /// A payer who was debited is credited, as if Click had said so by itself.
    pub(in crate::payments) async fn record(
        self,
        sighting: Sighting,
        tx: &mut Tx,
        app: &App,
    ) -> Result<JobVerdict> {
        let told = match sighting {
            Sighting::Told(Some(told)) => told,
            Sighting::Told(None) => return Ok(Outcome::AlreadyDone.into()),
            Sighting::Silence(why) => return Ok(JobVerdict::Retry(why)),
        };
        match told.standing {
            Theirs::Paid if told.amount.is_some_and(|amount| amount != self.amount) => {
                Ok(JobVerdict::Cancel("Click tells of another amount".to_owned()))
            }
            Theirs::Paid => self.complete(tx, app).await,
            Theirs::Open | Theirs::Undone | Theirs::Missing => Ok(Outcome::AlreadyDone.into()),
        }
    }

    async fn complete(&self, tx: &mut Tx, app: &App) -> Result<JobVerdict> {
        let Some(payment) = Payment::find(tx, self.prepare_id).await? else {
            return Ok(Outcome::AlreadyDone.into());
        };
        let call = Call {
            click_trans_id: payment.click_trans_id,
            click_paydoc_id: payment.click_paydoc_id,
            order: Some(payment.transaction_id),
            amount: payment.amount,
            error: 0,
            sign_time: payment.sign_time,
            step: Step::Complete(payment.prepare_id),
        };
        let answer = complete::run(tx, app, &call, payment.prepare_id).await?;
        tracing::warn!(target: "payments", transaction = %payment.transaction_id, click_trans_id = payment.click_trans_id, credited = answer.is_ok(), "Click was asked about a payment whose Complete never came: it was paid");
        Ok(if answer.is_ok() { Outcome::Done } else { Outcome::AlreadyDone }.into())
    }
}
