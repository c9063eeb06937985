//! What stops money from leaving, for staff.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::audit::Actor;
use shared::page::Page;
use shared::switches::{self, Switch, SwitchRow};
use shared::{Code, Result};

use crate::prelude::*;

/// A switch.
#[derive(Serialize, ToSchema)]
pub(crate) struct SwitchOut {
    /// `withdrawals` (money to cards) or `releases` (money of deals to their sellers).
    #[salvo(schema(value_type = String))]
    name: Switch,
    is_on: bool,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    off_at: Option<DateTime<Utc>>,
    /// `system` when the ledger's check did it.
    off_by: Option<String>,
    /// Why it was switched last.
    reason: Option<String>,
    /// What the ledger's check had found when it switched this off.
    #[salvo(schema(value_type = Vec<String>))]
    findings: Value,
    #[salvo(schema(value_type = String, format = DateTime))]
    updated_at: DateTime<Utc>,
}

impl Shown for SwitchOut {}

impl From<SwitchRow> for SwitchOut {
    fn from(row: SwitchRow) -> Self {
        let SwitchRow { name, off_at, off_by, reason, findings, acknowledged: _, updated_at } = row;
        Self { name, is_on: off_at.is_none(), off_at, off_by, reason, findings, updated_at }
    }
}

/// All switches.
pub(crate) struct AllSwitches;

impl Listed for AllSwitches {
    type Item = SwitchOut;
    type Order = ();
    type Filters = ();
    const ORDERINGS: &'static [(&'static str, ())] = &[];
    const DEFAULT_ORDER: () = ();
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(_query: &mut Query) {}
}

/// Lists what can be switched off, and whether it is. For staff.
#[endpoint(tags("admin"))]
pub(crate) async fn list_switches(
    app: AppState,
    _staff: Finance,
    list: List<AllSwitches>,
) -> ApiResult<Paged<SwitchOut>> {
    let rows = switches::all(&mut *app.db.read().await?).await?;
    let page = Page::of(rows, list.window);
    Ok(list.page(page.map(SwitchOut::from)))
}

/// Why.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchBody {
    /// 1 to 2,000 characters.
    #[validate(length(min = 1, max = 2000))]
    reason: String,
}

/// Stops withdrawals or releases until somebody switches them on. For superusers.
#[endpoint(tags("admin"))]
pub(crate) async fn switch_off(
    app: AppState,
    superuser: Superuser,
    switch: Slug,
    body: Body<SwitchBody>,
) -> ApiResult<Json<SwitchOut>> {
    let (switch, by) = (named(&switch)?, Actor::Staff(superuser.user.id));
    let (row, _repeated) = app
        .db
        .transaction(async |tx| switches::switch_off(tx, by, switch, &body.reason).await)
        .await?;
    Ok(Json(row.into()))
}

/// Lets withdrawals or releases go on; what waited follows within seconds. What the ledger's check had found is
/// acknowledged and does not switch off again. For superusers.
#[endpoint(tags("admin"))]
pub(crate) async fn switch_on(
    app: AppState,
    superuser: Superuser,
    switch: Slug,
    body: Body<SwitchBody>,
) -> ApiResult<Json<SwitchOut>> {
    let (switch, by) = (named(&switch)?, Actor::Staff(superuser.user.id));
    let (row, _repeated) = app
        .db
        .transaction(async |tx| switches::switch_on(tx, by, switch, &body.reason).await)
        .await?;
    Ok(Json(row.into()))
}

fn named(switch: &str) -> Result<Switch> {
    Ok(Switch::parse(switch).ok_or(Code::NotFound)?)
}
