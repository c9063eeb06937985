//! A deal's life, step by step.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{Escrow, EscrowStatus, Event};
use crate::Conn;
use crate::error::Result;
use crate::schema::escrow_status_history;

/// A step of a deal, as it was written when it was taken.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = escrow_status_history)]
pub struct Step {
    /// Who took it, such as `user:<id>` or `system`.
    pub actor: String,
    /// What happened.
    pub event: Event,
    /// Where the deal was; nowhere before its first step.
    pub from_status: Option<String>,
    /// Where it was then.
    pub to_status: EscrowStatus,
    /// With which words.
    pub reason: Option<String>,
    /// At.
    pub at: DateTime<Utc>,
}

impl Step {
    /// Who took it as the parties may know it: `buyer`, `seller`, `staff` or `system`.
    #[must_use]
    pub fn role(&self, escrow: &Escrow) -> &'static str {
        let is = |person: crate::ids::UserId| {
            self.actor.strip_prefix("user:").is_some_and(|id| id == person.to_string())
        };
        if is(escrow.buyer_id) {
            "buyer"
        } else if is(escrow.seller_id) {
            "seller"
        } else if self.actor.starts_with("staff:") || self.actor.starts_with("operator:") {
            "staff"
        } else {
            "system"
        }
    }
}

/// The steps of a deal, the first first.
///
/// # Errors
/// The database's.
pub async fn history(conn: &mut Conn, escrow: &Escrow) -> Result<Vec<Step>> {
    let steps = Step::query()
        .filter(escrow_status_history::escrow_id.eq(escrow.id))
        .order(escrow_status_history::id)
        .load(conn)
        .await?;
    Ok(steps)
}
