//! The comparison with Click, which has no list of payments: it is asked about each deposit of the day.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::PROVIDER;
use super::failure::Failure;
use super::merchant_api::{ClickApi, Told};
use super::standing::{Known, Order};
use crate::error::{Error, Result};
use crate::ids::TransactionId;
use crate::jobs::{JobVerdict, enqueue};
use crate::payments::jobs::{ProcessClickPayment, ReverseClickPayment};
use crate::payments::reports::{
    About, BETWEEN_BATCHES, Batch, Discrepancy, Ours, Report, Source, Theirs, Verdict, judge,
};
use crate::{App, Outcome, Tx};

/// Deposits in a batch.
const ASKED_MAX: i64 = 20;
/// A batch ends early after this long: what it has heard counts.
const PATIENCE: Duration = Duration::from_secs(25);

/// Behind which deposit a comparison goes on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Place {
    after: TransactionId,
}

/// The next batch of a comparison.
pub struct Comparison {
    report: Report,
    /// What changed here since then is compared another night.
    asked_at: DateTime<Utc>,
    orders: Vec<Order>,
}

/// What Click says, in the order of the questions; fewer when it fell silent.
pub struct Heard {
    orders: Vec<Sighted>,
    silence: Option<String>,
}

/// What Click says about an order.
struct Sighted {
    /// About each of its payments here.
    payments: Vec<Option<Told>>,
    /// Payments that are not known here.
    others: Vec<Told>,
}

impl Comparison {
    /// What is to be asked next about a day; none when the comparison has ended, or Click cannot be asked.
    pub(in crate::payments) async fn next(
        tx: &mut Tx,
        app: &App,
        day: NaiveDate,
    ) -> Result<Option<Self>> {
        if app.click.is_none() {
            return Ok(None);
        }
        let report = Report::running(tx, Source::Click, day).await?;
        let Some(report) = report else { return Ok(None) };
        let after = report.place().map(|Place { after }| after);
        let orders = Order::of_day(tx, day, after, ASKED_MAX).await?;
        Ok(Some(Self { report, asked_at: tx.now(), orders }))
    }

    /// Asks.
    pub(in crate::payments) async fn ask(&self, app: &App) -> Result<Heard> {
        let click = app.click.as_ref().ok_or_else(|| Error::internal("Click cannot be asked"))?;
        let started = Instant::now();
        let mut heard = Heard { orders: Vec::new(), silence: None };
        for order in &self.orders {
            if started.elapsed() > PATIENCE {
                break;
            }
            match self.sight(click, order).await {
                Ok(sighted) => heard.orders.push(sighted),
                Err(failure) => {
                    heard.silence = Some(failure.to_string());
                    break;
                }
            }
        }
        Ok(heard)
    }

    async fn sight(&self, click: &ClickApi, order: &Order) -> Result<Sighted, Failure> {
        let mut told = Vec::new();
        for day in order.days(self.report.day) {
            told.extend(click.of_order(self.asked_at, order.id, day).await?);
        }
        let mut payments = Vec::new();
        for known in &order.payments {
            let wanted = known.wanted(order.id);
            let found = told.iter().find(|told| wanted.is(told)).cloned();
            payments.push(match found {
                Some(told) => Some(told),
                None => click.by_numbers(self.asked_at, &wanted).await?,
            });
        }
        let is_known =
            |told: &Told| order.payments.iter().any(|known| known.wanted(order.id).is(told));
        let others = told.into_iter().filter(|told| !is_known(told)).collect();
        Ok(Sighted { payments, others })
    }

