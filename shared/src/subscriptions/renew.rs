//! The end of a period: it is paid and followed by the next one, or the subscription is over.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::charge::Bill;
use super::{Plan, Subscription, SubscriptionStatus};
use crate::accounts::User;
use crate::audit::Actor;
use crate::error::{Kind, Result};
use crate::ids::SubscriptionId;
use crate::notifications::{Notice, SubscriptionNews, notify};
use crate::telemetry::metrics;
use crate::{App, Money, Timed, Tx};

/// How late the last attempt may come. Later, days without rights would be paid, so it is over instead.
const LAST_MAY_BE_LATE: TimeDelta = TimeDelta::hours(2);

/// What becomes of an end: `subscription_renewals_total{outcome}`.
pub(crate) const OUTCOMES: [&str; 3] = [RENEWED, UNPAID, EXPIRED];
const RENEWED: &str = "renewed";
const UNPAID: &str = "unpaid";
const EXPIRED: &str = "expired";

/// What is to be done at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Another path was here: the period has another end, or the subscription is over.
    Nothing,
    /// Not yet.
    Wait(DateTime<Utc>),
    /// The next period is to be paid.
    Pay,
    /// It is over.
    End,
}

/// Ends the period of a subscription that ends at `period_end`: pays the next one from the balance, or tries again after
/// `SUBSCRIPTION_RETRY_AFTER` and when the grace is over, or ends the subscription. The timer's command; run twice, it
/// finds another end.
///
/// # Errors
/// The database's.
pub async fn renew(
    tx: &mut Tx,
    app: &App,
    id: SubscriptionId,
    period_end: DateTime<Utc>,
) -> Result<Timed> {
    let Some(mut subscription) = Subscription::lock(tx, id).await? else {
        return Ok(Timed::AlreadyDone);
    };
    match subscription.step(period_end, tx.now()) {
        Step::Nothing => Ok(Timed::AlreadyDone),
        Step::Wait(until) => Ok(Timed::NotBefore(until)),
        Step::Pay => pay_next(tx, app, subscription).await,
        Step::End => {
            end(tx, &mut subscription).await?;
            Ok(Timed::Done)
        }
    }
}

/// Ends a subscription whose timer was lost for good, when its rights are over for longer than a timer may be late.
pub(super) async fn end_lost(tx: &mut Tx, id: SubscriptionId) -> Result<()> {
    let Some(mut subscription) = Subscription::lock(tx, id).await? else { return Ok(()) };
    let over = subscription.rights_until() + LAST_MAY_BE_LATE < tx.now();
    if over && subscription.status != SubscriptionStatus::Expired {
        end(tx, &mut subscription).await?;
    }
    Ok(())
}

/// Pays the next period, in the plan that was planned for it.
async fn pay_next(tx: &mut Tx, app: &App, mut subscription: Subscription) -> Result<Timed> {
    let (plan, billing) = subscription.next();
    let plan = Plan::find(tx, plan).await?;
    let owner = User::find(tx, subscription.user_id).await?;
    // Nothing is sold of a plan that is switched off, or to somebody who is gone.
    if !plan.is_active || !owner.is_some_and(|owner| owner.may_sign_in()) {
        end(tx, &mut subscription).await?;
        return Ok(Timed::Done);
    }
    let period = subscription.next_period(billing);
    let bill = Bill { plan: &plan, billing, period, credit: Money::ZERO };
    match subscription.pay(tx, Actor::System, bill).await {
        Ok(paid) => {
            renewed(tx, &mut subscription, &plan, paid).await?;
            Ok(Timed::Done)
        }
        // Short, or frozen: it may be otherwise at the next attempt.
        Err(error) if matches!(error.kind(), Kind::PaymentRequired | Kind::Conflict) => {
            unpaid(tx, app, &mut subscription).await
        }
        Err(error) => Err(error),
    }
}

async fn renewed(
    tx: &mut Tx,
    subscription: &mut Subscription,
    plan: &Plan,
    paid: Money,
) -> Result<()> {
    subscription.save(tx).await?;
    let details = json!({
        "plan": plan.slug, "billing_period": subscription.billing_period, "amount": paid,
        "start_date": subscription.start_date, "end_date": subscription.end_date,
    });
    subscription.record(tx, Actor::System, "subscription.renewed", details).await?;
    metrics::SUBSCRIPTION_RENEWALS.with_label_values(&[RENEWED]).inc();
    subscription.wake_at_end(tx).await?;
    let notice = Notice::of_subscription(SubscriptionNews::Renewed, subscription);
    notify(tx, subscription.user_id, notice).await
}

