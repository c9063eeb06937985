//! Payment cases: what happened to money that no rule may decide.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::{TransactionId, UserId};
use shared::payments::cases::{self, CaseFilters, CaseKind, CaseOrder, CaseStatus, PaymentCase};
use shared::payments::providers::Provider;

use crate::prelude::*;

/// A fact about money that staff must look at.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentCaseOut {
    id: i64,
    /// `paid_twice`, `paid_late`, `failed_after_payment`, `paid_after_failure`, `refund_refused`, `not_recorded` or
    /// `disagreement`.
    #[salvo(schema(value_type = String))]
    kind: CaseKind,
    /// `open` or `resolved`.
    #[salvo(schema(value_type = String))]
    status: CaseStatus,
    /// The code of the payment provider.
    #[salvo(schema(value_type = String))]
    provider: Provider,
    /// The transaction it is about.
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    transaction_id: Option<TransactionId>,
    /// The fact; one fact has one case.
    reference: String,
    /// What is known.
    #[salvo(schema(value_type = Object))]
    details: Value,
    #[salvo(schema(value_type = String, format = DateTime))]
    opened_at: DateTime<Utc>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    resolved_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = Uuid))]
    resolved_by: Option<UserId>,
    /// What was done about it.
    note: Option<String>,
}

impl From<PaymentCase> for PaymentCaseOut {
    fn from(case: PaymentCase) -> Self {
        let status = case.status();
        let PaymentCase {
            id,
            kind,
            provider,
            transaction_id,
            reference,
            details,
            opened_at,
            resolved_at,
            resolved_by,
            note,
        } = case;
        Self {
            id,
            kind,
            status,
            provider,
            transaction_id,
            reference,
            details,
            opened_at,
            resolved_at,
            resolved_by,
            note,
        }
    }
}

impl Shown for PaymentCaseOut {}

/// All cases.
pub(crate) struct CaseList;

impl Listed for CaseList {
    type Item = PaymentCaseOut;
    type Order = CaseOrder;
    type Filters = CaseFilters;
    const ORDERINGS: &'static [(&'static str, CaseOrder)] =
        &[("opened_at", CaseOrder::Oldest), ("-opened_at", CaseOrder::Newest)];
    const DEFAULT_ORDER: CaseOrder = CaseOrder::Newest;
    // The pages show all and never page.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> CaseFilters {
        CaseFilters {
            status: query.one_of("status", CaseStatus::ALL, CaseStatus::as_str),
            kind: query.one_of("kind", CaseKind::ALL, CaseKind::as_str),
            provider: query.one_of("provider", Provider::ALL, Provider::as_str),
        }
    }
}

/// Lists the payment cases, newest first. For staff.
#[endpoint(tags("admin"))]
pub(crate) async fn list_cases(
    app: AppState,
    _staff: Finance,
    list: List<CaseList>,
) -> ApiResult<Paged<PaymentCaseOut>> {
    let conn = &mut app.db.read().await?;
    let page = cases::list_cases(conn, list.filters, list.order, list.window).await?;
    Ok(list.page(page.map(PaymentCaseOut::from)))
}

/// What was done about a case.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseNoteBody {
    /// At most 2,000 characters.
    note: String,
}

/// Closes a payment case. The same note again is the same answer; the note is in the audit log. For staff.
#[endpoint(tags("admin"))]
pub(crate) async fn resolve_case(
    app: AppState,
    staff: Finance,
    id: Number,
    body: Body<CaseNoteBody>,
) -> ApiResult<Json<PaymentCaseOut>> {
    let case = app
        .db
        .transaction(async |tx| cases::resolve_case(tx, staff.user.id, *id, &body.note).await)
        .await?;
    Ok(Json(case.into()))
}