    /// Compares, and goes on.
    pub(in crate::payments) async fn record(self, heard: Heard, tx: &mut Tx) -> Result<JobVerdict> {
        let Self { report, asked_at, orders } = self;
        if let (Some(why), true) = (&heard.silence, heard.orders.is_empty()) {
            return Ok(JobVerdict::Retry(why.clone()));
        }
        let asked = orders.len();
        let last = orders.get(heard.orders.len().saturating_sub(1)).map(|order| order.id);
        let full = i64::try_from(asked).is_ok_and(|asked| asked >= ASKED_MAX);
        let more = full || heard.orders.len() < asked;
        let mut batch = Batch::of(report);
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        let today = Order::load(tx, &ids).await?;
        for (order, sighted) in orders.iter().zip(heard.orders) {
            let Some(today) = today.iter().find(|found| found.id == order.id) else { continue };
            for (known, told) in order.payments.iter().zip(sighted.payments) {
                let now = today.payments.iter().find(|now| now.prepare_id == known.prepare_id);
                // Whatever has changed since it was asked about is compared another night.
                if let Some(now) = now.filter(|now| now.changed_at <= asked_at) {
                    known_here(tx, &mut batch, (order.id, now), told).await?;
                }
            }
            for told in sighted.others {
                unknown_here(tx, &mut batch, order.id, &told).await?;
            }
        }
        let place = last.filter(|_| more).map(|after| Place { after });
        let goes_on = place.is_some();
        batch.save(tx, place).await?;
        Ok(if goes_on {
            JobVerdict::Snooze(BETWEEN_BATCHES)
        } else {
            JobVerdict::Done(Outcome::Done)
        })
    }
}

/// Compares one payment, and gives what can be mended to its job.
async fn known_here(
    tx: &mut Tx,
    batch: &mut Batch,
    (order, known): (TransactionId, &Known),
    told: Option<Told>,
) -> Result<()> {
    let ours = known.ours();
    let theirs = told.as_ref().map_or(Theirs::Missing, |told| told.standing);
    let amount = told.as_ref().and_then(|told| told.amount);
    let differs = amount.is_some_and(|amount| amount != known.amount);
    let verdict = match judge(ours, theirs) {
        Verdict::Agreed | Verdict::Repair(_) if differs && theirs == Theirs::Paid => {
            Verdict::Disagreed(Discrepancy::Amount)
        }
        // Click said that it had failed: what it says now, people must settle with it.
        Verdict::Repair(what @ Discrepancy::NotCredited) if known.has_failed => {
            Verdict::Disagreed(what)
        }
        verdict @ (Verdict::Agreed | Verdict::Repair(_) | Verdict::Disagreed(_)) => verdict,
    };
    let details = json!({
        "day": batch.report().day,
        "click_trans_id": known.click_trans_id,
        "click_paydoc_id": known.click_paydoc_id,
        "theirs": told.map(|told| json!({ "payment_id": told.number, "standing": told.standing, "amount": told.amount })),
        "ours": { "order": order, "state": known.state, "amount": known.amount, "returned": known.returned },
    });
    let about = About {
        provider: PROVIDER,
        payment: known.click_trans_id.to_string(),
        transaction: Some(known.credited_id.unwrap_or(order)),
        details,
    };
    if !batch.conclude(tx, about, verdict).await? {
        return Ok(());
    }
    let prepare_id = known.prepare_id;
    match (ours, known.is_surplus) {
        (Ours::Returned, _) | (Ours::Uncredited, true) => {
            enqueue(tx, &ReverseClickPayment { prepare_id }).await?;
        }
        (Ours::Credited | Ours::Uncredited, _) => {
            enqueue(tx, &ProcessClickPayment { prepare_id }).await?;
        }
    }
    Ok(())
}

/// A payment of an order of ours that Click never prepared with us counts when somebody was debited.
async fn unknown_here(
    tx: &mut Tx,
    batch: &mut Batch,
    order: TransactionId,
    told: &Told,
) -> Result<()> {
    let verdict = match told.standing {
        Theirs::Paid => Verdict::Disagreed(Discrepancy::UnknownHere),
        Theirs::Open | Theirs::Undone | Theirs::Missing => Verdict::Agreed,
    };
    let details = json!({
        "day": batch.report().day,
        "theirs": { "payment_id": told.number, "standing": told.standing, "amount": told.amount },
        "ours": { "order": order },
    });
    let payment = told.number.to_string();
    let about = About { provider: PROVIDER, payment, transaction: Some(order), details };
    batch.conclude(tx, about, verdict).await.map(drop)
}
