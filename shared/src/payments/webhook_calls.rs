//! `webhook_calls`: what a provider sent and what it was answered, for support. Append-only, secrets left out.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::providers::Provider;
use crate::Tx;
use crate::error::Result;
use crate::schema::webhook_calls;

/// Longer method names are cut: they are not ours.
const METHOD_MAX: usize = 64;

/// One call as it is recorded. Its adapter has left out what must not be kept (keys, cards, strangers' bodies).
pub(super) struct WebhookCall<'a> {
    /// Whose protocol it is.
    pub provider: Provider,
    /// The protocol's method or action.
    pub method: &'a str,
    /// From where.
    pub ip: Option<&'a str>,
    /// What came.
    pub request: Value,
    /// What was answered.
    pub response: Value,
    /// With which status.
    pub http_status: i16,
}

/// Writes one call, in the transaction that answers it.
pub(super) async fn record_call(tx: &mut Tx, call: WebhookCall<'_>) -> Result<()> {
    let request_id = tx.trace.clone();
    let method: String =
        call.method.chars().filter(|letter| *letter != '\0').take(METHOD_MAX).collect();
    diesel::insert_into(webhook_calls::table)
        .values((
            webhook_calls::provider.eq(call.provider.as_str()),
            webhook_calls::method.eq(method),
            webhook_calls::ip.eq(call.ip),
            webhook_calls::request.eq(without_nul(call.request)),
            webhook_calls::response.eq(without_nul(call.response)),
            webhook_calls::http_status.eq(call.http_status),
            webhook_calls::request_id.eq(request_id),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// PostgreSQL cannot hold a NUL.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', "\u{fffd}")),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name.replace('\0', "\u{fffd}"), without_nul(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::without_nul;

    #[test]
    fn what_postgres_cannot_hold_is_replaced() {
        let sent = json!({ "a\0": ["b\0", { "c": "\0" }], "n": 1 });
        assert!(!without_nul(sent).to_string().contains("\\u0000"));
    }
}
