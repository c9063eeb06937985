//! What is written down about a deal: its steps, and what the parties say in a dispute.

use chrono::{DateTime, Utc};
use shared::escrow::{self, Escrow, EscrowStatus, Event, Evidence, Step, queries};
use shared::ids::EscrowId;

use crate::prelude::*;

/// A step of a deal.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepOut {
    /// `buyer`, `seller`, `staff` or `system`.
    by: &'static str,
    /// Who exactly, such as `staff:<id>`: for staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// What happened, such as `paid`, `handed_over`, `disputed` or `released`.
    #[salvo(schema(value_type = String))]
    event: Event,
    from_status: Option<String>,
    #[salvo(schema(value_type = String))]
    to_status: EscrowStatus,
    reason: Option<String>,
    #[salvo(schema(value_type = String, format = DateTime))]
    at: DateTime<Utc>,
}

/// A statement of a party.
#[derive(Serialize, ToSchema)]
pub(crate) struct EvidenceOut {
    id: i64,
    /// `buyer` or `seller`.
    by: &'static str,
    text: String,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
}

impl EvidenceOut {
    fn new(escrow: &Escrow, said: Evidence) -> Self {
        let by = if said.author_id == escrow.buyer_id { "buyer" } else { "seller" };
        Self { id: said.id, by, text: said.text, created_at: said.created_at }
    }
}

/// Lists the steps of a deal, the first first: to its parties by their roles, to staff with everybody's id.
#[endpoint(tags("deals"))]
pub(crate) async fn list_steps(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
) -> ApiResult<Json<Vec<StepOut>>> {
    let conn = &mut app.db.read().await?;
    let deal = queries::find_for(conn, *id, &user.user).await?.escrow;
    let whole = deal.side_of(user.user.id).is_none();
    let out = |step: Step| StepOut {
        by: step.role(&deal),
        actor: whole.then(|| step.actor.clone()),
        event: step.event,
        from_status: step.from_status,
        to_status: step.to_status,
        reason: step.reason,
        at: step.at,
    };
    Ok(Json(escrow::history(conn, &deal).await?.into_iter().map(out).collect()))
}

/// Lists what the parties said in a dispute, to them and to staff.
#[endpoint(tags("deals"))]
pub(crate) async fn list_evidence(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
) -> ApiResult<Json<Vec<EvidenceOut>>> {
    let conn = &mut app.db.read().await?;
    let deal = queries::find_for(conn, *id, &user.user).await?.escrow;
    let said = escrow::evidence_of(conn, &deal).await?;
    Ok(Json(said.into_iter().map(|said| EvidenceOut::new(&deal, said)).collect()))
}

/// What a party says.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceBody {
    /// 1 to 2,000 characters.
    #[validate(length(min = 1, max = 2000))]
    text: String,
}

/// Adds a statement to a disputed deal. The same words again are the same statement.
#[endpoint(tags("deals"))]
pub(crate) async fn add_evidence(
    app: AppState,
    user: SignedIn,
    id: Id<EscrowId>,
    body: Body<EvidenceBody>,
) -> ApiResult<Created<EvidenceOut>> {
    let (deal, said) = app
        .db
        .transaction(async |tx| {
            let said = escrow::add_evidence(tx, user.user.id, *id, &body.text).await?;
            Ok((queries::find(tx, *id).await?.escrow, said))
        })
        .await?;
    Ok(Created(EvidenceOut::new(&deal, said)))
}
