//! `webhook_calls`: what came and what was answered, for support. Never the Authorization header, never a password.

use serde_json::{Map, Value};

use super::super::json_rpc::{MASK, Recorded, by_length};
use super::errors::Refusal;
use super::order;
use super::rpc::{Answer, Method, Request, render};
use super::{PROVIDER, status};
use crate::Tx;
use crate::error::Result;
use crate::payments::webhook_calls::{WebhookCall, record_call};

/// The parameters that are kept beside the order; everything else (a new password, a card) is not.
const KEPT: [&str; 6] = ["serviceId", "transactionId", "amount", "timestamp", "dateFrom", "dateTo"];

/// Writes one call.
pub(super) async fn record(tx: &mut Tx, call: &Record<'_>, answer: &Answer) -> Result<()> {
    let call = WebhookCall {
        provider: PROVIDER,
        method: &call.request.method,
        ip: call.ip,
        request: call.request(answer),
        response: response(call.request, answer),
        http_status: i16::try_from(status(answer)).unwrap_or(i16::MAX),
    };
    record_call(tx, call).await
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
    /// The call with what it may not keep left out.
    fn request(&self, answer: &Answer) -> Value {
        let Request { id, method, params, .. } = self.request;
        let is_stranger = answer.as_ref().is_err_and(|refusal| *refusal == Refusal::unauthorized());
        let is_ours = Method::parse(method).is_some();
        let recorded = Recorded { id, method, params, bytes: self.bytes };
        recorded.request(is_stranger, |params| mask(params, is_ours))
    }
}

/// A statement is on record already, line by line. The payer's name is for their eyes: the record is for ever, and they may
/// be erased.
fn response(request: &Request, answer: &Answer) -> Value {
    let mut rendered = match answer.as_ref().ok().and_then(|result| by_length(result, "statements"))
    {
        Some(length) => render(&request.id, &Ok(length)),
        None => render(&request.id, answer),
    };
    if let Some(name) = rendered.pointer_mut("/result/fields/name") {
        *name = MASK.into();
    }
    rendered
}

fn mask(params: &Map<String, Value>, is_ours: bool) -> Value {
    let keep = |name: &str, value: &Value| match value {
        Value::Object(fields) if is_ours && name == "fields" => fields
            .iter()
            .map(|(name, value)| (name.clone(), one(value, order::is_kept(name))))
            .collect(),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => one(value, is_ours && KEPT.contains(&name)),
    };
    params.iter().map(|(name, value)| (name.clone(), keep(name, value))).collect()
}

/// A single value; a nested one where none belongs could hold anything.
fn one(value: &Value, kept: bool) -> Value {
    if kept && !value.is_object() && !value.is_array() { value.clone() } else { MASK.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Record, response};
    use crate::payments::providers::paynet::errors::Refusal;
    use crate::payments::providers::paynet::rpc::{Answer, Request};

    fn kept(text: &str, answer: &Answer) -> Value {
        let request = Request::read(text.as_bytes(), "30001");
        Record { request: &request, bytes: text.len(), ip: None }.request(answer)
    }

    #[test]
    fn ids_and_amounts_are_kept_and_secrets_are_not() {
        let ok: Answer = Ok(json!({}));
        let text = r#"{"method":"PerformTransaction","params":{"serviceId":30001,"amount":5,"fields":{"order_id":"x","card":"8600"},"token":"t","timestamp":{"a":"secret"}}}"#;
        assert_eq!(
            kept(text, &ok).get("params"),
            Some(
                &json!({ "serviceId": 30001, "amount": 5, "fields": { "order_id": "x", "card": "***" }, "token": "***", "timestamp": "***" })
            )
        );
        let text =
            r#"{"method":"ChangePassword","params":{"newPassword":"new","amount":"secret"}}"#;
        let unknown: Answer = Err(Refusal::method("ChangePassword"));
        assert_eq!(
            kept(text, &unknown).get("params"),
            Some(&json!({ "newPassword": "***", "amount": "***" }))
        );
        let stranger: Answer = Err(Refusal::unauthorized());
        assert_eq!(
            kept(text, &stranger),
            json!({ "method": "ChangePassword", "bytes": text.len() })
        );
    }

    #[test]
    fn a_statement_is_recorded_by_its_length() {
        let request = Request::read(br#"{"method":"GetStatement","id":6}"#, "30001");
        let answer: Answer = Ok(json!({ "statements": [{}, {}, {}] }));
        assert_eq!(
            response(&request, &answer),
            json!({ "jsonrpc": "2.0", "result": { "statements": 3 }, "id": 6 })
        );
    }

    #[test]
    fn who_pays_is_not_on_record() {
        let request = Request::read(br#"{"method":"GetInformation","id":7}"#, "30001");
        let answer: Answer =
            Ok(json!({ "status": "0", "fields": { "name": "Ali", "amount": 5_000 } }));
        let fields = json!({ "name": "***", "amount": 5_000 });
        assert_eq!(
            response(&request, &answer),
            json!({ "jsonrpc": "2.0", "result": { "status": "0", "fields": fields }, "id": 7 })
        );
    }
}
