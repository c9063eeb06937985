//! Click's side of its SHOP-API, written from the protocol and not from our adapter.

use std::sync::atomic::{AtomicI64, Ordering};

use md5::{Digest as _, Md5};
use serde_json::Value;

use crate::Client;

/// The number of our service at Click.
const SERVICE_ID: &str = "10001";

/// Calls our webhook the way Click does.
#[derive(Clone)]
pub struct Click {
    client: Client,
    key: String,
}

/// The fields of a call, in the order they are sent.
pub type Form = Vec<(String, String)>;

impl Click {
    /// Click with its key.
    pub fn new(client: &Client, key: &str) -> Self {
        Self { client: client.clone(), key: key.to_owned() }
    }

    /// The number of another payment: larger than an int.
    pub fn number() -> i64 {
        static NEXT: AtomicI64 = AtomicI64::new(2_200_000_000);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// A Prepare, signed.
    pub fn prepare_form(&self, number: i64, order: &str, amount: &str) -> Form {
        self.form(number, order, None, amount, 0)
    }

    /// A Complete, signed.
    pub fn complete_form(
        &self,
        number: i64,
        order: &str,
        prepare_id: &str,
        (amount, error): (&str, i64),
    ) -> Form {
        self.form(number, order, Some(prepare_id), amount, error)
    }

    fn form(
        &self,
        number: i64,
        order: &str,
        prepare_id: Option<&str>,
        amount: &str,
        error: i64,
    ) -> Form {
        let mut form: Vec<(&str, String)> = vec![
            ("click_trans_id", number.to_string()),
            ("service_id", SERVICE_ID.to_owned()),
            ("click_paydoc_id", (number + 1_000_000_000).to_string()),
            ("merchant_trans_id", order.to_owned()),
        ];
        if let Some(prepare_id) = prepare_id {
            form.push(("merchant_prepare_id", prepare_id.to_owned()));
        }
        let action = if prepare_id.is_some() { "1" } else { "0" };
        form.extend([
            ("amount", amount.to_owned()),
            ("action", action.to_owned()),
            ("error", error.to_string()),
            ("error_note", if error < 0 { "Insufficient funds" } else { "Success" }.to_owned()),
            ("sign_time", "2026-10-08 12:00:00".to_owned()),
        ]);
        self.sign(form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The same fields with the signature that belongs to them.
    pub fn sign(&self, mut form: Form) -> Form {
        form.retain(|(name, _)| name != "sign_string");
        let field = |wanted: &str| {
            form.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
        };
        let prepare_id = if field("action") == "1" { field("merchant_prepare_id") } else { "" };
        let text = [
            field("click_trans_id"),
            field("service_id"),
            &self.key,
            field("merchant_trans_id"),
            prepare_id,
            field("amount"),
            field("action"),
            field("sign_time"),
        ]
        .concat();
        let digest = Md5::digest(text.as_bytes());
        let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        form.push(("sign_string".to_owned(), hex));
        form
    }

    /// The same fields with one of them changed or left out, and not signed again.
    pub fn with(mut form: Form, name: &str, value: Option<&str>) -> Form {
        form.retain(|(field, _)| field != name);
        form.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        form
    }

    /// Sends a form to an address under `payments/webhooks/`; whatever comes back is HTTP 200 and JSON.
    pub async fn send_to(&self, address: &str, form: &Form) -> Value {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.raw(address, "application/x-www-form-urlencoded", body.into_bytes()).await
    }

    /// Sends a form to the address for both.
    pub async fn send(&self, form: &Form) -> Value {
        self.send_to("click/", form).await
    }

    /// Sends any body.
    pub async fn raw(&self, address: &str, content_type: &str, body: Vec<u8>) -> Value {
        let request = self
            .client
            .request(reqwest::Method::POST, &format!("payments/webhooks/{address}"))
            .header("Content-Type", content_type)
            .body(body);
        let reply = self.client.send(request).await.expect(200);
        assert!(reply.json.is_object(), "Click is answered in JSON: {}", reply.text);
        reply.json
    }

    /// Before the payer pays.
    pub async fn prepare(&self, number: i64, order: &str, amount: &str) -> Value {
        self.send(&self.prepare_form(number, order, amount)).await
    }

    /// After the payer has paid, or could not.
    pub async fn complete(
        &self,
        number: i64,
        order: &str,
        prepare_id: &Value,
        (amount, error): (&str, i64),
    ) -> Value {
        let prepare_id = prepare_id.to_string();
        self.send(&self.complete_form(number, order, &prepare_id, (amount, error))).await
    }

    /// Prepare; returns Click's number of the payment and ours.
    pub async fn begin(&self, order: &str, amount: &str) -> (i64, Value) {
        let number = Self::number();
        let prepared = self.prepare(number, order, amount).await;
        assert_eq!(prepared["error"], 0, "{prepared}");
        (number, prepared["merchant_prepare_id"].clone())
    }

    /// Prepare and Complete: the payer paid. Returns Click's number of the payment and ours.
    pub async fn pay(&self, order: &str, amount: &str) -> (i64, Value) {
        let (number, prepare_id) = self.begin(order, amount).await;
        let completed = self.complete(number, order, &prepare_id, (amount, 0)).await;
        assert_eq!(completed["error"], 0, "{completed}");
        (number, prepare_id)
    }
}