/// The balance was short: its owner is told once, and there is another attempt while the grace lasts.
async fn unpaid(tx: &mut Tx, app: &App, subscription: &mut Subscription) -> Result<Timed> {
    let retry_after = app.settings.subscriptions.retry_after;
    let Some(retry_at) = subscription.next_attempt(retry_after, tx.now()) else {
        end(tx, subscription).await?;
        return Ok(Timed::Done);
    };
    let first = subscription.retry_at.is_none();
    subscription.retry_at = Some(retry_at);
    subscription.save(tx).await?;
    let details = json!({ "retry_at": retry_at });
    subscription.record(tx, Actor::System, "subscription.unpaid", details).await?;
    metrics::SUBSCRIPTION_RENEWALS.with_label_values(&[UNPAID]).inc();
    if first {
        let notice = Notice::of_subscription(SubscriptionNews::Unpaid, subscription);
        notify(tx, subscription.user_id, notice).await?;
    }
    Ok(Timed::NotBefore(retry_at))
}

async fn end(tx: &mut Tx, subscription: &mut Subscription) -> Result<()> {
    subscription.expire();
    subscription.save(tx).await?;
    let details = json!({ "end_date": subscription.end_date });
    subscription.record(tx, Actor::System, "subscription.expired", details).await?;
    metrics::SUBSCRIPTION_RENEWALS.with_label_values(&[EXPIRED]).inc();
    let notice = Notice::of_subscription(SubscriptionNews::Expired, subscription);
    notify(tx, subscription.user_id, notice).await
}

impl Subscription {
    fn step(&self, period_end: DateTime<Utc>, now: DateTime<Utc>) -> Step {
        if self.status == SubscriptionStatus::Expired || self.end_date != period_end {
            Step::Nothing
        } else if now < self.end_date {
            Step::Wait(self.end_date)
        } else if !self.auto_renew || now > self.grace_ends_at() + LAST_MAY_BE_LATE {
            Step::End
        } else {
            match self.retry_at {
                Some(retry_at) if now < retry_at => Step::Wait(retry_at),
                Some(_) | None => Step::Pay,
            }
        }
    }

    /// When an end that was not paid now is tried again; never, when the grace is over.
    fn next_attempt(
        &self,
        retry_after: std::time::Duration,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let last = self.grace_ends_at();
        let soon = crate::jobs::after(self.end_date, retry_after).min(last);
        [soon, last].into_iter().find(|attempt| *attempt > now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::BillingPeriod;
    use super::super::model::tests::sample;
    use super::super::plan::tests::plan;
    use super::*;

    fn running() -> Subscription {
        sample(&plan("premium", 49_000, 490_000), BillingPeriod::Monthly)
    }

    #[test]
    fn an_end_is_paid_when_it_comes_and_not_before() {
        let subscription = running();
        let (end, second) = (subscription.end_date, TimeDelta::seconds(1));
        assert_eq!(subscription.step(end, end - second), Step::Wait(end));
        assert_eq!(subscription.step(end, end), Step::Pay);
        assert_eq!(subscription.step(end, end + TimeDelta::hours(26)), Step::Pay);
        assert_eq!(subscription.step(end, end + TimeDelta::hours(26) + second), Step::End);
        assert_eq!(subscription.step(end - second, end), Step::Nothing, "of an earlier period");
        let given = Subscription { auto_renew: false, ..subscription.clone() };
        assert_eq!(given.step(end, end - second), Step::Wait(end));
        assert_eq!(given.step(end, end), Step::End);
        let mut over = subscription;
        over.expire();
        assert_eq!(over.step(end, end), Step::Nothing);
    }

    #[test]
    fn what_is_not_paid_is_tried_after_six_hours_and_when_the_grace_is_over() {
        let mut subscription = running();
        let (end, six) = (subscription.end_date, Duration::from_secs(6 * 3_600));
        let at = |hours: i64| end + TimeDelta::hours(hours);
        for (now, next) in [
            (at(0), Some(at(6))),
            (at(5), Some(at(6))),
            (at(6), Some(at(24))),
            (at(23), Some(at(24))),
            (at(24), None),
            (at(25), None),
        ] {
            assert_eq!(subscription.next_attempt(six, now), next, "{now}");
        }
        assert_eq!(subscription.next_attempt(Duration::MAX, at(0)), Some(at(24)));
        subscription.retry_at = Some(at(6));
        assert_eq!(subscription.step(end, at(3)), Step::Wait(at(6)));
        assert_eq!(subscription.step(end, at(6)), Step::Pay);
    }
}
