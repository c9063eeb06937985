//! The audit log: who did what to which object, written in the transaction that does it, and never changed.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::Tx;
use crate::error::Result;
use crate::ids::{JobId, UserId};
use crate::schema::audit_log;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person for themselves.
    User(UserId),
    /// A person for the platform.
    Staff(UserId),
    /// A job of the platform.
    Job(JobId),
    /// The platform itself: a timer.
    System,
    /// A payment provider, by its code.
    Provider(&'static str),
    /// A person at the command line, by the name the machine knows them under.
    Operator(&'static str),
}

impl Actor {
    /// The person, if it is one.
    #[must_use]
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(id) | Self::Staff(id) => Some(id),
            Self::Job(_) | Self::System | Self::Provider(_) | Self::Operator(_) => None,
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::Job(id) => write!(f, "job:{id}"),
            Self::System => f.write_str("system"),
            Self::Provider(code) => write!(f, "provider:{code}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
        }
    }
}

/// Writes one action. `details` never holds a secret.
///
/// # Errors
/// The database's.
pub async fn record(
    tx: &mut Tx,
    actor: Actor,
    action: &str,
    object: (&str, String),
    details: Value,
) -> Result<()> {
    if let Actor::Staff(_) | Actor::Operator(_) = actor {
        tracing::info!(target: "audit", action, %actor, object = object.0, id = object.1, "{action}");
    }
    let request_id = tx.trace.clone();
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::actor_id.eq(actor.user()),
            audit_log::actor.eq(actor.to_string()),
            audit_log::action.eq(action),
            audit_log::object_type.eq(object.0),
            audit_log::object_id.eq(object.1),
            audit_log::details.eq(details),
            audit_log::request_id.eq(request_id),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}
