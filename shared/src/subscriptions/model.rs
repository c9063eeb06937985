//! The row of a subscription, and what may be decided from it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::calendar::months_after;
use super::{Plan, jobs::AutoRenewSubscription};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, OnConstraint as _, Result};
use crate::ids::{PlanId, SubscriptionId, UserId};
use crate::jobs::enqueue_at;
use crate::schema::user_subscriptions;
use crate::settings::SubscriptionSettings;
use crate::text_enum::text_enum;
use crate::{Conn, Money, Tx};

text_enum! {
    /// Where a subscription is.
    SubscriptionStatus {
        /// It runs, and is renewed unless it was granted.
        Active = "active",
        /// It runs to its end and is not renewed.
        Cancelled = "cancelled",
        /// It is over. Final.
        Expired = "expired",
    }
}

text_enum! {
    /// How long a period is.
    BillingPeriod {
        /// A month.
        Monthly = "monthly",
        /// Twelve months.
        Yearly = "yearly",
    }
}

impl BillingPeriod {
    /// Its length in months.
    #[must_use]
    pub fn months(self) -> i32 {
        match self {
            Self::Monthly => 1,
            Self::Yearly => 12,
        }
    }
}

/// A person's subscription to a plan: its running period, and what comes after.
#[derive(Clone, Debug, HasQuery, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = user_subscriptions, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Whose.
    pub user_id: UserId,
    /// To what.
    pub plan_id: PlanId,
    /// Where it is.
    pub status: SubscriptionStatus,
    /// When the running period began.
    pub start_date: DateTime<Utc>,
    /// When the running period ends.
    pub end_date: DateTime<Utc>,
    /// Whether the next period is paid from the balance.
    pub auto_renew: bool,
    /// Its owner did not want it renewed, since.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// With which words.
    pub cancel_reason: Option<String>,
    /// Every period that was paid, oldest first.
    pub payment_history: Value,
    /// How long its periods are.
    pub billing_period: BillingPeriod,
    /// What the running period is worth: its price, also where a part was credited; nothing for a gift.
    pub period_price: Money,
    /// What ends are counted from; none means from the end date.
    pub anchor_date: Option<DateTime<Utc>>,
    /// Months from the anchor to the end date.
    pub anchor_months: i32,
    /// The plan that is renewed instead.
    pub next_plan_id: Option<PlanId>,
    /// The length of its periods.
    pub next_billing_period: Option<BillingPeriod>,
    /// The balance did not cover the renewal: it is tried again then.
    pub retry_at: Option<DateTime<Utc>>,
    /// The end about which its owner was reminded.
    pub reminded_for: Option<DateTime<Utc>>,
    /// How long its rights last after an end that could not be paid yet.
    pub grace_seconds: i32,
    /// Made at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
}

/// A stretch of time that is paid at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) anchor: DateTime<Utc>,
    pub(super) anchor_months: i32,
}

impl Period {
    /// So many months from an instant on, which is their anchor.
    pub(super) fn from(start: DateTime<Utc>, months: i32) -> Self {
        Self { start, end: months_after(start, months), anchor: start, anchor_months: months }
    }
}

impl Subscription {
    /// A subscription that has begun and was not paid yet, not stored.
    pub(super) fn begin(
        user: UserId,
        plan: &Plan,
        billing: BillingPeriod,
        settings: &SubscriptionSettings,
        now: DateTime<Utc>,
    ) -> Self {
        let mut new = Self {
            id: SubscriptionId::new(),
            user_id: user,
            plan_id: plan.id,
            status: SubscriptionStatus::Active,
            start_date: now,
            end_date: now,
            auto_renew: true,
            cancelled_at: None,
            cancel_reason: None,
            payment_history: json!([]),
            billing_period: billing,
            period_price: Money::ZERO,
            anchor_date: None,
            anchor_months: 0,
            next_plan_id: None,
            next_billing_period: None,
            retry_at: None,
            reminded_for: None,
            grace_seconds: i32::try_from(settings.grace.as_secs()).unwrap_or(i32::MAX),
            created_at: now,
            updated_at: now,
        };
        new.enter(plan, billing, Period::from(now, billing.months()));
        new
    }

