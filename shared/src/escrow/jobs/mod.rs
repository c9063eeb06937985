//! The timers of deals, and the scan behind them.

mod expire_unpaid_escrow;
mod receive_silent_escrow;
mod reconcile_escrows;
mod refund_undelivered_escrow;
mod release_escrow_payment;

use chrono::{DateTime, Utc};

pub use expire_unpaid_escrow::ExpireUnpaidEscrow;
pub use receive_silent_escrow::ReceiveSilentEscrow;
pub use reconcile_escrows::ReconcileEscrows;
pub use refund_undelivered_escrow::RefundUndeliveredEscrow;
pub use release_escrow_payment::ReleaseEscrowPayment;

use super::Timed;
use crate::Outcome;
use crate::jobs::JobVerdict;

impl Timed {
    /// What a timer's job says: one that comes too early sleeps on.
    fn verdict(self, now: DateTime<Utc>) -> JobVerdict {
        match self {
            Self::Done => Outcome::Done.into(),
            Self::AlreadyDone => Outcome::AlreadyDone.into(),
            Self::NotBefore(due) => JobVerdict::Snooze((due - now).to_std().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_timer_that_comes_too_early_sleeps_until_it_is_due() {
        let now = DateTime::UNIX_EPOCH;
        let early = Timed::NotBefore(now + TimeDelta::seconds(90)).verdict(now);
        assert!(matches!(early, JobVerdict::Snooze(wait) if wait.as_secs() == 90));
        assert!(matches!(Timed::Done.verdict(now), JobVerdict::Done(Outcome::Done)));
        assert!(matches!(Timed::AlreadyDone.verdict(now), JobVerdict::Done(Outcome::AlreadyDone)));
    }
}
