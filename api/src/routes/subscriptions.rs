//! Subscriptions: the plans, one's own, and what staff give away.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::error::texts;
use shared::ids::{PlanId, SubscriptionId, UserId};
use shared::subscriptions::queries::{self, Mine, SubscriptionView};
use shared::subscriptions::{
    self, BillingPeriod, Chosen, Grant, Order, Plan, Subscription, SubscriptionStatus, Which,
};
use shared::{Error, Money, Outcome, Tx};

use crate::prelude::*;

/// A plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: PlanId,
    name: String,
    /// `free`, `premium` or `pro`.
    slug: String,
    /// UZS.
    #[salvo(schema(value_type = String))]
    price_monthly: Money,
    /// UZS.
    #[salvo(schema(value_type = String))]
    price_yearly: Money,
    /// What the platform keeps of a sale: `0.08` is 8 %.
    commission_rate: String,
    /// What it brings, by names that clients translate, such as `search_priority`.
    #[salvo(schema(value_type = Vec<String>))]
    features: Value,
    is_premium: bool,
    is_pro: bool,
    sort_order: i32,
}

impl Shown for PlanOut {}

impl From<Plan> for PlanOut {
    fn from(plan: Plan) -> Self {
        Self {
            commission_rate: plan.commission_rate(),
            id: plan.id,
            name: plan.name,
            slug: plan.slug,
            price_monthly: plan.price_monthly,
            price_yearly: plan.price_yearly,
            features: plan.features,
            is_premium: plan.is_premium,
            is_pro: plan.is_pro,
            sort_order: plan.sort_order,
        }
    }
}

/// Who serves a subscriber in person.
#[derive(Serialize, ToSchema)]
struct ManagerOut {
    name: String,
    /// Where they answer.
    contact: String,
}

/// What is paid next, from the balance.
#[derive(Serialize, ToSchema)]
struct NextChargeOut {
    #[salvo(schema(value_type = String, format = DateTime))]
    at: DateTime<Utc>,
    #[salvo(schema(value_type = String))]
    amount: Money,
    /// The plan's slug.
    plan: String,
    /// `monthly` or `yearly`.
    #[salvo(schema(value_type = String))]
    billing_period: BillingPeriod,
}

/// A person's subscription.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubscriptionOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: SubscriptionId,
    plan: PlanOut,
    /// `active`, `cancelled` (it runs to its end) or `expired`.
    #[salvo(schema(value_type = String))]
    status: SubscriptionStatus,
    /// `monthly` or `yearly`.
    #[salvo(schema(value_type = String))]
    billing_period: BillingPeriod,
    /// When the running period began.
    #[salvo(schema(value_type = String, format = DateTime))]
    start_date: DateTime<Utc>,
    /// When the running period ends.
    #[salvo(schema(value_type = String, format = DateTime))]
    end_date: DateTime<Utc>,
    /// Until when it gives its rights: a while past an end that could not be paid yet.
    #[salvo(schema(value_type = String, format = DateTime))]
    rights_until: DateTime<Utc>,
    /// Whether the next period is paid from the balance.
    auto_renew: bool,
    /// The end could not be paid yet: it is tried again then.
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    retry_at: Option<DateTime<Utc>>,
    /// What is paid next; none when it is not renewed.
    next_charge: Option<NextChargeOut>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    cancelled_at: Option<DateTime<Utc>>,
    cancel_reason: Option<String>,
    /// Every period that was paid, oldest first: `plan`, `billing_period`, `period_start`, `period_end`, `price`, `credit`
    /// (what an earlier period covered), `amount` (what was paid), `transaction_id`, `paid_at`.
    #[salvo(schema(value_type = Vec<Object>))]
    payment_history: Value,
    /// Who serves them in person; none where the plan has nobody, or it is over.
    personal_manager: Option<ManagerOut>,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
}