    /// Enters a period of a plan; whatever was planned instead of it is settled.
    pub(super) fn enter(&mut self, plan: &Plan, billing: BillingPeriod, period: Period) {
        self.plan_id = plan.id;
        self.billing_period = billing;
        self.period_price = plan.price(billing);
        self.start_date = period.start;
        self.end_date = period.end;
        self.anchor_date = Some(period.anchor);
        self.anchor_months = period.anchor_months;
        self.next_plan_id = None;
        self.next_billing_period = None;
        self.retry_at = None;
    }

    /// The period after the running one, counted from the anchor.
    pub(super) fn next_period(&self, billing: BillingPeriod) -> Period {
        let months = billing.months();
        let (anchor, so_far) = match self.anchor_date {
            Some(anchor) => (anchor, self.anchor_months),
            None => (self.end_date, 0),
        };
        let anchor_months = so_far.saturating_add(months);
        let end = months_after(anchor, anchor_months);
        Period { start: self.end_date, end, anchor, anchor_months }
    }

    /// What is paid when the running period ends: the plan and the length of its periods.
    #[must_use]
    pub fn next(&self) -> (PlanId, BillingPeriod) {
        let plan = self.next_plan_id.unwrap_or(self.plan_id);
        (plan, self.next_billing_period.unwrap_or(self.billing_period))
    }

    /// Until when it gives its rights: to its end, and where it is renewed, for the grace after it.
    #[must_use]
    pub fn rights_until(&self) -> DateTime<Utc> {
        if self.auto_renew && self.status == SubscriptionStatus::Active {
            self.grace_ends_at()
        } else {
            self.end_date
        }
    }

