//! Payment methods, for staff: all of them, and changing one.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::PaymentMethodId;
use shared::payments::{self, ManagedMethod, MethodChange};

use crate::prelude::*;

/// A payment method as staff see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ManagedMethodOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: PaymentMethodId,
    name: String,
    code: String,
    icon: String,
    /// Off: no new deposit begins by it; what began ends.
    is_active: bool,
    /// Whether a provider serves it.
    is_available: bool,
    /// An object; never a secret.
    config: Value,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    #[salvo(schema(value_type = String, format = DateTime))]
    updated_at: DateTime<Utc>,
}

impl From<ManagedMethod> for ManagedMethodOut {
    fn from(method: ManagedMethod) -> Self {
        let is_available = method.is_wired();
        let ManagedMethod { id, name, code, icon, is_active, config, created_at, updated_at } =
            method;
        Self { id, name, code, icon, is_active, is_available, config, created_at, updated_at }
    }
}

impl Shown for ManagedMethodOut {}

/// All methods.
pub(crate) struct AllMethods;

impl Listed for AllMethods {
    type Item = ManagedMethodOut;
    type Order = ();
    type Filters = ();
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    // The pages show all and never page.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(_query: &mut Query) {}
}

/// Lists all payment methods, those that are switched off too, with their config. For staff.
#[endpoint(tags("admin"))]
pub(crate) async fn list_all_methods(
    app: AppState,
    _staff: Finance,
    list: List<AllMethods>,
) -> ApiResult<Paged<ManagedMethodOut>> {
    let page = payments::all_methods(&mut *app.db.read().await?, list.window).await?;
    Ok(list.page(page.map(ManagedMethodOut::from)))
}

/// What is to change; what is absent stays.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodBody {
    is_active: Option<bool>,
    /// 1 to 50 characters.
    name: Option<String>,
    /// At most 50 characters.
    icon: Option<String>,
    /// An object of at most 4,096 bytes that replaces the one before. What looks like a secret is refused.
    config: Option<Value>,
}

/// Switches a payment method on or off, renames it, or changes its config. For superusers.
#[endpoint(tags("admin"))]
pub(crate) async fn change_method(
    app: AppState,
    superuser: Superuser,
    code: Slug,
    body: Body<MethodBody>,
) -> ApiResult<Json<ManagedMethodOut>> {
    let Body(MethodBody { is_active, name, icon, config }) = body;
    let change = MethodChange { is_active, name, icon, config };
    let method = app
        .db
        .transaction(async |tx| payments::change_method(tx, superuser.user.id, &code, change).await)
        .await?;
    Ok(Json(method.into()))
}
