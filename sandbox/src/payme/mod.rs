//! Payme: its checkout page, and its Merchant API called as Payme calls it.

mod link;

use std::sync::Arc;

use salvo::{Depot, Request, Response, Router, handler};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::link::Link;
use crate::form::{self, Form};
use crate::html;
use crate::journal::WebhookCall;
use crate::signatures::basic;
use crate::world::World;

/// The reasons of a cancellation that a person can cause.
const EXECUTION_ERROR: i64 = 3;
const REFUND: i64 = 5;

/// The checkout pages, under `/payme`.
pub(crate) fn router() -> Router {
    Router::with_path("payme/{**link}").get(show).post(act)
}

/// One payment as Payme drives it; `calls` is what was said so far.
struct Run<'w> {
    world: &'w World,
    account: Value,
    amount: i64,
    calls: Vec<WebhookCall>,
}

impl Run<'_> {
    /// One call; its `result`, or nothing when the platform refused or did not answer.
    async fn call(&mut self, method: &str, params: Value) -> Option<Value> {
        let id = self.calls.len() + 1;
        let body = json!({ "method": method, "params": params, "id": id }).to_string();
        let request = self.world.http.post(self.world.webhook("payme"));
        let request = request
            .header("Authorization", basic("Paycom", &self.world.settings.payme_key))
            .header("Content-Type", "text/json; charset=UTF-8");
        let call = self.world.call("payme", method, body, request).await;
        let reply = serde_json::from_str::<Value>(&call.reply).unwrap_or_default();
        self.calls.push(call);
        reply.get("result").filter(|result| result.is_object()).cloned()
    }

    /// May it be paid, and the transaction; its id when both were allowed.
    async fn create(&mut self) -> Option<String> {
        let asked = json!({ "amount": self.amount, "account": self.account });
        let checked = self.call("CheckPerformTransaction", asked).await?;
        if checked.get("allow").and_then(Value::as_bool) != Some(true) {
            return None;
        }
        let id: String = Uuid::new_v4().simple().to_string().chars().take(24).collect();
        let time = self.world.clock.millis();
        let params =
            json!({ "id": id, "time": time, "amount": self.amount, "account": self.account });
        self.call("CreateTransaction", params).await?;
        Some(id)
    }

    async fn pay(&mut self) -> Option<String> {
        let id = self.create().await?;
        self.call("PerformTransaction", json!({ "id": id })).await?;
        self.tell_receipt(&id, "PERFORM").await;
        Some(id)
    }

    /// The fiscal receipt of a payment, or of its way back, which the tax office has accepted by now.
    async fn tell_receipt(&mut self, id: &str, kind: &str) {
        let receipt = json!({
            "receipt_id": self.world.clock.millis() % 1_000_000, "status_code": 0, "message": "accepted",
            "terminal_id": "EP000000000025", "fiscal_sign": "800031554082",
            "qr_code_url": "https://ofd.soliq.uz/check?t=EP000000000025&s=800031554082",
            "date": "20220706221021",
        });
        let params = json!({ "id": id, "type": kind, "fiscal_data": receipt });
        self.call("SetFiscalData", params).await;
    }

    /// Gives a payment back; whether the shop agreed.
    async fn refund(&mut self, id: &str) -> bool {
        let agreed = self.cancel(id, REFUND).await.is_some();
        if agreed {
            self.tell_receipt(id, "CANCEL").await;
        }
        agreed
    }

    async fn cancel(&mut self, id: &str, reason: i64) -> Option<Value> {
        self.call("CancelTransaction", json!({ "id": id, "reason": reason })).await
    }
}

#[handler]
async fn show(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    match read(&world, req) {
        Ok(link) => html::send(res, "Payme", &asked(&link)),
        Err(problem) => refuse(res, &problem),
    }
}

#[handler]
async fn act(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    let form = form::posted(req).await;
    match read(&world, req) {
        Ok(link) => {
            let done = carry_out(&world, &link, &form).await;
            html::send(res, "Payme", &done);
        }
        Err(problem) => refuse(res, &problem),
    }
}

async fn carry_out(world: &World, link: &Link, form: &Form) -> String {
    let account: Map<String, Value> = link
        .account
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let account = Value::from(account);
    let mut run = Run { world, account, amount: link.amount, calls: Vec::new() };
    let known = form::of(form, "id").to_owned();
    let (words, id) = match form::of(form, "do") {
        "pay" => match run.pay().await {
            Some(id) => ("Paid.", Some(id)),
            None => ("Not paid: the shop refused.", None),
        },
        "cancel" => match run.create().await {
            Some(id) => {
                run.cancel(&id, EXECUTION_ERROR).await;
                ("Cancelled before it was paid.", Some(id))
            }
            None => ("Not even begun: the shop refused.", None),
        },
        "pay-and-cancel" => match run.pay().await {
            Some(id) => (refunded(run.refund(&id).await), Some(id)),
            None => ("Not paid: the shop refused.", None),
        },
        "refund" => (refunded(run.refund(&known).await), Some(known)),
        "perform-again" => {
            run.call("PerformTransaction", json!({ "id": known })).await;
            ("Performed once more.", Some(known))
        }
        _ => ("Nothing was asked for.", None),
    };
    if let Some(id) = &id {
        run.call("CheckTransaction", json!({ "id": id })).await;
    }
    let more = id.map(|id| {
        format!(
            "<form method=\"post\">{}<div class=\"row\">{}{}</div></form>",
            html::hidden("id", &id),
            html::button("refund", "little", "Refund it"),
            html::button("perform-again", "little", "Send Perform again"),
        )
    });
    format!(
        "<div class=\"card\"><p class=\"amount\">{}</p><p>{words}</p>{}{}</div><div class=\"card\">{}</div>",
        html::soum(link.amount),
        html::way_back(link.back.as_deref()),
        more.unwrap_or_default(),
        html::said(&run.calls),
    )
}

fn refunded(done: bool) -> &'static str {
    if done { "Paid, then given back." } else { "Paid; the shop refused to give it back." }
}

fn asked(link: &Link) -> String {
    let mut facts: Vec<_> =
        link.account.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    facts.extend([("merchant", link.merchant.as_str()), ("language", link.language.as_str())]);
    facts.push(("then to", link.back.as_deref().unwrap_or_default()));
    format!(
        "<div class=\"card\"><p class=\"amount\">{}</p>{}<form method=\"post\"><div class=\"row\">{}{}{}</div></form></div>",
        html::soum(link.amount),
        html::facts(&facts),
        html::button("pay", "go", "Pay"),
        html::button("cancel", "stop", "Cancel"),
        html::button("pay-and-cancel", "", "Pay, then cancel (refund)"),
    )
}

fn read(world: &Arc<World>, req: &Request) -> Result<Link, String> {
    let path = req.uri().path();
    let link = Link::read(path.strip_prefix("/payme/").unwrap_or_default())?;
    match &world.settings.payme_merchant {
        Some(ours) if *ours != link.merchant => Err("-31601: another shop's link.".to_owned()),
        Some(_) | None => Ok(link),
    }
}

fn refuse(res: &mut Response, problem: &str) {
    res.status_code(salvo::http::StatusCode::BAD_REQUEST);
    html::send(
        res,
        "Payme",
        &format!("<div class=\"card\"><p>{}</p></div>", html::escape(problem)),
    );
}
