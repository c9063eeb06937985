//! What operators see and do to jobs; `wibe jobs` calls the same commands.
//!
//! Staff look, and act on one job; what stops a queue, a worker or many jobs at a time is for superusers. Everything that
//! is done is in the audit log, with its reason.

mod kinds;
mod lists;
mod many;
mod one;
mod queues;
mod shape;
mod workers;

use salvo::oapi::ToSchema;
use serde::Deserialize;
use shared::Result;
use shared::accounts::Principal;
use shared::audit::Actor;
use shared::jobs::operate::Operator;
use validator::Validate;

pub(crate) use kinds::list_kinds;
pub(crate) use lists::list_jobs;
pub(crate) use many::{discard_dead, retry_dead};
pub(crate) use one::{cancel_job, discard_job, retry_job, show_job, snooze_job};
pub(crate) use queues::{list_queues, pause_queue, resume_queue};
pub(crate) use workers::{drain_worker, list_workers};

/// Why it is done.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhyBody {
    /// For the audit log. At most 2,000 characters.
    reason: Option<String>,
}

/// The caller as an operator, with their reason.
fn operator(caller: &Principal, reason: Option<&str>) -> Result<Operator> {
    Operator::new(Actor::Staff(caller.user.id), reason)
}
