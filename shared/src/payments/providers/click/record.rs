//! `webhook_calls`: what came and what was answered, for support. Never the signature: with it a call could be sent again.

use serde_json::{Map, Value, json};

use super::PROVIDER;
use super::answer::{Answer, render};
use super::request::Request;
use crate::Tx;
use crate::error::Result;
use crate::payments::webhook_calls::{WebhookCall, record_call};

/// Longer values are cut: none of the protocol's is.
const VALUE_MAX: usize = 200;

/// A call as it is recorded.
pub(super) struct Record<'a> {
    /// What arrived.
    pub request: &'a Request<'a>,
    /// How many bytes it had.
    pub bytes: usize,
    /// From where.
    pub ip: Option<&'a str>,
}

impl Record<'_> {
    /// Writes one call.
    pub(super) async fn write(&self, tx: &mut Tx, answer: Answer) -> Result<()> {
        let call = WebhookCall {
            provider: PROVIDER,
            method: self.request.label(),
            ip: self.ip,
            request: self.request(),
            response: self.response(answer),
            http_status: 200,
        };
        record_call(tx, call).await
    }

    /// Of a caller who did not sign as Click only the outline stays: strangers do not fill the table.
    fn request(&self) -> Value {
        let kept: Map<String, Value> = self
            .request
            .form
            .iter()
            .map(|(name, value)| (name.to_owned(), self.kept(name, value)))
            .collect();
        json!({ "bytes": self.bytes, "fields": kept })
    }

    fn kept(&self, name: &str, value: &str) -> Value {
        if name == "sign_string" || !self.request.is_signed {
            return "***".into();
        }
        value.chars().take(VALUE_MAX).collect::<String>().into()
    }

    fn response(&self, answer: Answer) -> Value {
        let ids = if self.request.is_signed { self.request.ids() } else { Map::new() };
        render(&ids, answer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Record;
    use crate::payments::providers::click::answer::Refusal;
    use crate::payments::providers::click::request::Request;
    use crate::settings::{ClickSettings, Secret};

    #[test]
    fn a_strangers_words_and_every_signature_are_left_out() {
        let settings = ClickSettings {
            service_id: "12345".to_owned(),
            merchant_id: String::new(),
            secret_key: Secret::new("clickSecretKey01"),
            previous_key: None,
            checkout_url: String::new(),
            api: None,
        };
        // Providers study, section 9.
        let signed = "click_trans_id=2100000000&service_id=12345&merchant_trans_id=order-77&amount=1000&action=0&error=0&error_note=&sign_time=2026-10-08+12%3A00%3A00&sign_string=fb45b78290ffab0fa7ded1ebd0786d93";
        let request = Request::read(&settings, signed.as_bytes(), None);
        let record = Record { request: &request, bytes: signed.len(), ip: None };
        let kept = record.request();
        assert_eq!(kept.pointer("/fields/merchant_trans_id"), Some(&json!("order-77")));
        assert_eq!(kept.pointer("/fields/sign_string"), Some(&json!("***")));
        assert_eq!(
            record.response(Err(Refusal::NoOrder)).get("merchant_trans_id"),
            Some(&json!("order-77"))
        );

        let forged = signed.replace("fb45", "0000").replace("order-77", "8600123412341234");
        let request = Request::read(&settings, forged.as_bytes(), None);
        let record = Record { request: &request, bytes: forged.len(), ip: None };
        let all = format!("{}{}", record.request(), record.response(Err(Refusal::Sign)));
        assert!(!all.contains("8600") && !all.contains("2100000000"), "{all}");
    }
}
