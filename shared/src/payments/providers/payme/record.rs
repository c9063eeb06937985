//! `webhook_calls`: what came and what was answered, for support. Never the Authorization header.

use serde_json::{Map, Value};

use super::super::json_rpc::{MASK, Recorded, by_length};
use super::PROVIDER;
use super::errors::Refusal;
use super::rpc::{Answer, Method, Request, render};
use crate::Tx;
use crate::error::Result;
use crate::payments::webhook_calls::{WebhookCall, record_call};

/// The parameters that are kept; everything else (a new password, a card) is not.
const KEPT: &[&str] =
    &["id", "time", "amount", "account", "reason", "from", "to", "type", "fiscal_data"];

/// Writes one call.
pub(super) async fn record(tx: &mut Tx, call: &Record<'_>, answer: &Answer) -> Result<()> {
    let call = WebhookCall {
        provider: PROVIDER,
        method: &call.request.method,
        ip: call.ip,
        request: call.request(answer),
        response: response(call.request, answer),
        http_status: 200,
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

/// A statement is on record already, line by line.
fn response(request: &Request, answer: &Answer) -> Value {
    match answer.as_ref().ok().and_then(|result| by_length(result, "transactions")) {
        Some(length) => render(&request.id, &Ok(length)),
        None => render(&request.id, answer),
    }
}

fn mask(params: &Map<String, Value>, is_ours: bool) -> Value {
    let keep = |name: &str, value: &Value| {
        if is_ours && KEPT.contains(&name) { value.clone() } else { MASK.into() }
    };
    params.iter().map(|(name, value)| (name.clone(), keep(name, value))).collect()
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
