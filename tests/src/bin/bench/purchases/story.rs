//! What the people of a sale say to the API, and what it must answer.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::http::ANSWER_WITHIN;
use super::stock::{PRICE, Sale};
use crate::failure::{Attempt, Result};

/// How much of a sale is told.
#[derive(Clone)]
pub(crate) enum Story {
    /// The buyer has the money and presses the button.
    Purchase,
    /// The buyer deposits the price through Payme, buys, is given the account, says so, and lets the seller be paid.
    WholeSale {
        /// Payme's `Authorization` header.
        payme: String,
    },
}

impl Story {
    /// The whole sale, with Payme's key.
    pub(crate) fn whole_sale(payme_key: &str) -> Self {
        Self::WholeSale {
            payme: format!("Basic {}", STANDARD.encode(format!("Paycom:{payme_key}"))),
        }
    }

    /// What one of it is called in the report.
    pub(crate) fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Purchase => ("PURCHASES", "purchase"),
            Self::WholeSale { .. } => ("WHOLE SALES", "sale"),
        }
    }

    /// The states in which it leaves the deal and the listing.
    pub(crate) fn end(&self) -> (&'static str, &'static str) {
        match self {
            Self::Purchase => ("paid", "reserved"),
            Self::WholeSale { .. } => ("confirmed", "sold"),
        }
    }

    /// Tells the story of each sale, one after another, on one connection; returns how long each took.
    pub(super) async fn play(self, base: String, sales: Vec<Sale>) -> Result<Vec<Duration>> {
        let http = Client::builder().timeout(ANSWER_WITHIN).build().attempt("an HTTP client")?;
        let people = People { http, base };
        let mut latencies = Vec::with_capacity(sales.len());
        for sale in &sales {
            let started = Instant::now();
            match &self {
                Self::Purchase => {
                    people.buy(sale).await?;
                }
                Self::WholeSale { payme } => people.whole_sale(sale, payme).await?,
            }
            latencies.push(started.elapsed());
        }
        Ok(latencies)
    }
}

/// The people of a sale, on one connection.
struct People {
    http: Client,
    base: String,
}

impl People {
    async fn buy(&self, sale: &Sale) -> Result<String> {
        let body = json!({ "listing_id": sale.listing, "payment_method": "balance" });
        let deal = self
            .post("payments/purchase/", &bearer(&sale.token), body, StatusCode::CREATED)
            .await?;
        id_of(&deal)
    }

    async fn whole_sale(&self, sale: &Sale, payme: &str) -> Result<()> {
        let (buyer, seller) = (bearer(&sale.token), bearer(&sale.seller_token));
        let body = json!({ "amount": PRICE, "payment_method": "payme" });
        let order =
            id_of(&self.post("payments/deposit/", &buyer, body, StatusCode::CREATED).await?)?;
        let created = json!({
            "id": sale.payme_id, "time": sale.payme_time, "amount": PRICE * 100, "account": { "order_id": order }
        });
        self.payme(payme, "CreateTransaction", created).await?;
        self.payme(payme, "PerformTransaction", json!({ "id": sale.payme_id })).await?;
        let deal = self.buy(sale).await?;
        for (who, verb) in
            [(&seller, "seller-confirm-trade"), (&buyer, "buyer-confirm"), (&buyer, "release")]
        {
            let path = format!("payments/escrow/{deal}/{verb}/");
            self.post(&path, who, Value::Null, StatusCode::OK).await?;
        }
        Ok(())
    }

    /// One call of Payme's; an error of its protocol is one too.
    async fn payme(&self, authorization: &str, method: &str, params: Value) -> Result<()> {
        let call = json!({ "method": method, "params": params, "id": 1 });
        let answer =
            self.post("payments/webhooks/payme/", authorization, call, StatusCode::OK).await?;
        if answer.get("result").is_some() {
            Ok(())
        } else {
            Err(format!("Payme's {method} was answered with {answer}"))
        }
    }

    async fn post(
        &self,
        path: &str,
        authorization: &str,
        body: Value,
        wanted: StatusCode,
    ) -> Result<Value> {
        let mut request = self
            .http
            .post(format!("{}/api/v1/{path}", self.base))
            .header(AUTHORIZATION, authorization);
        if !body.is_null() {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let answer = request.send().await.attempt(path)?;
        let status = answer.status();
        let text = answer.text().await.attempt(path)?;
        if status != wanted {
            return Err(format!("{path} was answered with {status}: {text}"));
        }
        serde_json::from_str(&text).attempt(path)
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn id_of(answer: &Value) -> Result<String> {
    answer.get("id").and_then(Value::as_str).map(str::to_owned).attempt("an answer without an id")
}
