//! Paynet's side of its web service, written from the protocol and not from our adapter.

use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Client, Reply};

/// The address of the webhook.
const ADDRESS: &str = "payments/webhooks/paynet/";

/// The service that Paynet has for us.
const SERVICE: i64 = 30_001;

/// The methods a provider must have.
const METHODS: [&str; 5] = [
    "GetInformation",
    "PerformTransaction",
    "CheckTransaction",
    "CancelTransaction",
    "GetStatement",
];

/// Calls our webhook the way Paynet does.
#[derive(Clone)]
pub struct Paynet {
    client: Client,
    authorization: String,
}

impl Paynet {
    /// Every method of the protocol.
    pub const METHODS: [&'static str; 5] = METHODS;

    /// Paynet with what a platform gives it when nobody says otherwise.
    pub fn new(client: &Client) -> Self {
        Self::with(client, "sandbox-paynet", "sandbox-paynet-password")
    }

    /// Paynet with a login and a password.
    pub fn with(client: &Client, login: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{login}:{password}"));
        Self { client: client.clone(), authorization: format!("Basic {credentials}") }
    }

    /// A transaction id as Paynet makes them: a long, never the same.
    pub fn transaction_id() -> i64 {
        static NEXT: AtomicI64 = AtomicI64::new(3_000_000_000);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// One call to our service; what comes back is HTTP 200, JSON-RPC 2.0 and has the call's id.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let reply = self.reply(method, params).await.expect(200);
        assert_eq!((reply.at("/jsonrpc"), reply.at("/id")), (&json!("2.0"), &json!(81)));
        reply.json
    }

    /// One call to our service, whatever comes back.
    pub async fn reply(&self, method: &str, mut params: Value) -> Reply {
        if let Some(members) = params.as_object_mut() {
            members.entry("serviceId").or_insert(SERVICE.into());
        }
        self.raw(
            json!({ "jsonrpc": "2.0", "id": 81, "method": method, "params": params }).to_string(),
        )
        .await
    }

    /// One call with a body as it is.
    pub async fn raw(&self, body: impl Into<reqwest::Body>) -> Reply {
        let request = self
            .client
            .request(Method::POST, ADDRESS)
            .header("Authorization", &self.authorization)
            .header("Content-Type", "application/json")
            .body(body);
        self.client.send(request).await
    }

    /// The parameters of a `PerformTransaction`.
    pub fn perform(id: i64, order: &str, tiyin: i64) -> Value {
        json!({ "transactionId": id, "amount": tiyin, "timestamp": Self::local(Utc::now()), "fields": { "order_id": order } })
    }

    /// Asks whom one pays, and pays. Returns Paynet's transaction id.
    pub async fn pay(&self, order: &str, tiyin: i64) -> i64 {
        let asked = self.call("GetInformation", json!({ "fields": { "order_id": order } })).await;
        assert_eq!(asked["result"]["status"], "0", "{asked}");
        let id = Self::transaction_id();
        let paid = self.call("PerformTransaction", Self::perform(id, order, tiyin)).await;
        assert!(paid["result"]["providerTrnId"].is_i64(), "{paid}");
        id
    }

    /// A moment as Paynet writes it: Tashkent's clock.
    pub fn local(moment: DateTime<Utc>) -> String {
        let tashkent = FixedOffset::east_opt(5 * 3_600).expect("a zone");
        moment.with_timezone(&tashkent).format("%Y-%m-%d %H:%M:%S").to_string()
    }
}
