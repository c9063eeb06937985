//! Multicard's hosted page: the card of an Uzcard or Humo payment.

use salvo::http::StatusCode;
use salvo::{Depot, Request, Response, Router, handler};

use super::model::{Invoice, Payment, SANDBOX_HUMO, SANDBOX_UZCARD, Status};
use super::order::{Call, Order, Reply};
use super::{Multicard, Problem};
use crate::form;
use crate::html;
use crate::world::{World, lock};

/// The page that an invoice's `checkout_url` leads to.
pub(crate) fn router() -> Router {
    Router::with_path("invoice/{uuid}").get(show).post(act)
}

#[handler]
async fn show(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let (world, uuid) = (World::of(depot), req.param::<String>("uuid").unwrap_or_default());
    send(res, &world, &uuid, "");
}

#[handler]
async fn act(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let (world, uuid) = (World::of(depot), req.param::<String>("uuid").unwrap_or_default());
    let form = form::posted(req).await;
    let (multicard, card) = (Multicard::new(&world), form::of(&form, "card"));
    let done = match form::of(&form, "do") {
        "pay" => multicard.pay(&uuid, card).await,
        "lose" => {
            multicard.order(Order::on(Call::Callback).of(&uuid).times(10).reply(Reply::Silence));
            let paid = multicard.pay(&uuid, card).await;
            lock(&world.multicard).forget_orders_of(&uuid);
            paid
        }
        "again" => multicard.pay_again(&uuid, card).await,
        "decline" => multicard.decline(&uuid, card).await,
        "call-back" => call_back(&multicard, &world, &uuid).await,
        _ => Err(Problem::not_ready()),
    };
    let words = match done {
        Ok(payment) => told(&payment),
        Err(problem) => format!("{}: {}", problem.code, problem.details),
    };
    send(res, &world, &uuid, &words);
}

async fn call_back(multicard: &Multicard, world: &World, uuid: &str) -> Result<Payment, Problem> {
    let payment = lock(&world.multicard).last_payment(uuid)?.clone();
    multicard.call_back(&payment.uuid).await?;
    Ok(payment)
}

fn told(payment: &Payment) -> String {
    match (payment.status, &payment.callback_message) {
        (Status::Success, _) => "Paid.".to_owned(),
        (Status::Revert, Some(why)) => {
            format!("Given back, because the shop did not take it: {why}")
        }
        (Status::Revert, None) => "Given back.".to_owned(),
        (Status::Error, _) => "The card's bank refused.".to_owned(),
        (Status::Draft | Status::Progress | Status::Billing, _) => "On its way.".to_owned(),
    }
}

fn send(res: &mut Response, world: &World, uuid: &str, words: &str) {
    let (invoice, payment) = {
        let mut book = lock(&world.multicard);
        (book.invoice(uuid).cloned(), book.last_payment(uuid).cloned())
    };
    match (invoice, payment) {
        (Ok(invoice), Ok(payment)) => {
            html::send(res, "Multicard", &page(world, &invoice, &payment, words));
        }
        (Err(problem), _) | (_, Err(problem)) => {
            res.status_code(StatusCode::NOT_FOUND);
            let text = html::escape(&problem.details);
            html::send(res, "Multicard", &format!("<div class=\"card\"><p>{text}</p></div>"));
        }
    }
}

fn page(world: &World, invoice: &Invoice, payment: &Payment, words: &str) -> String {
    let open = matches!(payment.status, Status::Draft | Status::Error) && !invoice.deleted;
    let state = if invoice.deleted { "withdrawn" } else { payment.status.word() };
    let network = payment.card.as_ref().map_or("", |card| card.network.word());
    let facts = [
        ("order", invoice.invoice_id.as_str()),
        ("status", state),
        ("network", network),
        ("card", payment.card.as_ref().map_or("", |card| card.masked.as_str())),
        ("paid", payment.payment_time.as_deref().unwrap_or_default()),
        ("given back", payment.refund_time.as_deref().unwrap_or_default()),
    ];
    let buttons = if open {
        format!(
            "{}{}{}",
            html::button("pay", "go", "Pay"),
            html::button("decline", "stop", "Decline"),
            html::button("lose", "", "Pay, but lose the callback"),
        )
    } else {
        format!(
            "{}{}",
            html::button("call-back", "", "Send the callback again"),
            html::button("again", "", "Pay once more"),
        )
    };
    let back = match payment.status {
        Status::Error => invoice.return_error_url.as_deref().or(invoice.return_url.as_deref()),
        Status::Success | Status::Revert => invoice.return_url.as_deref(),
        Status::Draft | Status::Progress | Status::Billing => None,
    };
    let calls: Vec<_> = world
        .journal
        .calls()
        .into_iter()
        .filter(|call| call.request.contains(&payment.uuid) || call.request.contains(&invoice.uuid))
        .collect();
    let said = if calls.is_empty() && open {
        String::new()
    } else {
        format!("<div class=\"card\">{}</div>", html::said(&calls))
    };
    format!(
        "<div class=\"card\"><p class=\"amount\">{}</p><p>{}</p>{}\
         <form method=\"post\">{}<p class=\"dim small\">Uzcard {SANDBOX_UZCARD}, Humo {SANDBOX_HUMO}</p>\
         <div class=\"row\">{buttons}</div></form>{}</div>{said}",
        html::soum(invoice.amount),
        html::escape(words),
        html::facts(&facts),
        html::field("card", "Card number", SANDBOX_UZCARD),
        html::way_back(back),
    )
}
