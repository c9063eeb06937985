//! Payme's side of its Merchant API, written from the protocol and not from our adapter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Client;

/// Calls our webhook the way Payme does.
#[derive(Clone)]
pub struct Payme {
    client: Client,
    authorization: String,
}

impl Payme {
    /// Payme with its key.
    pub fn new(client: &Client, key: &str) -> Self {
        Self {
            client: client.clone(),
            authorization: format!("Basic {}", STANDARD.encode(format!("Paycom:{key}"))),
        }
    }

    /// A transaction id as Payme makes them: 24 hex digits.
    pub fn transaction_id() -> String {
        uuid::Uuid::new_v4().simple().to_string().chars().take(24).collect()
    }

    /// One call; whatever comes back is HTTP 200 and JSON.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.raw(json!({ "method": method, "params": params, "id": 2032 }).to_string()).await
    }

    /// One call, not sent yet.
    pub fn request(&self, method: &str, params: &Value) -> reqwest::RequestBuilder {
        self.post(json!({ "method": method, "params": params, "id": 2032 }).to_string())
    }

    fn post(&self, body: String) -> reqwest::RequestBuilder {
        self.client
            .request(reqwest::Method::POST, "payments/webhooks/payme/")
            .header("Authorization", &self.authorization)
            .header("Content-Type", "text/json; charset=UTF-8")
            .body(body)
    }

    /// One call with a body as it is.
    pub async fn raw(&self, body: String) -> Value {
        let reply = self.client.send(self.post(body)).await.expect(200);
        assert!(reply.json.is_object(), "Payme is answered in JSON: {}", reply.text);
        reply.json
    }

    /// Check, create and perform: the payer paid. Returns Payme's transaction id.
    pub async fn pay(&self, order: &str, tiyin: i64) -> String {
        let (id, account) = (Self::transaction_id(), json!({ "order_id": order }));
        let check = self
            .call("CheckPerformTransaction", json!({ "amount": tiyin, "account": account }))
            .await;
        assert_eq!(check["result"]["allow"], true, "{check}");
        let create = self
            .call(
                "CreateTransaction",
                json!({ "id": id, "time": Self::now_ms(), "amount": tiyin, "account": account }),
            )
            .await;
        assert_eq!(create["result"]["state"], 1, "{create}");
        let perform = self.call("PerformTransaction", json!({ "id": id })).await;
        assert_eq!(perform["result"]["state"], 2, "{perform}");
        id
    }

    /// Payme's clock, in milliseconds.
    pub fn now_ms() -> i64 {
        chrono::Utc::now().timestamp_millis()
    }
}
