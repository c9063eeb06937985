//! A platform that records what the providers say, and answers properly unless it was told otherwise.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use salvo::conn::tcp::TcpAcceptor;
use salvo::http::StatusCode;
use salvo::{Depot, FlowCtrl, Handler, Request, Response, Router, Server, Service, async_trait};
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One call as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub provider: String,
    pub authorization: String,
    pub content_type: String,
    pub body: String,
}

impl Heard {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// A field of a form.
    pub fn field(&self, name: &str) -> String {
        let mut fields = form_urlencoded::parse(self.body.as_bytes());
        fields
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }
}

#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
}

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, req: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        let header = |name: &str| {
            let value = req.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (authorization, content_type) = (header("authorization"), header("content-type"));
        let provider = req.param::<String>("provider").unwrap_or_default();
        let body = String::from_utf8(req.payload().await.expect("a body").to_vec()).expect("UTF-8");
        let heard = Heard { provider, authorization, content_type, body };
        let (status, body) =
            self.answers.lock().unwrap().pop_front().unwrap_or_else(|| (200, proper(&heard)));
        self.heard.lock().unwrap().push(heard);
        res.status_code(StatusCode::from_u16(status).expect("a status"));
        res.body(body);
    }
}

fn proper(heard: &Heard) -> String {
    let answer = match heard.provider.as_str() {
        "payme" => {
            let asked = heard.json();
            let result = match asked["method"].as_str().unwrap() {
                "CheckPerformTransaction" => json!({ "allow": true }),
                "CreateTransaction" => {
                    json!({ "create_time": 1, "transaction": "5123", "state": 1 })
                }
                "PerformTransaction" => {
                    json!({ "transaction": "5123", "perform_time": 2, "state": 2 })
                }
                "CancelTransaction" => {
                    json!({ "transaction": "5123", "cancel_time": 3, "state": -2 })
                }
                _ => json!({ "state": 2 }),
            };
            json!({ "result": result, "id": asked["id"] })
        }
        "click" if heard.field("action") == "0" => {
            json!({ "merchant_prepare_id": 901, "error": 0 })
        }
        "click" => json!({ "merchant_confirm_id": 901, "error": 0 }),
        "paynet" => json!({ "jsonrpc": "2.0", "id": heard.json()["id"], "result": {} }),
        _ => json!({ "success": true }),
    };
    answer.to_string()
}

/// The platform and the sandbox, each knowing where the other is.
pub struct World {
    pub sandbox: Sandbox,
    pub address: SocketAddr,
    ear: Ear,
    pub http: reqwest::Client,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let ear = Ear::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let acceptor = TcpAcceptor::try_from(listener).expect("an acceptor");
        let address = acceptor.local_addr().expect("an address");
        let router = Router::with_path("api/v1/payments/webhooks/{provider}").post(ear.clone());
        tokio::spawn(Server::new(acceptor).try_serve(Service::new(router)));
        let mut settings = Settings::development();
        settings.platform = format!("http://{address}");
        settings.redeliver_after = std::time::Duration::from_millis(5);
        change(&mut settings);
        let sandbox = Sandbox::start(settings).await.expect("starts");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { sandbox, address, ear, http }
    }

    /// The next call is answered so, and not properly.
    pub fn answer(&self, status: u16, body: &str) {
        self.ear.answers.lock().unwrap().push_back((status, body.to_owned()));
    }

    /// Everything that was heard.
    pub fn heard(&self) -> Vec<Heard> {
        self.ear.heard.lock().unwrap().clone()
    }

    pub fn callback_url(&self) -> String {
        format!("http://{}/api/v1/payments/webhooks/uzcard/", self.address)
    }

    /// Logs in at Multicard.
    pub async fn token(&self) -> String {
        let body =
            json!({ "application_id": "sandbox-multicard", "secret": "sandbox-multicard-secret" });
        let url = format!("{}/auth", self.sandbox.multicard().base_url());
        let answer = self.http.post(url).json(&body).send().await.expect("answers");
        let answer: Value = answer.json().await.expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// A call to Multicard with a valid token: the status and the body.
    pub async fn multicard(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let token = self.token().await;
        self.multicard_as(&token, method, path, body).await.expect("answers")
    }

    /// A call to Multicard, whatever comes of it.
    pub async fn multicard_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> reqwest::Result<(u16, Value)> {
        let url = format!("{}/{path}", self.sandbox.multicard().base_url());
        let request = self.http.request(method.parse().expect("a method"), url);
        let request = request.bearer_auth(token).timeout(std::time::Duration::from_millis(1500));
        let answer = request.json(&body).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Asks for a payment; its invoice's uuid.
    pub async fn invoice(&self, id: &str, amount: i64) -> String {
        let body = json!({ "store_id": 40001, "amount": amount, "invoice_id": id,
            "callback_url": self.callback_url(), "return_url": "https://shop.example/back", "ofd": [] });
        let (status, body) = self.multicard("POST", "payment/invoice", body).await;
        assert_eq!((status, body["success"].as_bool()), (200, Some(true)), "{body}");
        body["data"]["uuid"].as_str().expect("a uuid").to_owned()
    }

    /// The status of a payment as the API tells it.
    pub async fn status(&self, payment: &str) -> String {
        let (_, body) = self.multicard("GET", &format!("payment/{payment}"), Value::Null).await;
        body["data"]["status"].as_str().unwrap_or_default().to_owned()
    }
}
