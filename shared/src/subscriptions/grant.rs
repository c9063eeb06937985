//! Staff give a plan away, or take it back. No money moves.

use chrono::TimeDelta;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::Period;
use super::{BillingPeriod, Chosen, Plan, Subscription};
use crate::accounts::Principal;
use crate::audit::Actor;
use crate::error::{Code, Error, Result, texts};
use crate::ids::UserId;
use crate::schema::users;
use crate::{App, Money, Outcome, Tx};

/// The longest gift.
const MONTHS_MAX: i32 = 36;
/// A gift that is asked for again within this is the same one: clients send a click up to nine times.
const SAME_GIFT: TimeDelta = TimeDelta::minutes(2);

/// What staff give.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// To whom.
    pub user: UserId,
    /// Which plan; the free one takes back what they have.
    pub plan_slug: &'a str,
    /// For how many months from now; 0 for the free plan.
    pub months: i32,
}

/// Gives a person a plan from now on for some months, or takes their plan away. A subscription of theirs to the same plan
/// lasts at least so long then, and goes on being renewed where it was; another plan is replaced, and what was paid for it
/// is not paid back.
///
/// # Errors
/// `NOT_FOUND` when there is no such person; `PERMISSION_DENIED` for one's own account, unless one may do everything;
/// `VALIDATION_ERROR` naming `plan_slug` or `months`.
pub async fn grant(
    tx: &mut Tx,
    app: &App,
    staff: &Principal,
    grant: Grant<'_>,
) -> Result<Option<Subscription>> {
    let by = &staff.user;
    if by.id == grant.user && !by.is_superuser {
        return Err(Error::new(Code::PermissionDenied));
    }
    let plan = Plan::find_named(tx, Chosen { field: "plan_slug", plan: grant.plan_slug }).await?;
    check_months(&plan, grant.months)?;
    let theirs = users::table.filter(users::id.eq(grant.user).and(users::deleted_at.is_null()));
    if !diesel::select(exists(theirs)).get_result(tx.conn()).await? {
        return Err(Error::new(Code::NotFound));
    }
    let current = Subscription::lock_current(tx, grant.user).await?;
    let actor = Actor::Staff(by.id);
    if plan.is_free() {
        revoke(tx, actor, current).await
    } else {
        give(tx, app, actor, current, (&plan, grant)).await.map(Some)
    }
}

async fn give(
    tx: &mut Tx,
    app: &App,
    actor: Actor,
    current: Option<Subscription>,
    gift: (&Plan, Grant<'_>),
) -> Result<Subscription> {
    let (plan, Grant { user, months, .. }) = gift;
    let now = tx.now();
    let period = Period::from(now, months);
    let given = match current {
        Some(mut current) if current.is_running(now) => {
            if current.give(plan, period) == Outcome::AlreadyDone {
                return Ok(current);
            }
            current.save(tx).await?;
            current.wake_at_end(tx).await?;
            current
        }
        over => {
            if let Some(mut over) = over {
                over.expire();
                over.save(tx).await?;
            }
            let settings = &app.settings.subscriptions;
            let mut new = Subscription::begin(user, plan, BillingPeriod::Monthly, settings, now);
            new.enter(plan, BillingPeriod::Monthly, period);
            new.period_price = Money::ZERO;
            new.auto_renew = false;
            new.insert(tx).await?;
            new
        }
    };
    let details =
        json!({ "user": user, "plan": plan.slug, "months": months, "end_date": given.end_date });
    given.record(tx, actor, "subscription.granted", details).await?;
    Ok(given)
}

async fn revoke(
    tx: &mut Tx,
    actor: Actor,
    current: Option<Subscription>,
) -> Result<Option<Subscription>> {
    let now = tx.now();
    let Some(mut current) = current.filter(|current| current.is_running(now)) else {
        return Ok(None);
    };
    let plan = Plan::find(tx, current.plan_id).await?;
    let details = json!({
        "user": current.user_id, "plan": plan.slug, "end_date": current.end_date, "unused": current.unused(now),
    });
    current.expire();
    current.end_date = current.end_date.min(now);
    current.cancelled_at = Some(now);
    current.save(tx).await?;
    current.record(tx, actor, "subscription.revoked", details).await?;
    Ok(Some(current))
}

fn check_months(plan: &Plan, months: i32) -> Result<()> {
    let (min, max) = if plan.is_free() { (0, 0) } else { (1, MONTHS_MAX) };
    let wrong = |text, limit: i32| {
        Err(Error::new(Code::ValidationError).and_field("months", text, limit.to_string()))
    };
    if months < min {
        wrong(texts::TOO_SMALL, min)
    } else if months > max {
        wrong(texts::TOO_LARGE, max)
    } else {
        Ok(())
    }
}

impl Subscription {
    /// A running subscription is prolonged, or replaced by another plan.
    fn give(&mut self, plan: &Plan, period: Period) -> Outcome {
        let same = plan.id == self.plan_id;
        if same && period.end - SAME_GIFT <= self.end_date {
            return Outcome::AlreadyDone;
        }
        if same && self.end_date > period.start {
            self.end_date = period.end;
            self.anchor_date = Some(period.anchor);
            self.anchor_months = period.anchor_months;
            return Outcome::Done;
        }
        if !same {
            self.keep_renewing();
            self.auto_renew = false;
        }
        self.enter(plan, BillingPeriod::Monthly, period);
        self.period_price = Money::ZERO;
        Outcome::Done
    }
}

#[cfg(test)]
mod tests {
    use super::super::SubscriptionStatus;
    use super::super::model::tests::{sample, start};
    use super::super::plan::tests::plan;
    use super::*;

    #[test]
    fn a_gift_is_from_one_month_to_three_years_and_none_of_the_free_plan() {
        let (free, pro) = (plan("free", 0, 0), plan("pro", 99_000, 990_000));
        for (plan, months, allowed) in [
            (&free, 0, true),
            (&free, 1, false),
            (&free, -1, false),
            (&pro, 0, false),
            (&pro, -1, false),
            (&pro, 1, true),
            (&pro, 36, true),
            (&pro, 37, false),
            (&pro, i32::MIN, false),
        ] {
            assert_eq!(check_months(plan, months).is_ok(), allowed, "{} {months}", plan.slug);
        }
    }

    #[test]
    fn a_gift_prolongs_the_same_plan_and_replaces_another() {
        let (premium, pro) = (plan("premium", 49_000, 490_000), plan("pro", 99_000, 990_000));
        let now = start() + TimeDelta::days(3);
        let paid = sample(&premium, BillingPeriod::Monthly);
        let mut shorter = paid.clone();
        assert_eq!(shorter.give(&premium, Period::from(start(), 1)), Outcome::AlreadyDone);
        assert_eq!(shorter.end_date, paid.end_date, "nobody loses what they have");
        let mut longer = paid.clone();
        assert_eq!(longer.give(&premium, Period::from(now, 3)), Outcome::Done);
        assert_eq!(longer.end_date, Period::from(now, 3).end);
        assert!(longer.auto_renew && longer.period_price == paid.period_price);
        let again = Period::from(now + TimeDelta::seconds(30), 3);
        assert_eq!(longer.give(&premium, again), Outcome::AlreadyDone, "the same click");
        let mut other = paid;
        assert_eq!(other.give(&pro, Period::from(now, 1)), Outcome::Done);
        assert_eq!(
            (other.plan_id, other.status, other.auto_renew, other.period_price, other.start_date),
            (pro.id, SubscriptionStatus::Active, false, Money::ZERO, now)
        );
    }
}
