//! Who presses the button, and why.

use serde_json::{Value, json};

use crate::Tx;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};

/// The longest reason.
const REASON_MAX: usize = 2_000;

/// Somebody who operates the platform, with their reason.
#[derive(Clone, Debug)]
pub struct Operator {
    actor: Actor,
    reason: Option<String>,
}

impl Operator {
    /// An operator; a blank reason is none.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a reason of more than 2,000 characters.
    pub fn new(actor: Actor, reason: Option<&str>) -> Result<Self> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if reason.is_some_and(|reason| reason.chars().count() > REASON_MAX) {
            return Err(Error::new(Code::ValidationError).and_field(
                "reason",
                texts::TOO_LONG,
                REASON_MAX.to_string(),
            ));
        }
        Ok(Self { actor, reason: reason.map(str::to_owned) })
    }

    /// How they are called in rows.
    pub(super) fn name(&self) -> String {
        self.actor.to_string()
    }

    /// Why.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What a row says of it, such as `discarded: a test order`.
    pub(super) fn sentence(&self, what: &str) -> String {
        self.reason().map_or_else(|| what.to_owned(), |reason| format!("{what}: {reason}"))
    }

    /// Writes what was done to the audit log.
    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        action: &str,
        object: (&str, String),
        mut details: Value,
    ) -> Result<()> {
        if let Value::Object(details) = &mut details {
            details.insert("reason".to_owned(), json!(self.reason));
        }
        tracing::info!(target: "jobs", by = %self.actor, object = object.0, id = object.1, %details, "{action}");
        audit::record(tx, self.actor, action, object, details).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_trimmed_may_be_left_out_and_has_a_limit() {
        let with = |reason: &str| Operator::new(Actor::System, Some(reason));
        assert_eq!(with(" stuck ").expect("short").sentence("discarded"), "discarded: stuck");
        assert_eq!(with("  ").expect("blank").sentence("discarded"), "discarded");
        assert!(with(&"я".repeat(REASON_MAX)).is_ok());
        let error = with(&"я".repeat(REASON_MAX + 1)).expect_err("too long");
        assert_eq!(error.code(), Code::ValidationError);
    }
}
