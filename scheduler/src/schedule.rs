//! ★ Screen 3: what happens when. Times are UTC, in business time; `sec min hour day month weekday`.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use shared::error::Result;
use shared::jobs::{self, JobKind, Origin, kinds};
use shared::{Outcome, Tx};

/// The whole schedule.
#[must_use]
pub fn schedule() -> Vec<Scheduled> {
    vec![
        // money: events make it fast, these scans make it true
        at::<kinds::ReconcileEscrows>(
            "*/30 * * * * *",
            CatchUp::Skip,
            "deals that are due without a job",
        ),
        at::<kinds::ExpireDeposits>(
            "0 */5 * * * *",
            CatchUp::Once,
            "deposits past Payme's 12 hours",
        ),
        at::<kinds::CheckSubscriptionExpirations>(
            "0 0 * * * *",
            CatchUp::Once,
            "subscriptions that end soon or have ended",
        ),
        at::<kinds::ReconcilePayments>(
            "*/30 * * * * *",
            CatchUp::Skip,
            "deposits and payouts that wait for an answer without a job",
        ),
        at::<kinds::LedgerCheck>("15 * * * * *", CatchUp::Once, "what is new in the ledger"),
        at::<kinds::LedgerCheckFull>("0 15 20 * * *", CatchUp::Once, "all of the ledger"),
        at::<kinds::CompareProviderReports>(
            "0 30 21 * * *",
            CatchUp::Once,
            "the past business days as Click and Multicard report them",
        ),
        // listings: the same for what no moderator decided about
        at::<kinds::ReconcileListings>(
            "45 * * * * *",
            CatchUp::Skip,
            "listings past their time without a job",
        ),
        // upkeep: long work in batches, most of it at night in Tashkent (UTC+5 all year: no daylight-saving time)
        at::<kinds::UpdateSearchIndex>("20 * * * * *", CatchUp::Skip, "changed listings"),
        at::<kinds::CalculateDailyStatistics>(
            "0 5 19 * * *",
            CatchUp::Once,
            "the day that ended in Tashkent five minutes ago",
        ),
        at::<kinds::ArchiveOldListings>("0 30 20 * * *", CatchUp::Once, "180 days without a sale"),
        at::<kinds::CleanupUnverifiedUsers>(
            "0 0 21 * * *",
            CatchUp::Once,
            "7 days without a proof",
        ),
        at::<kinds::EraseClosedAccounts>(
            "0 20 21 * * *",
            CatchUp::Once,
            "30 days after an account was closed",
        ),
        at::<kinds::SweepUploads>("0 35 * * * *", CatchUp::Once, "files that nobody wants"),
        at::<kinds::WipeCardNumbers>("0 50 20 * * *", CatchUp::Once, "30 days after the payout"),
        at::<kinds::PruneJobs>("0 10 * * * *", CatchUp::Once, "jobs that ended long ago"),
        at::<kinds::PruneIdempotencyKeys>("0 25 * * * *", CatchUp::Once, "keys of 30 days ago"),
        at::<kinds::PruneSignInRecords>("0 55 * * * *", CatchUp::Once, "guesses of yesterday"),
        at::<kinds::MaintainPartitions>("0 40 * * * *", CatchUp::Once, "room for attempts ahead"),
    ]
}

/// What to do about ticks that passed while no scheduler ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// Nothing: the next tick is soon.
    Skip,
    /// The latest of them, once.
    Once,
    /// Each of them, up to this many of the latest.
    All(usize),
}

impl CatchUp {
    /// The policy's name, for the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All(_) => "all",
        }
    }
}

type ByHand = for<'t> fn(&'t mut Tx) -> BoxFuture<'t, Result<Outcome>>;
type Fire = for<'t> fn(&'t mut Tx, DateTime<Utc>, &'t str) -> BoxFuture<'t, Result<Outcome>>;

/// One line of the schedule.
pub struct Scheduled {
    /// The schedule's name: its job's kind.
    pub name: &'static str,
    /// When.
    pub cron: cron::Schedule,
    /// What about missed ticks.
    pub catch_up: CatchUp,
    /// Why.
    pub why: &'static str,
    pub(crate) fire: Fire,
    pub(crate) by_hand: ByHand,
}

/// A job without arguments at the times of a cron expression.
///
/// # Panics
/// When the expression is not one: a mistake that must not start.
fn at<J: JobKind + Default>(expression: &str, catch_up: CatchUp, why: &'static str) -> Scheduled {
    let cron = cron::Schedule::from_str(expression)
        .expect("the schedule is written with valid expressions");
    Scheduled { name: J::KIND, cron, catch_up, why, fire: fire::<J>, by_hand: by_hand::<J> }
}

fn fire<'t, J: JobKind + Default>(
    tx: &'t mut Tx,
    tick: DateTime<Utc>,
    by: &'t str,
) -> BoxFuture<'t, Result<Outcome>> {
    async move { jobs::fire(tx, J::KIND, tick, by, &J::default()).await }.boxed()
}

fn by_hand<'t, J: JobKind + Default>(tx: &'t mut Tx) -> BoxFuture<'t, Result<Outcome>> {
    async move {
        tx.caused_by(Origin::Admin);
        let recorded = jobs::enqueue(tx, &J::default()).await?;
        Ok(if recorded.is_some() { Outcome::Done } else { Outcome::AlreadyDone })
    }
    .boxed()
}
