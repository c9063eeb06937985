//! Series that exist before their first event. A counter that appears with its first event has not increased, as
//! Prometheus sees it: an alert on the increase would miss the very event it is for.

use super::metrics;
use crate::jobs::{self, Origin, Queue, Registry};
use crate::payments::providers::{click, multicard, payme, paynet};
use crate::{accounts, escrow, listings, payments, sms, subscriptions, uploads, withdrawals};

/// How a run ends.
const OUTCOMES: [&str; 7] = ["ok", "retry", "snoozed", "dead", "cancelled", "stale", "handed_back"];
/// Why a job was taken back.
const RESCUES: [&str; 3] = ["lease", "dispatch_timeout", "redis_epoch"];
/// What moves money.
const POSTINGS: [&str; 11] = [
    "adjustment",
    "deposit",
    "deposit_reversal",
    "escrow_fund",
    "escrow_release",
    "escrow_refund",
    "escrow_split",
    "subscription",
    "withdraw_hold",
    "withdraw_paid",
    "withdraw_released",
];

/// What any process may count: what it runs, jobs it records, postings it writes.
pub(super) fn of_a_process() {
    metrics::BUILD_INFO.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    for entry in jobs::registry().iter() {
        for origin in Origin::ALL {
            let labels = [entry.kind, entry.queue.as_str(), origin.as_str()];
            metrics::JOB_ENQUEUED.with_label_values(&labels);
        }
    }
    for kind in POSTINGS {
        metrics::LEDGER_POSTINGS.with_label_values(&[kind]);
    }
    accounts::show_zeros();
    payme::show_zeros();
    paynet::show_zeros();
    multicard::callback::show_zeros();
    click::show_zeros();
}

/// What a worker with these kinds may count.
pub fn of_a_worker(registry: &Registry) {
    for entry in registry.iter() {
        let (kind, queue) = (entry.kind, entry.queue.as_str());
        metrics::JOB_STARTED.with_label_values(&[kind, queue]);
        metrics::JOB_RUNNING.with_label_values(&[kind, queue]);
        metrics::JOB_WAIT.with_label_values(&[kind, queue]);
        metrics::JOB_DURATION.with_label_values(&[kind]);
        metrics::JOB_ATTEMPTS.with_label_values(&[kind]);
        metrics::JOB_STALE.with_label_values(&[kind]);
        metrics::EFFECT_DUPLICATE.with_label_values(&[kind]);
        for outcome in OUTCOMES {
            metrics::JOB_FINISHED.with_label_values(&[kind, queue, outcome]);
        }
    }
    for queue in Queue::ALL {
        metrics::JOB_STALE_DELIVERY.with_label_values(&[queue.as_str()]);
        metrics::RELAY_PUSHED.with_label_values(&[queue.as_str()]);
        metrics::RELAY_ERRORS.with_label_values(&[queue.as_str()]);
    }
    for outcome in subscriptions::OUTCOMES {
        metrics::SUBSCRIPTION_RENEWALS.with_label_values(&[outcome]);
    }
    for outcome in sms::OUTCOMES {
        metrics::SMS_MESSAGES.with_label_values(&[outcome]);
    }
    payments::show_zeros();
    for reason in RESCUES {
        metrics::JOB_RESCUED.with_label_values(&[reason]);
    }
    let sweeps = [
        listings::SWEEP,
        payments::SWEEP,
        subscriptions::SWEEP,
        uploads::SWEEP,
        withdrawals::SWEEP,
    ];
    for sweep in escrow::sweeps().chain(sweeps) {
        metrics::RECONCILER_FOUND.with_label_values(&[sweep]);
    }
}
