//! A payment that its payer gets back: one that staff booked as returned, or a second one of a deposit that was paid. What
//! Click does not say stays unknown, and it is looked up before it is asked for again.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::PROVIDER;
use super::failure::Failure;
use super::merchant_api::{ClickApi, Wanted};
use super::row::State;
use super::standing::Known;
use crate::error::{Error, Result};
use crate::ids::TransactionId;
use crate::jobs::{JobVerdict, claim_effect};
use crate::payments::cases::{CaseKind, NewCase, close_agreed, open_case_again, reference};
use crate::payments::reports::{Discrepancy, Theirs, fact};
use crate::{App, Outcome, Tx};

/// What is to be given back.
pub struct Reversal {
    prepare_id: i64,
    deposit: TransactionId,
    wanted: Wanted,
    asked_at: DateTime<Utc>,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Reversed {
    /// It is given back now.
    Now,
    /// It had been given back, or never was paid.
    Before,
    /// Click said no, for this reason.
    Refused(String),
    /// No definite answer.
    Unknown(String),
}

impl Reversal {
    /// The payment, if its payer is to have it back and Click can be asked.
    pub(in crate::payments) async fn of(
        tx: &mut Tx,
        app: &App,
        prepare_id: i64,
    ) -> Result<Option<Self>> {
        let Some((order, known)) = Known::find(tx, prepare_id).await? else { return Ok(None) };
        let due = match known.state {
            State::Confirmed => known.returned,
            State::Prepared | State::Cancelled => known.is_surplus && !known.has_failed,
        };
        if app.click.is_none() || !due {
            return Ok(None);
        }
        let wanted = known.wanted(order);
        let deposit = known.credited_id.unwrap_or(order);
        Ok(Some(Self { prepare_id, deposit, wanted, asked_at: tx.now() }))
    }

    /// Looks first: what was given back is not given back again.
    pub(in crate::payments) async fn give_back(&self, app: &App) -> Result<Reversed> {
        let click = app.click.as_ref().ok_or_else(|| Error::internal("Click cannot be asked"))?;
        Ok(match self.attempt(click).await {
            Ok(reversed) => reversed,
            Err(failure) => Reversed::Unknown(failure.to_string()),
        })
    }

    async fn attempt(&self, click: &ClickApi) -> Result<Reversed, Failure> {
        let Some(told) = click.find(self.asked_at, &self.wanted).await? else {
            return Ok(Reversed::Refused("Click does not know the payment".to_owned()));
        };
        match told.standing {
            Theirs::Undone | Theirs::Missing => Ok(Reversed::Before),
            Theirs::Open => Err(Failure::Unknown("the payment goes on".to_owned())),
            Theirs::Paid => match click.reverse(self.asked_at, told.number).await {
                Ok(()) => Ok(Reversed::Now),
                Err(no @ (Failure::Refused(_) | Failure::NotFound)) => {
                    self.confirm(click, &no).await
                }
                Err(failure @ (Failure::NotSent(_) | Failure::Unknown(_))) => Err(failure),
            },
        }
    }

    /// A no may be about what somebody else has just given back.
    async fn confirm(&self, click: &ClickApi, no: &Failure) -> Result<Reversed, Failure> {
        let told = click.find(self.asked_at, &self.wanted).await?;
        match told.map(|told| told.standing) {
            Some(Theirs::Undone) => Ok(Reversed::Before),
            Some(Theirs::Paid | Theirs::Open | Theirs::Missing) | None => {
                Ok(Reversed::Refused(no.to_string()))
            }
        }
    }

    /// Notes the end, tells staff of a no, or asks again.
    pub(in crate::payments) async fn record(
        self,
        reversed: Reversed,
        tx: &mut Tx,
    ) -> Result<JobVerdict> {
        let click_trans_id = self.wanted.click_trans_id;
        let payment = click_trans_id.to_string();
        match reversed {
            Reversed::Now | Reversed::Before => {
                let key = format!("reverse_click_payment:{}", self.prepare_id);
                let outcome = claim_effect(tx, &key).await?;
                let over = [
                    (CaseKind::Disagreement, fact(&payment, Discrepancy::KeptThere)),
                    (CaseKind::Disagreement, fact(&payment, Discrepancy::NotCredited)),
                    (CaseKind::PaidTwice, payment),
                ];
                let over = over.map(|(kind, fact)| reference(PROVIDER, kind, &fact));
                close_agreed(tx, &over, "Click has given the payment back.").await?;
                tracing::warn!(target: "payments", transaction = %self.deposit, click_trans_id, ?reversed, "a payment went back to its payer at Click");
                Ok(outcome.into())
            }
            Reversed::Refused(why) => {
                let case = NewCase {
                    kind: CaseKind::Disagreement,
                    provider: PROVIDER,
                    transaction_id: Some(self.deposit),
                    fact: fact(&payment, Discrepancy::KeptThere),
                    details: json!({ "click_trans_id": click_trans_id, "click_paydoc_id": self.wanted.click_paydoc_id, "why": why }),
                };
                let _opened = open_case_again(tx, case).await?;
                Ok(Outcome::Done.into())
            }
            Reversed::Unknown(why) => Ok(JobVerdict::Retry(why)),
        }
    }
}