impl SubscriptionOut {
    fn new(view: SubscriptionView, now: DateTime<Utc>) -> Self {
        let SubscriptionView { subscription, plan, next_plan } = view;
        let running = subscription.is_running(now);
        let renewed = running && subscription.auto_renew;
        let (_, next_billing) = subscription.next();
        let next_charge = renewed.then(|| NextChargeOut {
            at: subscription.retry_at.unwrap_or(subscription.end_date),
            amount: next_plan.price(next_billing),
            plan: next_plan.slug.clone(),
            billing_period: next_billing,
        });
        let managed = running && !plan.manager_contact.is_empty();
        let personal_manager = managed.then(|| ManagerOut {
            name: plan.manager_name.clone(),
            contact: plan.manager_contact.clone(),
        });
        Self {
            id: subscription.id,
            plan: plan.into(),
            status: subscription.shown_status(now),
            billing_period: subscription.billing_period,
            start_date: subscription.start_date,
            end_date: subscription.end_date,
            rights_until: subscription.rights_until(),
            auto_renew: renewed,
            retry_at: subscription.retry_at,
            next_charge,
            cancelled_at: subscription.cancelled_at,
            cancel_reason: subscription.cancel_reason,
            payment_history: subscription.payment_history,
            personal_manager,
            created_at: subscription.created_at,
        }
    }

    /// A subscription as it is at the end of a command.
    async fn of(tx: &mut Tx, subscription: Subscription) -> shared::Result<Self> {
        let now = tx.now();
        Ok(Self::new(queries::view(tx, subscription).await?, now))
    }
}

/// What a person has.
#[derive(Serialize, ToSchema)]
pub(crate) struct MineOut {
    /// The plan they have now; the free one when they pay for none.
    plan: PlanOut,
    /// What the platform keeps of a sale they make now.
    commission_rate: String,
    /// The subscription they began last, whatever became of it.
    data: Option<SubscriptionOut>,
}

/// The list of plans.
pub(crate) struct PlanList;

impl Listed for PlanList {
    type Item = PlanOut;
    type Order = ();
    type Filters = ();
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    // The pages show all and never page.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(_query: &mut Query) {}
}

/// Lists the plans, the free one first.
#[endpoint(tags("subscriptions"))]
pub(crate) async fn list_plans(app: AppState, list: List<PlanList>) -> ApiResult<Paged<PlanOut>> {
    let page = queries::plans(&mut *app.db.read().await?, list.window).await?;
    Ok(list.page(page.map(PlanOut::from)))
}

/// Shows the plan the caller has, and their subscription.
#[endpoint(tags("subscriptions"))]
pub(crate) async fn show_own(app: AppState, user: SignedIn) -> ApiResult<NoStore<Json<MineOut>>> {
    let (mine, now) = app
        .db
        .transaction(async |tx| {
            let now = tx.now();
            Ok((queries::mine(tx, user.user.id).await?, now))
        })
        .await?;
    let Mine { plan, subscription } = mine;
    Ok(NoStore(Json(MineOut {
        commission_rate: plan.commission_rate(),
        plan: plan.into(),
        data: subscription.map(|view| SubscriptionOut::new(view, now)),
    })))
}

/// Which plan, and for how long.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuyBody {
    /// The plan's id; its slug does as well.
    #[validate(length(min = 1, max = 50))]
    plan_id: Option<String>,
    /// The plan's slug, where no `plan_id` is given.
    #[validate(length(min = 1, max = 50))]
    plan_slug: Option<String>,
    /// `monthly` (when nothing is said) or `yearly`.
    #[salvo(schema(value_type = Option<String>))]
    period: Option<BillingPeriod>,
    /// The same, where no `period` is given.
    #[salvo(schema(value_type = Option<String>))]
    billing_period: Option<BillingPeriod>,
    /// Whether the following periods are paid from the balance; yes, unless it is said.
    auto_renew: Option<bool>,
}

impl BuyBody {
    fn order(&self) -> shared::Result<Order<'_>> {
        let plan = match (&self.plan_id, &self.plan_slug) {
            (Some(plan), None) => Chosen { field: "plan_id", plan },
            (None, Some(plan)) => Chosen { field: "plan_slug", plan },
            (None, None) => return Err(Error::field("plan_id", texts::REQUIRED)),
            (Some(_), Some(_)) => return Err(Error::field("plan_slug", texts::TWICE)),
        };
        let billing = match (self.period, self.billing_period) {
            (Some(_), Some(_)) => return Err(Error::field("billing_period", texts::TWICE)),
            (period, billing_period) => period.or(billing_period).unwrap_or(BillingPeriod::Monthly),
        };
        Ok(Order { plan, billing, auto_renew: self.auto_renew })
    }
}

