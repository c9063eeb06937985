//! A person buys a plan: the first one, a better one, or a lesser one for later.

use serde_json::json;

use super::change::Change;
use super::charge::Bill;
use super::model::Period;
use super::{BillingPeriod, Chosen, Plan, Subscription};
use crate::accounts::Principal;
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::language::Text;
use crate::notifications::{Notice, SubscriptionNews, notify};
use crate::{App, Money, Outcome, Tx};

const WORTH_MORE: Text = Text::new(
    "Joriy davrning qolgan qismi bundan qimmatroq: uzoqroq davrni tanlang.",
    "Остаток текущего периода стоит дороже: выберите более длинный период.",
    "What is left of the running period is worth more than this one: choose a longer period.",
);
const ONLY_RENEWED: Text = Text::new(
    "Keyingi davrga rejalashtirilgan tarif faqat avtomatik uzaytirish bilan boshlanadi.",
    "Тариф, запланированный на следующий период, начинается только с автопродлением.",
    "A plan for the next period begins only by automatic renewal.",
);

/// What a person asks for.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Which plan.
    pub plan: Chosen<'a>,
    /// For how long.
    pub billing: BillingPeriod,
    /// Whether it is renewed from the balance; yes, unless they say otherwise.
    pub auto_renew: Option<bool>,
}

/// Buys a plan from the balance, from now on. Whoever has it already gets the same subscription, however often they ask;
/// a better plan begins at once, and what is left of the old period counts; a lesser one begins when the running period
/// ends. In the grace after an unpaid end it pays the period that is due.
///
/// # Errors
/// `EMAIL_NOT_VERIFIED`; `VALIDATION_ERROR` naming the plan, `period` or `auto_renew`; `INSUFFICIENT_FUNDS`; `BUSY`.
pub async fn purchase(
    tx: &mut Tx,
    app: &App,
    who: &Principal,
    order: Order<'_>,
) -> Result<(Subscription, Outcome)> {
    let user = who.verified()?.id;
    let plan = Plan::find_named(tx, order.plan).await?;
    let current = Subscription::lock_current(tx, user).await?;
    let now = tx.now();
    match current {
        Some(current) if current.end_date > now => change(tx, current, &plan, order).await,
        Some(current) if current.is_running(now) => pay_due(tx, current, &plan, order).await,
        over => {
            plan.require_sold(order.plan.field)?;
            if let Some(mut over) = over {
                over.expire();
                over.save(tx).await?;
            }
            let mut new =
                Subscription::begin(user, &plan, order.billing, &app.settings.subscriptions, now);
            let period = Period::from(now, order.billing.months());
            let bill = Bill { plan: &plan, billing: order.billing, period, credit: Money::ZERO };
            let paid = new.pay(tx, Actor::User(user), bill).await?;
            new.auto_renew = order.auto_renew.unwrap_or(true);
            new.insert(tx).await?;
            bought(tx, &new, &plan, paid).await?;
            Ok((new, Outcome::Done))
        }
    }
}

/// A purchase while a paid period runs.
async fn change(
    tx: &mut Tx,
    mut current: Subscription,
    plan: &Plan,
    order: Order<'_>,
) -> Result<(Subscription, Outcome)> {
    let running = Plan::find(tx, current.plan_id).await?;
    match current.change_to(&running, (plan, order.billing), tx.now()) {
        Change::Same => again(tx, current, order).await,
        Change::Now { credit } => {
            plan.require_sold(order.plan.field)?;
            if credit > plan.price(order.billing) {
                return Err(Error::field("period", WORTH_MORE));
            }
            let period = Period::from(tx.now(), order.billing.months());
            let bill = Bill { plan, billing: order.billing, period, credit };
            enter(tx, current, bill, order).await
        }
        Change::Later => {
            plan.require_sold(order.plan.field)?;
            if order.auto_renew == Some(false) {
                return Err(Error::field("auto_renew", ONLY_RENEWED));
            }
            let next = (Some(plan.id), Some(order.billing));
            if current.auto_renew && (current.next_plan_id, current.next_billing_period) == next {
                return Ok((current, Outcome::AlreadyDone));
            }
            current.keep_renewing();
            (current.next_plan_id, current.next_billing_period) = next;
            current.save(tx).await?;
            let actor = Actor::User(current.user_id);
            let from = current.end_date;
            let details =
                json!({ "plan": plan.slug, "billing_period": order.billing, "from": from });
            current.record(tx, actor, "subscription.change_planned", details).await?;
            Ok((current, Outcome::AlreadyDone))
        }
    }
}

/// The plan they have: nothing is paid. It takes back a planned change, and goes on being renewed where they say so.
async fn again(
    tx: &mut Tx,
    mut current: Subscription,
    order: Order<'_>,
) -> Result<(Subscription, Outcome)> {
    let continues = order.auto_renew == Some(true) && !current.auto_renew;
    if !continues && current.next_plan_id.is_none() {
        return Ok((current, Outcome::AlreadyDone));
    }
    if continues {
        current.keep_renewing();
    }
    current.next_plan_id = None;
    current.next_billing_period = None;
    current.save(tx).await?;
    let (actor, details) =
        (Actor::User(current.user_id), json!({ "auto_renew": current.auto_renew }));
    current.record(tx, actor, "subscription.kept", details).await?;
    Ok((current, Outcome::AlreadyDone))
}

/// A purchase in the grace after an end: the period that is due, in the plan they choose now.
async fn pay_due(
    tx: &mut Tx,
    current: Subscription,
    plan: &Plan,
    order: Order<'_>,
) -> Result<(Subscription, Outcome)> {
    plan.require_sold(order.plan.field)?;
    let same = plan.id == current.plan_id && order.billing == current.billing_period;
    let period = if same {
        current.next_period(order.billing)
    } else {
        // Another plan begins a count of its own, on the day the last one ended.
        Period::from(current.end_date, order.billing.months())
    };
    let bill = Bill { plan, billing: order.billing, period, credit: Money::ZERO };
    enter(tx, current, bill, order).await
}

/// Pays a period and tells its owner.
async fn enter(
    tx: &mut Tx,
    mut current: Subscription,
    bill: Bill<'_>,
    order: Order<'_>,
) -> Result<(Subscription, Outcome)> {
    let actor = Actor::User(current.user_id);
    let paid = current.pay(tx, actor, bill).await?;
    current.keep_renewing();
    current.auto_renew = order.auto_renew.unwrap_or(true);
    current.save(tx).await?;
    current.wake_at_end(tx).await?;
    bought(tx, &current, bill.plan, paid).await?;
    Ok((current, Outcome::Done))
}

/// What follows from a paid purchase: the audit and the letter.
async fn bought(tx: &mut Tx, to: &Subscription, plan: &Plan, paid: Money) -> Result<()> {
    let details = json!({
        "plan": plan.slug, "billing_period": to.billing_period, "amount": paid,
        "start_date": to.start_date, "end_date": to.end_date,
    });
    to.record(tx, Actor::User(to.user_id), "subscription.purchased", details).await?;
    notify(tx, to.user_id, Notice::of_subscription(SubscriptionNews::Purchased, to)).await
}
