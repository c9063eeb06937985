//! A subscription is not to be renewed, or is after all.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Plan, Subscription, SubscriptionStatus};
use crate::audit::Actor;
use crate::error::{Code, Error, Result};
use crate::ids::{SubscriptionId, UserId};
use crate::{Outcome, Tx};

/// Which of a person's subscriptions is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one they have.
    Current,
    /// This one.
    ById(SubscriptionId),
}

/// Ends the renewing of a person's subscription: its rights last to its end, which is now where the end has passed
/// unpaid. Nothing is paid back. Asked again, nothing changes.
///
/// # Errors
/// `NOT_FOUND` when they have none, or it is not theirs; `INVALID_STATE` when it is over.
pub async fn cancel(tx: &mut Tx, user: UserId, which: Which, reason: &str) -> Result<Subscription> {
    let mut subscription = lock_own(tx, user, which).await?;
    if subscription.cancel(reason, tx.now())? == Outcome::AlreadyDone {
        return Ok(subscription);
    }
    subscription.save(tx).await?;
    let details = json!({ "reason": reason, "end_date": subscription.end_date });
    subscription.record(tx, Actor::User(user), "subscription.cancelled", details).await?;
    Ok(subscription)
}

/// Has a person's running subscription renewed again.
///
/// # Errors
/// `NOT_FOUND` when they have none; `INVALID_STATE` when it is over, or its plan is not sold any more.
pub async fn resume(tx: &mut Tx, user: UserId) -> Result<Subscription> {
    let mut subscription = lock_own(tx, user, Which::Current).await?;
    subscription.require_running(tx.now())?;
    if subscription.auto_renew {
        return Ok(subscription);
    }
    if !Plan::find(tx, subscription.plan_id).await?.is_active {
        return Err(Error::invalid_state(subscription.status.as_str()));
    }
    subscription.keep_renewing();
    subscription.save(tx).await?;
    let details = json!({ "end_date": subscription.end_date });
    subscription.record(tx, Actor::User(user), "subscription.resumed", details).await?;
    Ok(subscription)
}

/// Locks a person's subscription: the one they have or had last, or the one they name, if it is theirs. What is over
/// changes no more, so it is only read.
async fn lock_own(tx: &mut Tx, user: UserId, which: Which) -> Result<Subscription> {
    let current = Subscription::lock_current(tx, user).await?;
    let theirs = match (which, current) {
        (Which::Current, Some(current)) => Some(current),
        (Which::ById(id), Some(current)) if current.id == id => Some(current),
        (Which::Current, None) => Subscription::find_last(tx, user).await?,
        (Which::ById(id), _) => Subscription::find(tx, id).await?,
    };
    let theirs = theirs.filter(|subscription| subscription.user_id == user);
    theirs.ok_or_else(|| Error::new(Code::NotFound))
}

impl Subscription {
    /// Refuses what is over, also before a job has written that down.
    fn require_running(&self, now: DateTime<Utc>) -> Result<()> {
        if self.status != SubscriptionStatus::Expired && self.is_running(now) {
            Ok(())
        } else {
            Err(Error::invalid_state(SubscriptionStatus::Expired.as_str()))
        }
    }

    fn cancel(&mut self, reason: &str, now: DateTime<Utc>) -> Result<Outcome> {
        if self.cancelled_at.is_some() {
            return Ok(Outcome::AlreadyDone);
        }
        self.require_running(now)?;
        self.status = SubscriptionStatus::Cancelled;
        self.auto_renew = false;
        self.next_plan_id = None;
        self.next_billing_period = None;
        self.retry_at = None;
        self.cancelled_at = Some(now);
        self.cancel_reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        if self.end_date <= now {
            self.expire();
        }
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::BillingPeriod;
    use super::super::model::tests::{sample, start};
    use super::super::plan::tests::plan;
    use super::*;

    #[test]
    fn what_is_cancelled_keeps_its_rights_to_the_end_and_no_longer() {
        let pro = plan("pro", 99_000, 990_000);
        let running = sample(&pro, BillingPeriod::Monthly);
        let (now, end) = (start() + TimeDelta::days(1), running.end_date);
        let mut cancelled = running.clone();
        assert_eq!(cancelled.cancel("too dear", now).ok(), Some(Outcome::Done));
        assert_eq!(
            (cancelled.status, cancelled.cancelled_at, cancelled.rights_until()),
            (SubscriptionStatus::Cancelled, Some(now), end)
        );
        let later = now + TimeDelta::days(1);
        assert_eq!(cancelled.cancel("", later).ok(), Some(Outcome::AlreadyDone));
        assert_eq!(cancelled.cancel_reason.as_deref(), Some("too dear"));
        assert_eq!(cancelled.cancelled_at, Some(now), "a replay changes nothing");
        assert_eq!(cancelled.cancel("", end).ok(), Some(Outcome::AlreadyDone));

        let mut ended = running.clone();
        ended.expire();
        assert_eq!(ended.cancel("", now).expect_err("over").code(), Code::InvalidState);
        let mut unswept = running.clone();
        let after_grace = end + TimeDelta::hours(24);
        assert_eq!(unswept.cancel("", after_grace).expect_err("over").code(), Code::InvalidState);

        let mut in_grace = running;
        assert_eq!(in_grace.cancel("", end + TimeDelta::hours(1)).ok(), Some(Outcome::Done));
        assert_eq!(in_grace.status, SubscriptionStatus::Expired, "what was not paid ends at once");
    }
}