    /// When the grace after an end that is not paid is over.
    pub(super) fn grace_ends_at(&self) -> DateTime<Utc> {
        let grace = TimeDelta::seconds(i64::from(self.grace_seconds));
        self.end_date.checked_add_signed(grace).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Whether it gives its rights at this instant.
    #[must_use]
    pub fn is_running(&self, now: DateTime<Utc>) -> bool {
        self.rights_until() > now
    }

    /// Its status as its owner sees it: what is over is over, also before a job has written it down.
    #[must_use]
    pub fn shown_status(&self, now: DateTime<Utc>) -> SubscriptionStatus {
        if self.is_running(now) { self.status } else { SubscriptionStatus::Expired }
    }

    /// It is renewed from the balance from now on.
    pub(super) fn keep_renewing(&mut self) {
        self.status = SubscriptionStatus::Active;
        self.auto_renew = true;
        self.cancelled_at = None;
        self.cancel_reason = None;
    }

    /// It is over.
    pub(super) fn expire(&mut self) {
        self.status = SubscriptionStatus::Expired;
        self.auto_renew = false;
        self.next_plan_id = None;
        self.next_billing_period = None;
        self.retry_at = None;
    }

    /// The row as it is now, not locked.
    pub(crate) async fn find(conn: &mut Conn, id: SubscriptionId) -> Result<Option<Self>> {
        Ok(Self::query().filter(user_subscriptions::id.eq(id)).first(conn).await.optional()?)
    }

    /// The subscription that a person began last, whatever became of it, not locked.
    pub(super) async fn find_last(conn: &mut Conn, user: UserId) -> Result<Option<Self>> {
        let last = Self::query()
            .filter(user_subscriptions::user_id.eq(user))
            .order((user_subscriptions::created_at.desc(), user_subscriptions::id.desc()))
            .first(conn)
            .await;
        Ok(last.optional()?)
    }

    /// Locks a subscription to the end of the transaction.
    pub(super) async fn lock(tx: &mut Tx, id: SubscriptionId) -> Result<Option<Self>> {
        let row = Self::query()
            .filter(user_subscriptions::id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await;
        Ok(row.optional()?)
    }

    /// Locks a person's subscription that nobody has ended yet, if there is one; nobody else begins one meanwhile.
    pub(super) async fn lock_current(tx: &mut Tx, user: UserId) -> Result<Option<Self>> {
        tx.one_at_a_time(&format!("subscription:{user}")).await?;
        let current = [SubscriptionStatus::Active, SubscriptionStatus::Cancelled];
        let row = Self::query()
            .filter(
                user_subscriptions::user_id
                    .eq(user)
                    .and(user_subscriptions::status.eq_any(current)),
            )
            .for_no_key_update()
            .first(tx.conn())
            .await;
        Ok(row.optional()?)
    }

    /// Stores a new subscription, and the timer of its end.
    pub(super) async fn insert(&self, tx: &mut Tx) -> Result<()> {
        let inserted =
            diesel::insert_into(user_subscriptions::table).values(self).execute(tx.conn()).await;
        inserted.on_constraint("user_subscriptions_one_current", || Error::new(Code::Busy))?;
        self.wake_at_end(tx).await
    }

    /// Writes a locked subscription back.
    pub(super) async fn save(&mut self, tx: &mut Tx) -> Result<()> {
        self.updated_at = tx.now();
        let row = user_subscriptions::table.find(self.id);
        diesel::update(row).set(&*self).execute(tx.conn()).await?;
        Ok(())
    }

    /// Writes a step of its life into the log and the audit.
    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        actor: Actor,
        action: &str,
        details: Value,
    ) -> Result<()> {
        tracing::info!(target: "subscriptions", action, subscription = %self.id, user = %self.user_id, actor = %actor, status = %self.status, "{action}");
        audit::record(tx, actor, action, ("subscription", self.id.to_string()), details).await
    }

    /// The timer of the running period's end: it renews what is renewed, and ends the rest. Last in a transaction.
    pub(super) async fn wake_at_end(&self, tx: &mut Tx) -> Result<()> {
        let timer =
            AutoRenewSubscription { user_subscription_id: self.id, period_end: self.end_date };
        enqueue_at(tx, &timer, self.end_date).await?;
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::plan::tests::plan;
    use super::*;
    use crate::settings::Settings;

    /// The first instant of the tests' time.
    pub(in crate::subscriptions) fn start() -> DateTime<Utc> {
        "2027-01-31T10:00:00Z".parse().expect("a time")
    }

    pub(in crate::subscriptions) fn settings() -> SubscriptionSettings {
        let settings = Settings::from_vars(std::collections::HashMap::new());
        settings.expect("development defaults").subscriptions
    }

    /// A subscription to a plan that began at the start.
    pub(in crate::subscriptions) fn sample(plan: &Plan, billing: BillingPeriod) -> Subscription {
        Subscription::begin(UserId::new(), plan, billing, &settings(), start())
    }

    #[test]
    fn periods_follow_each_other_without_a_gap_and_come_back_to_the_31st() {
        let premium = plan("premium", 49_000, 490_000);
        let mut subscription = sample(&premium, BillingPeriod::Monthly);
        let mut ends = vec![subscription.end_date];
        for _ in 0..4 {
            let next = subscription.next_period(BillingPeriod::Monthly);
            assert_eq!(next.start, subscription.end_date);
            subscription.enter(&premium, BillingPeriod::Monthly, next);
            ends.push(subscription.end_date);
        }
        let ends: Vec<String> = ends.iter().map(|end| end.format("%m-%d").to_string()).collect();
        assert_eq!(ends, ["02-28", "03-31", "04-30", "05-31", "06-30"]);
        let yearly = subscription.next_period(BillingPeriod::Yearly);
        assert_eq!(yearly.end, "2028-06-30T10:00:00Z".parse::<DateTime<Utc>>().expect("a time"));
    }

    #[test]
    fn what_was_given_without_an_anchor_goes_on_from_its_end() {
        let premium = plan("premium", 49_000, 490_000);
        let given = Subscription {
            anchor_date: None,
            anchor_months: 0,
            ..sample(&premium, BillingPeriod::Monthly)
        };
        let next = given.next_period(BillingPeriod::Monthly);
        assert_eq!((next.start, next.anchor), (given.end_date, given.end_date));
        assert_eq!(next.end, "2027-03-28T10:00:00Z".parse::<DateTime<Utc>>().expect("a time"));
    }

    #[test]
    fn rights_last_for_the_grace_only_where_it_is_renewed() {
        let running = sample(&plan("pro", 99_000, 990_000), BillingPeriod::Monthly);
        let (end, day) = (running.end_date, TimeDelta::hours(24));
        let second = TimeDelta::seconds(1);
        assert!(running.is_running(end + day - second) && !running.is_running(end + day));
        assert_eq!(running.shown_status(end + day), SubscriptionStatus::Expired);
        let cancelled = Subscription {
            status: SubscriptionStatus::Cancelled,
            auto_renew: false,
            ..running.clone()
        };
        assert!(cancelled.is_running(end - second) && !cancelled.is_running(end));
        assert_eq!(cancelled.shown_status(end - second), SubscriptionStatus::Cancelled);
        let granted = Subscription { auto_renew: false, ..running.clone() };
        assert!(!granted.is_running(end));
        let mut expired = running;
        expired.expire();
        assert!(!expired.is_running(end));
    }
}
