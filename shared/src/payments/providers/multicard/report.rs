//! The comparison with Multicard's history of our store: first what it lists, then what it did not.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::Multicard;
use super::model::{Entry, Listed, Status};
use super::row::Checkout;
use super::standing::Standing;
use crate::Tx;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::jobs::{JobVerdict, enqueue};
use crate::payments::TransactionStatus;
use crate::payments::jobs::{ProcessDeposit, ReturnCardPayment};
use crate::payments::reports::{
    About, BETWEEN_BATCHES, Batch, Discrepancy, Ours, Report, Source, Theirs, Verdict, judge,
};

/// Payments that are asked about one by one in a batch.
const ASKED_MAX: i64 = 8;

/// Where a comparison is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// At this line of the history.
    Theirs(usize),
    /// Behind this deposit, among those that the history did not list.
    Ours(Option<TransactionId>),
}

/// The next batch of a comparison.
pub struct Comparison {
    report: Report,
    place: Place,
    /// What changed here since then is compared another night.
    asked_at: DateTime<Utc>,
    unlisted: Vec<Standing>,
}

/// What Multicard says.
pub enum Heard {
    /// A page of its history, and whether it is the last.
    Page(Vec<Listed>, bool),
    /// The payments that it was asked for, in the order of the questions; fewer when it fell silent.
    Payments(Vec<Option<Entry>>),
    /// No answer.
    Silence(String),
}

impl Comparison {
    /// What is to be asked next about a day; none when the comparison has ended.
    pub(in crate::payments) async fn next(tx: &mut Tx, day: NaiveDate) -> Result<Option<Self>> {
        let report = Report::running(tx, Source::Multicard, day).await?;
        let Some(report) = report else { return Ok(None) };
        let place = report.place().unwrap_or(Place::Theirs(0));
        let unlisted = match &place {
            Place::Theirs(_) => Vec::new(),
            Place::Ours(after) => {
                Standing::unlisted(tx, (day, report.started_at), *after, ASKED_MAX).await?
            }
        };
        Ok(Some(Self { report, place, asked_at: tx.now(), unlisted }))
    }

    /// Asks.
    pub(in crate::payments) async fn ask(&self, multicard: &Multicard) -> Heard {
        match self.place {
            Place::Theirs(offset) => match multicard.payments_of(self.report.day, offset).await {
                Ok((page, last)) => Heard::Page(page, last),
                Err(failure) => Heard::Silence(failure.to_string()),
            },
            Place::Ours(_) => {
                let mut payments = Vec::new();
                for standing in &self.unlisted {
                    let payment = standing.payment.as_deref().unwrap_or_default();
                    match multicard.payment(payment).await {
                        Ok(entry) => payments.push(entry),
                        Err(failure) if payments.is_empty() => {
                            return Heard::Silence(failure.to_string());
                        }
                        Err(_) => break,
                    }
                }
                Heard::Payments(payments)
            }
        }
    }

    /// Compares, and goes on.
    pub(in crate::payments) async fn record(
        self,
        heard: Heard,
        tx: &mut Tx,
        multicard: &Multicard,
    ) -> Result<JobVerdict> {
        let Self { report, place, asked_at, unlisted } = self;
        let mut batch = Batch::of(report);
        let next = match (heard, place) {
            (Heard::Silence(why), _) => return Ok(JobVerdict::Retry(why)),
            (Heard::Page(page, last), Place::Theirs(offset)) => {
                let length = page.len();
                theirs(tx, &mut batch, (page, offset), (asked_at, multicard)).await?;
                Some(if last { Place::Ours(None) } else { Place::Theirs(offset + length) })
            }
            (Heard::Payments(payments), Place::Ours(_)) => {
                let asked = unlisted.len();
                let after = unlisted.get(payments.len().saturating_sub(1)).map(|found| found.id);
                let all = payments.len() == asked;
                let full = i64::try_from(asked).is_ok_and(|asked| asked >= ASKED_MAX);
                ours(tx, &mut batch, unlisted.into_iter().zip(payments), asked_at).await?;
                (!all || full).then_some(Place::Ours(after))
            }
            (Heard::Page(..), place @ Place::Ours(_))
            | (Heard::Payments(_), place @ Place::Theirs(_)) => Some(place),
        };
        let more = next.is_some();
        batch.save(tx, next).await?;
        Ok(if more {
            JobVerdict::Snooze(BETWEEN_BATCHES)
        } else {
            JobVerdict::Done(crate::Outcome::Done)
        })
    }
}

/// What Multicard lists.
async fn theirs(
    tx: &mut Tx,
    batch: &mut Batch,
    (page, offset): (Vec<Listed>, usize),
    (asked_at, multicard): (DateTime<Utc>, &Multicard),
) -> Result<()> {
    let named = page.iter().filter_map(|line| line.entry.as_ref()?.reference.parse().ok());
    let named: Vec<_> = named.map(TransactionId).collect();
    let known: HashMap<_, _> =
        Standing::of(tx, &named).await?.into_iter().map(|found| (found.id, found)).collect();
    let mut agreed = Vec::new();
    for (line, listed) in page.into_iter().enumerate() {
        let Some(entry) = &listed.entry else {
            unreadable(tx, batch, &listed, offset + line).await?;
            continue;
        };
        if entry.store.is_some_and(|store| store != multicard.store()) {
            continue;
        }
        let id = entry.reference.parse().ok().map(TransactionId);
        match id.and_then(|id| known.get(&id)) {
            Some(standing) if standing.changed_at > asked_at => {}
            Some(standing) => {
                if compare(tx, batch, standing, Some(entry)).await? == Verdict::Agreed
                    && standing.ours(&entry.uuid) == Ours::Credited
                {
                    agreed.push(standing.id);
                }
            }
            None => unknown_here(tx, batch, &listed, entry).await?,
        }
    }
    Checkout::reported(tx, &agreed).await
}

