//! The acquirer of Uzcard and Humo as a test has it: the payments sandbox on loopback, and a platform that speaks to it.

use std::time::Duration;

use md5::Md5;
use reqwest::Method;
use sandbox::{Multicard, Sandbox, Settings};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use crate::TestApp;
use crate::app::Person;

/// What callbacks are signed with.
const SECRET: &str = "test-callback-secret";
/// Our till.
const STORE: i64 = 6;

/// A sandbox of one test's own.
pub struct Acquirer {
    pub sandbox: Sandbox,
    pub multicard: Multicard,
}

impl Acquirer {
    /// Starts a sandbox that does not wait for long.
    pub async fn start() -> Self {
        let mut settings = Settings::development();
        settings.multicard_store = STORE.to_string();
        settings.multicard_callback_secret = Some(SECRET.to_owned());
        settings.redeliver_after = Duration::from_millis(20);
        let sandbox = Sandbox::start(settings).await.expect("listens");
        let multicard = sandbox.multicard();
        Self { sandbox, multicard }
    }

    /// Starts a platform that speaks to it, and is told by it. It is impatient, so that silence does not last.
    pub async fn platform(&self, settings: &[(&str, &str)]) -> TestApp {
        let url = self.multicard.base_url();
        let store = STORE.to_string();
        let ours = [
            ("MULTICARD_BASE_URL", url.as_str()),
            ("MULTICARD_STORE_ID", store.as_str()),
            ("MULTICARD_APPLICATION_ID", "sandbox-multicard"),
            ("MULTICARD_SECRET", "sandbox-multicard-secret"),
            ("MULTICARD_CALLBACK_SECRET", SECRET),
            ("MULTICARD_TIMEOUT", "700ms"),
        ];
        let app = TestApp::start_with(&[ours.as_slice(), settings].concat()).await;
        self.sandbox.move_platform(&app.url());
        app
    }

    /// Multicard's operator gives a payment back in the cabinet.
    pub async fn refund(&self, payment: &str) {
        let base = self.multicard.base_url();
        let http = reqwest::Client::new();
        let credentials =
            json!({ "application_id": "sandbox-multicard", "secret": "sandbox-multicard-secret" });
        let token = http.post(format!("{base}/auth")).json(&credentials).send().await;
        let token: Value = token.expect("answers").json().await.expect("JSON");
        let refund = http
            .request(Method::DELETE, format!("{base}/payment/{payment}"))
            .bearer_auth(token["token"].as_str().expect("a token"))
            .send()
            .await
            .expect("answers");
        assert!(refund.status().is_success(), "{refund:?}");
    }
}

/// A success callback with its signature, for this deposit.
pub fn signed_success(uuid: &str, invoice: &str, amount: i64) -> Value {
    let sign = hex(&Md5::digest(format!("{STORE}{invoice}{amount}{SECRET}")));
    json!({
        "store_id": STORE, "amount": amount, "invoice_id": invoice, "uuid": uuid, "billing_id": null,
        "payment_time": "2026-10-08 12:00:00", "phone": "998901234567", "card_pan": "860053******8829",
        "ps": "uzcard", "card_token": "a-token", "receipt_url": "https://ofd.example/1", "sign": sign,
    })
}

/// A webhook with its signature, for this deposit.
pub fn signed_webhook(uuid: &str, invoice: &str, amount: i64, status: &str) -> Value {
    let sign = hex(&Sha1::digest(format!("{uuid}{invoice}{amount}{SECRET}")));
    json!({
        "uuid": uuid, "amount": amount, "invoice_id": invoice, "status": status, "billing_id": null,
        "payment_time": "2026-10-08 12:00:00", "refund_time": null, "phone": "998901234567",
        "card_pan": "8600533364098829", "ps": "uzcard", "card_token": "a-token", "sign": sign,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Somebody who wants to be paid out.
impl Person {
    /// What the UI sends for a withdrawal to this card.
    pub fn withdrawal(amount: i64, card: &str) -> Value {
        let card_type = if card.starts_with("9860") { "humo" } else { "uzcard" };
        json!({ "amount": amount, "card_number": card, "card_holder_name": "ALI VALIYEV", "card_type": card_type })
    }
}
