//! Paynet: a terminal that a person stands before, and the calls it makes.

use std::sync::atomic::{AtomicI64, Ordering};

use salvo::{Depot, Request, Response, Router, handler};
use serde_json::{Value, json};

use crate::form::{self, Form};
use crate::html;
use crate::journal::WebhookCall;
use crate::signatures::basic;
use crate::world::World;

/// Paynet's transaction ids, above 2^31 as the real ones are.
pub(crate) struct Terminal {
    last: AtomicI64,
}

impl Default for Terminal {
    fn default() -> Self {
        Self { last: AtomicI64::new(31_000_000_000) }
    }
}

/// The terminal's page, under `/paynet`.
pub(crate) fn router() -> Router {
    Router::with_path("paynet").get(show).post(act)
}

#[handler]
async fn show(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let (world, link) = (World::of(depot), form::query(req));
    let named = |names: &[&'static str]| {
        names.iter().map(|name| form::of(&link, name)).find(|value| !value.is_empty())
    };
    // Two implementers write the link differently: `c` and tiyin in `a`, or `client_id` and soum in `amount`.
    let order = named(&["c", "order_id", "client_id"]).unwrap_or_default().to_owned();
    let amount = match form::of(&link, "a").parse::<i64>() {
        Ok(tiyin) => form::decimal(tiyin),
        Err(_) => form::of(&link, "amount").to_owned(),
    };
    let typed = Typed { order, amount, transaction: String::new() };
    html::send(res, "Paynet terminal", &page(&world, &typed, &[]));
}

#[handler]
async fn act(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    let form = form::posted(req).await;
    let (typed, calls) = carry_out(&world, &form).await;
    html::send(res, "Paynet terminal", &page(&world, &typed, &calls));
}

/// What stands in the terminal's fields.
struct Typed {
    order: String,
    /// Soum.
    amount: String,
    transaction: String,
}

async fn carry_out(world: &World, form: &Form) -> (Typed, Vec<WebhookCall>) {
    let mut typed = Typed {
        order: form::of(form, "order").to_owned(),
        amount: form::of(form, "amount").to_owned(),
        transaction: form::of(form, "transaction").to_owned(),
    };
    let mut calls = Vec::new();
    let what = form::of(form, "do");
    if typed.transaction.is_empty() && what == "perform" {
        typed.transaction = world.paynet.last.fetch_add(1, Ordering::Relaxed).to_string();
    }
    let (amount, now) = (form::tiyin(&typed.amount).unwrap_or_default(), world.clock.stamp());
    let transaction = typed.transaction.parse::<i64>().unwrap_or_default();
    let fields = json!({ "order_id": typed.order });
    let service = number(&world.settings.paynet_service);
    let of_transaction =
        json!({ "serviceId": service, "transactionId": transaction, "timestamp": now });
    let (method, params) = match what {
        "perform" => (
            "PerformTransaction",
            json!({ "serviceId": service, "amount": amount, "transactionId": transaction,
                "fields": fields, "timestamp": now }),
        ),
        "check" => ("CheckTransaction", of_transaction),
        "cancel" => ("CancelTransaction", of_transaction),
        "statement" => {
            let day: String = now.chars().take(10).collect();
            let (from, to) = (format!("{day} 00:00:00"), format!("{day} 23:59:59"));
            ("GetStatement", json!({ "serviceId": service, "dateFrom": from, "dateTo": to }))
        }
        _ => ("GetInformation", json!({ "serviceId": service, "fields": fields })),
    };
    calls.push(call(world, method, params).await);
    (typed, calls)
}

async fn call(world: &World, method: &str, params: Value) -> WebhookCall {
    let (settings, id) = (&world.settings, world.paynet.last.fetch_add(1, Ordering::Relaxed));
    let body = json!({ "jsonrpc": "2.0", "method": method, "id": id, "params": params });
    let request = world
        .http
        .post(world.webhook("paynet"))
        .header("Authorization", basic(&settings.paynet_login, &settings.paynet_password))
        .header("Content-Type", "application/json");
    world.call("paynet", method, body.to_string(), request).await
}

/// A service is a number, unless somebody configured something else.
fn number(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

fn page(world: &World, typed: &Typed, calls: &[WebhookCall]) -> String {
    let said = if calls.is_empty() {
        String::new()
    } else {
        format!("<div class=\"card\">{}</div>", html::said(calls))
    };
    format!(
        "{said}<div class=\"card\"><form method=\"post\">{}{}{}<div class=\"row\">{}{}{}{}{}</div></form>{}</div>",
        html::field("order", "Order (order_id)", &typed.order),
        html::field("amount", "Amount in soum", &typed.amount),
        html::field("transaction", "Paynet's transaction; empty: a new one", &typed.transaction),
        html::button("information", "", "Who is it?"),
        html::button("perform", "go", "Pay"),
        html::button("check", "", "Check"),
        html::button("cancel", "stop", "Cancel"),
        html::button("statement", "", "Today's statement"),
        html::facts(&[("service", &world.settings.paynet_service)]),
    )
}