/// What Multicard did not list, and was asked for.
async fn ours(
    tx: &mut Tx,
    batch: &mut Batch,
    asked: impl Iterator<Item = (Standing, Option<Entry>)>,
    asked_at: DateTime<Utc>,
) -> Result<()> {
    let asked: Vec<_> = asked.collect();
    let ids: Vec<_> = asked.iter().map(|(standing, _)| standing.id).collect();
    let now = Standing::of(tx, &ids).await?;
    for (standing, entry) in asked {
        let today = now.iter().find(|found| found.id == standing.id);
        if let Some(today) = today.filter(|today| today.changed_at <= asked_at) {
            compare(tx, batch, today, entry.as_ref()).await?;
        }
    }
    Ok(())
}

/// Compares one payment of a deposit of ours, and gives what can be mended to its ordinary job.
async fn compare(
    tx: &mut Tx,
    batch: &mut Batch,
    standing: &Standing,
    entry: Option<&Entry>,
) -> Result<Verdict> {
    let payment = entry.map(|entry| entry.uuid.clone()).or_else(|| standing.payment.clone());
    let payment = payment.unwrap_or_default();
    let ours = standing.ours(&payment);
    let theirs = entry.map_or(Theirs::Missing, |entry| standing_of(entry.status));
    let differs = entry.is_some_and(|entry| standing.amount.to_tiyin() != Some(entry.amount));
    let renamed =
        entry.is_some_and(|entry| !entry.reference.eq_ignore_ascii_case(&standing.id.to_string()));
    let verdict = match judge(ours, theirs) {
        Verdict::Agreed | Verdict::Repair(_) if renamed && theirs == Theirs::Paid => {
            Verdict::Disagreed(Discrepancy::UnknownHere)
        }
        Verdict::Agreed | Verdict::Repair(_) if differs && theirs == Theirs::Paid => {
            Verdict::Disagreed(Discrepancy::Amount)
        }
        // Staff booked it back: what Multicard does about it is done in its cabinet.
        Verdict::Repair(what @ Discrepancy::KeptThere) => Verdict::Disagreed(what),
        verdict @ (Verdict::Agreed | Verdict::Repair(_) | Verdict::Disagreed(_)) => verdict,
    };
    let details = json!({
        "day": batch.report().day,
        "payment": payment,
        "theirs": entry.map(|entry| json!({ "status": entry.status, "amount_tiyin": entry.amount })),
        "ours": { "status": standing.status, "amount": standing.amount, "payment": standing.payment, "returned": standing.returned },
    });
    let about = About {
        provider: standing.provider,
        payment: payment.clone(),
        transaction: Some(standing.id),
        details,
    };
    if batch.conclude(tx, about, verdict).await? {
        mend(tx, standing, payment).await?;
    }
    Ok(verdict)
}

/// Paid there, not credited here: the deposit is asked about again and credited, or the payer gets the money back.
async fn mend(tx: &mut Tx, standing: &Standing, payment: String) -> Result<()> {
    let id = standing.id;
    match standing.status {
        TransactionStatus::Pending | TransactionStatus::Processing => {
            let _known = Checkout::heard_of(tx, id, &payment).await?;
            enqueue(tx, &ProcessDeposit { transaction_id: id, after_credit: false }).await?;
        }
        TransactionStatus::Completed | TransactionStatus::Failed | TransactionStatus::Cancelled => {
            enqueue(tx, &ReturnCardPayment { transaction_id: id, payment }).await?;
        }
    }
    Ok(())
}

/// A payment that names no deposit of ours counts when somebody was debited.
async fn unknown_here(
    tx: &mut Tx,
    batch: &mut Batch,
    listed: &Listed,
    entry: &Entry,
) -> Result<()> {
    let verdict = match standing_of(entry.status) {
        Theirs::Paid => Verdict::Disagreed(Discrepancy::UnknownHere),
        Theirs::Open | Theirs::Undone | Theirs::Missing => Verdict::Agreed,
    };
    let details = json!({
        "day": batch.report().day,
        "payment": entry.uuid,
        "theirs": { "status": entry.status, "amount_tiyin": entry.amount },
        "ours": null,
    });
    let payment = entry.uuid.clone();
    let about = About { provider: listed.provider, payment, transaction: None, details };
    batch.conclude(tx, about, verdict).await.map(drop)
}

/// A line that cannot be read might be a payment that was made.
async fn unreadable(tx: &mut Tx, batch: &mut Batch, listed: &Listed, line: usize) -> Result<()> {
    let day = batch.report().day;
    let payment = listed.uuid.clone().unwrap_or_else(|| format!("{day}/{line}"));
    let details = json!({ "day": day, "line": line, "payment": listed.uuid });
    let about = About { provider: listed.provider, payment, transaction: None, details };
    let verdict = Verdict::Disagreed(Discrepancy::Unreadable);
    batch.conclude(tx, about, verdict).await.map(drop)
}

const fn standing_of(status: Status) -> Theirs {
    match status {
        Status::Success => Theirs::Paid,
        Status::Draft | Status::Progress | Status::Billing | Status::Hold => Theirs::Open,
        Status::Error | Status::Revert => Theirs::Undone,
    }
}