/// Buys a plan from the balance. Who has it already gets the same subscription; a better plan begins at once, and what is
/// left of the old period counts; a lesser one begins when the running period ends.
#[endpoint(tags("subscriptions"), responses((status_code = 402, description = "INSUFFICIENT_FUNDS; `details.amount` is what it takes")))]
pub(crate) async fn buy_plan(
    app: AppState,
    user: Verified,
    body: Body<BuyBody>,
    once: Once,
) -> ApiResult<Replayable<NewOrSame<SubscriptionOut>>> {
    let order = body.order()?;
    once.answer(&app, async |tx| {
        let (subscription, outcome) = subscriptions::purchase(tx, &app, &user, order).await?;
        let bought = SubscriptionOut::of(tx, subscription).await?;
        Ok(match outcome {
            Outcome::Done => NewOrSame::New(bought),
            Outcome::AlreadyDone => NewOrSame::Same(bought),
        })
    })
    .await
}

/// Why somebody does not go on.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopBody {
    #[validate(length(max = 2000))]
    reason: Option<String>,
}

async fn stop(
    app: &AppState,
    user: &SignedIn,
    which: Which,
    body: &StopBody,
    once: Once,
) -> ApiResult<Replayable<Json<SubscriptionOut>>> {
    let reason = body.reason.as_deref().unwrap_or_default().trim();
    once.answer(app, async |tx| {
        let subscription = subscriptions::cancel(tx, user.user.id, which, reason).await?;
        Ok(Json(SubscriptionOut::of(tx, subscription).await?))
    })
    .await
}

/// Ends the renewing of the caller's subscription: what is paid lasts to its end.
#[endpoint(tags("subscriptions"))]
pub(crate) async fn cancel_current(
    app: AppState,
    user: SignedIn,
    body: OptionalBody<StopBody>,
    once: Once,
) -> ApiResult<Replayable<Json<SubscriptionOut>>> {
    stop(&app, &user, Which::Current, &body, once).await
}

/// Ends the renewing of one of the caller's subscriptions: what is paid lasts to its end.
#[endpoint(tags("subscriptions"))]
pub(crate) async fn cancel_one(
    app: AppState,
    user: SignedIn,
    id: Id<SubscriptionId>,
    body: OptionalBody<StopBody>,
    once: Once,
) -> ApiResult<Replayable<Json<SubscriptionOut>>> {
    stop(&app, &user, Which::ById(*id), &body, once).await
}

/// Has the caller's running subscription renewed again.
#[endpoint(tags("subscriptions"))]
pub(crate) async fn resume(
    app: AppState,
    user: SignedIn,
    once: Once,
) -> ApiResult<Replayable<Json<SubscriptionOut>>> {
    once.answer(&app, async |tx| {
        let subscription = subscriptions::resume(tx, user.user.id).await?;
        Ok(Json(SubscriptionOut::of(tx, subscription).await?))
    })
    .await
}

/// What staff give.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantBody {
    /// `premium` or `pro`; `free` takes back what they have.
    #[validate(length(min = 1, max = 50))]
    plan_slug: String,
    /// 1 to 36 months from now; 0 for `free`.
    #[serde(default)]
    months: i32,
}

/// What a person has after staff gave or took.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantedOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    user_id: UserId,
    /// `free`, `premium` or `pro`.
    subscription_plan: String,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    subscription_expires_at: Option<DateTime<Utc>>,
    subscription: Option<SubscriptionOut>,
}

/// Gives a person a plan for some months, or takes theirs back (`free`). No money moves.
#[endpoint(tags("admin"))]
pub(crate) async fn grant_plan(
    app: AppState,
    staff: Finance,
    id: Id<UserId>,
    body: Body<GrantBody>,
) -> ApiResult<Json<GrantedOut>> {
    let grant = Grant { user: *id, plan_slug: &body.plan_slug, months: body.months };
    let granted = app
        .db
        .transaction(async |tx| {
            let now = tx.now();
            let subscription = subscriptions::grant(tx, &app, &staff, grant).await?;
            let plan = subscriptions::current_plan(tx, *id).await?;
            let expires = subscription.as_ref().filter(|given| given.is_running(now));
            Ok(GrantedOut {
                user_id: *id,
                subscription_plan: plan.slug,
                subscription_expires_at: expires.map(|given| given.end_date),
                subscription: match subscription {
                    Some(subscription) => Some(SubscriptionOut::of(tx, subscription).await?),
                    None => None,
                },
            })
        })
        .await?;
    Ok(Json(granted))
}
