//! The first page: what can be opened, what was called, who was paid out, and what is to go wrong.

use std::fmt::Write as _;
use std::time::Duration;

use salvo::http::StatusCode;
use salvo::http::header::{HeaderValue, LOCATION};
use salvo::{Depot, Request, Response, Router, handler};

use crate::form;
use crate::html;
use crate::multicard::{Call, Effect, End, Mode, Multicard, Order, Payment, Payout, Reply, Status};
use crate::world::World;

/// How many calls and payouts the page shows.
const SHOWN: usize = 20;

/// The page at `/`.
pub(crate) fn router() -> Router {
    Router::new().get(show).post(act)
}

/// The orders that a developer wants most, with their words.
fn presets() -> [(&'static str, Order); 14] {
    let (payout, invoice) = (Order::on(Call::CreateCredit), Order::on(Call::CreateInvoice));
    let callback = Order::on(Call::Callback);
    let contradiction = Reply::Says { status: Some(Status::Error), amount: None };
    let less = Reply::Says { status: None, amount: Some(100) };
    let later = Effect::SettlesAfter { asks: 2, end: End::Success };
    let wait = Reply::Late { millis: Duration::from_secs(20).as_millis().try_into().unwrap_or(0) };
    [
        ("payout: no answer, not accepted", {
            payout.clone().reply(Reply::Silence).effect(Effect::Nothing)
        }),
        ("payout: accepted, no answer", payout.clone().reply(Reply::Silence)),
        ("payout: connection cut", payout.clone().reply(Reply::Cut)),
        ("payout: 502", payout.clone().reply(Reply::Status(502))),
        (
            "payout: debit unknown, then done",
            payout.clone().reply(Reply::DebitUnknown).effect(later),
        ),
        ("payout: waits for you", payout.clone().effect(Effect::Waits)),
        ("payout: fails", payout.clone().effect(Effect::Fails)),
        ("payout: refused", payout.reply(Reply::Refusal("ERROR_CARD_NOT_FOUND".to_owned()))),
        ("invoice: 502", invoice.reply(Reply::Status(502)).effect(Effect::Nothing)),
        ("callback: lost", callback.clone().reply(Reply::Silence)),
        ("callback: 20 s late", callback.clone().reply(wait)),
        ("callback: wrong signature", callback.clone().reply(Reply::Garbage)),
        ("callback: another amount", callback.reply(less)),
        ("asked, it contradicts the callback", Order::on(Call::GetPayment).reply(contradiction)),
    ]
}

#[handler]
async fn show(depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    html::send(res, "Payments", &page(&world, &Multicard::new(&world)));
}

#[handler]
async fn act(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let multicard = Multicard::new(&World::of(depot));
    let form = form::posted(req).await;
    let payout = form::of(&form, "payout");
    // Whatever cannot be done (any more) is left: the page shows how things are.
    match form::of(&form, "do") {
        "success" => multicard.settle(payout, End::Success).unwrap_or_default(),
        "error" => multicard.settle(payout, End::Error).unwrap_or_default(),
        "forget" => multicard.forget_orders(),
        "expire" => multicard.expire_tokens(),
        "mode-success" => multicard.switch(Mode::Success),
        "mode-webhooks" => multicard.switch(Mode::Webhooks),
        preset => {
            let chosen = preset.parse::<usize>().ok().and_then(|at| presets().get(at).cloned());
            if let Some((_, order)) = chosen {
                multicard.order(order);
            }
        }
    }
    res.status_code(StatusCode::SEE_OTHER);
    res.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
}

fn page(world: &World, multicard: &Multicard) -> String {
    let mut calls = world.journal.calls();
    let calls = calls.split_off(calls.len().saturating_sub(SHOWN));
    format!(
        "<div class=\"card\"><p>The providers' side, on this machine: no money moves. Ask the platform for a deposit, \
         open its <code>payment_url</code>, and press a button.</p>\
         <div class=\"row\"><a class=\"button\" href=\"/paynet\">Paynet terminal</a></div>{}</div>\
         <h2>Uzcard and Humo payments</h2><div class=\"card wide\">{}</div>\
         <h2>Payouts</h2><div class=\"card wide\">{}</div>\
         <h2>What is to go wrong next</h2><div class=\"card\">{}</div>\
         <h2>Last webhook calls</h2><div class=\"card\">{}</div>",
        html::facts(&[
            ("Payme", &format!("{}/payme/…", world.url)),
            ("Click", &format!("{}/click?…", world.url)),
            ("Multicard", &multicard.base_url()),
            ("wallet", &html::soum(multicard.wallet())),
        ]),
        payments(&multicard.payments()),
        payouts(&multicard.payouts()),
        faults(multicard),
        html::heard(&calls),
    )
}

fn tag(status: Status) -> String {
    let mood = match status {
        Status::Success => "good",
        Status::Error | Status::Revert => "bad",
        Status::Draft | Status::Progress | Status::Billing => "wait",
    };
    format!("<span class=\"tag {mood}\">{}</span>", status.word())
}

fn payments(payments: &[Payment]) -> String {
    if payments.is_empty() {
        return "<p class=\"dim\">None yet.</p>".to_owned();
    }
    let mut html = "<table><tr><th>Order<th>Amount<th>Status".to_owned();
    for payment in payments.iter().rev().take(SHOWN) {
        write!(
            html,
            "<tr><td><a href=\"/multicard/invoice/{}\">{}</a><td>{}<td>{}",
            html::escape(&payment.invoice_uuid),
            html::escape(&payment.invoice_id),
            html::soum(payment.amount),
            tag(payment.status),
        )
        .ok();
    }
    html + "</table>"
}

fn payouts(payouts: &[Payout]) -> String {
    if payouts.is_empty() {
        return "<p class=\"dim\">None yet.</p>".to_owned();
    }
    let mut html = "<table><tr><th>Withdrawal<th>Amount<th>Status".to_owned();
    for payout in payouts.iter().rev().take(SHOWN) {
        let open = matches!(payout.status, Status::Draft | Status::Progress | Status::Billing);
        let buttons = format!(
            "<form method=\"post\">{}{} {}</form>",
            html::hidden("payout", &payout.uuid),
            html::button("success", "little go", "credit"),
            html::button("error", "little stop", "fail"),
        );
        write!(
            html,
            "<tr><td>{}<br><span class=\"dim small\">{} · asked for {} times</span><td>{}<td>{}{}",
            html::escape(&payout.invoice_id),
            html::escape(&payout.card.masked),
            payout.asked,
            html::soum(payout.amount),
            tag(payout.status),
            if open { buttons.as_str() } else { "" },
        )
        .ok();
    }
    html + "</table>"
}

fn faults(multicard: &Multicard) -> String {
    let mut buttons = String::new();
    for (at, (words, _)) in presets().iter().enumerate() {
        buttons.push_str(&html::button(&at.to_string(), "little", words));
    }
    let waiting: Vec<_> = multicard
        .orders()
        .iter()
        .map(|order| serde_json::to_string(order).unwrap_or_default())
        .collect();
    let waiting = if waiting.is_empty() {
        "<p class=\"dim\">Everything goes well.</p>".to_owned()
    } else {
        format!("<pre>{}</pre>", html::escape(&waiting.join("\n")))
    };
    let (mode, other, words) = match multicard.mode() {
        Mode::Success => ("success callback", "mode-webhooks", "Switch to webhooks"),
        Mode::Webhooks => ("webhooks", "mode-success", "Switch to the success callback"),
    };
    format!(
        "{waiting}<form method=\"post\"><div class=\"presets\">{buttons}</div>\
         <div class=\"row\">{}{}{}</div></form><p class=\"dim small\">Callbacks now: {mode}. More over \
         <code>POST /multicard/_control</code>.</p>",
        html::button("forget", "little stop", "Forget all"),
        html::button("expire", "little", "Expire the tokens"),
        html::button(other, "little", words),
    )
}

#[cfg(test)]
mod tests {
    use super::presets;

    #[test]
    fn every_preset_makes_sense() {
        for (words, order) in presets() {
            assert_eq!(order.problem(), None, "{words}");
        }
    }
}
