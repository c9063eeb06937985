//! Click: its payment page, which calls Prepare and Complete, and its Merchant API.

mod api;
mod book;
mod control;
mod order;
mod shop;

use salvo::http::StatusCode;
use salvo::{Depot, Request, Response, Router, handler};

pub(crate) use self::book::Book;
pub use self::book::{Payment, PaymentStatus};
pub use self::control::Click;
pub use self::order::{ClickCall, ClickOrder, ClickReply};
use self::shop::Shop;
use crate::form::{self, Form};
use crate::html;
use crate::world::{World, lock};

/// The page and the API, under `/click`.
pub(crate) fn router() -> Router {
    Router::with_path("click").get(show).post(act).push(control::router()).push(api::router())
}

#[handler]
async fn show(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let link = form::query(req);
    match problem(&World::of(depot), &link) {
        None => html::send(res, "Click", &asked(&link)),
        Some(problem) => refuse(res, problem),
    }
}

#[handler]
async fn act(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let (world, link) = (World::of(depot), form::query(req));
    let form = form::posted(req).await;
    match problem(&world, &link) {
        None => html::send(res, "Click", &carry_out(&world, &link, &form).await),
        Some(problem) => refuse(res, problem),
    }
}

fn problem(world: &World, link: &Form) -> Option<&'static str> {
    if form::of(link, "service_id") != world.settings.click_service {
        return Some("The link's service_id is another shop's.");
    }
    if form::of(link, "merchant_id").is_empty() {
        return Some("The link has no merchant_id.");
    }
    if form::of(link, "transaction_param").is_empty() {
        return Some("The link has no transaction_param.");
    }
    match form::tiyin(form::of(link, "amount")) {
        Some(1..) => None,
        Some(_) | None => Some("The link's amount is no amount of soum."),
    }
}

async fn carry_out(world: &World, link: &Form, form: &Form) -> String {
    let amount = form::of(link, "amount");
    let payment = {
        let mut book = lock(&world.click);
        book.begin(world, form::of(link, "transaction_param"), amount)
    };
    let mut shop = Shop::new(world, payment.clone());
    let what = form::of(form, "do");
    let prepared = shop.prepare().await;
    let words = match (prepared, what) {
        (None, _) => "Not paid: the shop refused.",
        (Some(_), "prepare") => "Prepared; the payer went away.",
        (Some(prepare), "decline") => {
            shop.complete(&prepare, Some((-5017, "Not enough money on the card"))).await;
            lock(&world.click).mark(payment.id, PaymentStatus::Failed);
            "Declined: the shop was told so."
        }
        (Some(_), "lose") => {
            lock(&world.click).mark(payment.id, PaymentStatus::Paid);
            "The payer was debited, and Complete was never sent."
        }
        (Some(prepare), "pay" | "twice") => {
            let taken = shop.complete(&prepare, None).await;
            // The payer is debited before Complete; a cancelled order gives the money back.
            let status =
                if taken == Some(-9) { PaymentStatus::Failed } else { PaymentStatus::Paid };
            lock(&world.click).mark(payment.id, status);
            if what == "twice" {
                shop.complete(&prepare, None).await;
            }
            match taken {
                Some(0) => "Paid.",
                Some(-4) => "The payer was debited for an order that was paid before.",
                Some(-9) => "The shop has cancelled the order; the payer gets the money back.",
                Some(_) | None => {
                    "The payer was debited; the shop did not take it. People will look at it."
                }
            }
        }
        (Some(_), _) => "Nothing was asked for.",
    };
    format!(
        "<div class=\"card\"><p class=\"amount\">{}</p><p>{words}</p>{}{}</div><div class=\"card\">{}</div>",
        html::soum(form::tiyin(amount).unwrap_or_default()),
        html::facts(&[("payment", &payment.id.to_string())]),
        html::way_back(link.get("return_url").map(String::as_str)),
        html::said(&shop.calls),
    )
}

fn asked(link: &Form) -> String {
    let facts = [
        ("order", form::of(link, "transaction_param")),
        ("service", form::of(link, "service_id")),
        ("merchant", form::of(link, "merchant_id")),
        ("card type", form::of(link, "card_type")),
        ("then to", form::of(link, "return_url")),
    ];
    format!(
        "<div class=\"card\"><p class=\"amount\">{}</p>{}<form method=\"post\"><div class=\"row\">{}{}{}{}{}</div></form></div>",
        html::soum(form::tiyin(form::of(link, "amount")).unwrap_or_default()),
        html::facts(&facts),
        html::button("pay", "go", "Pay"),
        html::button("decline", "stop", "Decline the card"),
        html::button("twice", "", "Pay, Complete twice"),
        html::button("lose", "", "Pay, lose Complete"),
        html::button("prepare", "", "Only prepare"),
    )
}

fn refuse(res: &mut Response, problem: &str) {
    res.status_code(StatusCode::BAD_REQUEST);
    html::send(
        res,
        "Click",
        &format!("<div class=\"card\"><p>{}</p></div>", html::escape(problem)),
    );
}
