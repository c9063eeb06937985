//! `webhook_calls`: what came and what was answered, for support. Never the Authorization header.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value, json};

use super::CODE;
use super::errors::Refusal;
use super::rpc::{Answer, Method, Request, render};
use crate::Tx;
use crate::error::Result;
use crate::schema::webhook_calls;

/// Longer method names are cut: they are not ours.
const METHOD_MAX: usize = 64;

/// The parameters that are kept; everything else (a new password, a card) is not.
const KEPT: &[&str] =
    &["id", "time", "amount", "account", "reason", "from", "to", "type", "fiscal_data"];

/// Writes one call.
pub(super) async fn record(tx: &mut Tx, call: &Record<'_>, answer: &Answer) -> Result<()> {
    let request_id = tx.trace.clone();
    diesel::insert_into(webhook_calls::table)
        .values((
            webhook_calls::provider.eq(CODE),
            webhook_calls::method.eq(call.method()),
            webhook_calls::ip.eq(call.ip),
            webhook_calls::request.eq(call.request(answer)),
            webhook_calls::response.eq(response(call.request, answer)),
            webhook_calls::http_status.eq(200_i16),
            webhook_calls::request_id.eq(request_id),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A call as it is recorded.
pub(super) struct Record<'a> {
    /// What arrived.
    pub request: &'a Request,
    /// How many bytes it had.
    pub bytes: usize,
    /// From where.
    pub ip: Option<&'a str>,
}

impl Record<'_> {
    fn method(&self) -> String {
        self.request.method.chars().filter(|letter| *letter != '\0').take(METHOD_MAX).collect()
    }

    /// The call with what it may not keep left out. Of a caller who is not Payme only the outline stays: strangers
    /// do not fill the table.
    fn request(&self, answer: &Answer) -> Value {
        let stranger = answer.as_ref().is_err_and(|refusal| *refusal == Refusal::unauthorized());
        let mut kept = json!({ "method": self.method(), "bytes": self.bytes });
        if let (false, Some(members)) = (stranger, kept.as_object_mut()) {
            members.insert("id".to_owned(), without_nul(self.request.id.clone()));
            if let Value::Object(params) = &self.request.params {
                members.insert(
                    "params".to_owned(),
                    mask(params, Method::parse(&self.request.method).is_some()),
                );
            }
        }
        kept
    }
}

/// A statement is on record already, line by line.
fn response(request: &Request, answer: &Answer) -> Value {
    let lines = answer
        .as_ref()
        .ok()
        .and_then(|result| result.get("transactions"))
        .and_then(Value::as_array)
        .map(Vec::len);
    let id = without_nul(request.id.clone());
    match lines {
        Some(lines) => render(&id, &Ok(json!({ "transactions": lines }))),
        None => without_nul(render(&id, answer)),
    }
}

fn mask(params: &Map<String, Value>, is_ours: bool) -> Value {
    let keep = |name: &str, value: &Value| {
        if is_ours && KEPT.contains(&name) { value.clone() } else { "***".into() }
    };
    without_nul(params.iter().map(|(name, value)| (name.clone(), keep(name, value))).collect())
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
    use serde_json::{Value, json};

    use super::{Record, response};
    use crate::payments::providers::payme::errors::Refusal;
    use crate::payments::providers::payme::rpc::{Answer, Request};

    fn kept(text: &str, answer: &Answer) -> Value {
        let request = Request::read(text.as_bytes());
        Record { request: &request, bytes: text.len(), ip: None }.request(answer)
    }

    #[test]
    fn ids_and_amounts_are_kept_and_secrets_are_not() {
        let ok: Answer = Ok(json!({}));
        let text = r#"{"method":"CreateTransaction","id":1,"params":{"id":"a","amount":5,"account":{"order_id":"x"},"token":"t","card":"8600"}}"#;
        assert_eq!(
            kept(text, &ok).get("params"),
            Some(
                &json!({ "id": "a", "amount": 5, "account": { "order_id": "x" }, "token": "***", "card": "***" })
            )
        );
        let text = r#"{"method":"ChangePassword","params":{"password":"new","id":"secret"}}"#;
        let unknown: Answer = Err(Refusal::method("ChangePassword"));
        assert_eq!(
            kept(text, &unknown).get("params"),
            Some(&json!({ "password": "***", "id": "***" }))
        );
        let stranger: Answer = Err(Refusal::unauthorized());
        assert_eq!(
            kept(text, &stranger),
            json!({ "method": "ChangePassword", "bytes": text.len() })
        );
    }

    #[test]
    fn what_postgres_cannot_hold_is_replaced() {
        let answer: Answer = Err(Refusal::request("request"));
        let text =
            "{\"method\":\"x\\u0000y\",\"id\":\"a\\u0000\",\"params\":{\"k\\u0000\":\"v\\u0000\"}}";
        let stored = kept(text, &answer);
        assert!(!stored.to_string().contains("\\u0000"), "{stored}");
        let request = Request::read(text.as_bytes());
        assert!(!response(&request, &answer).to_string().contains("\\u0000"));
    }

    #[test]
    fn a_statement_is_recorded_by_its_length() {
        let request =
            Request::read(br#"{"method":"GetStatement","params":{"from":1,"to":2},"id":6}"#);
        let answer: Answer = Ok(json!({ "transactions": [{}, {}, {}] }));
        assert_eq!(
            response(&request, &answer),
            json!({ "result": { "transactions": 3 }, "id": 6 })
        );
    }
}
