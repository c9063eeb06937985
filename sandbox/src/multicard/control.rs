//! `POST /multicard/_control`: orders over HTTP, for who is not in the same process.

use salvo::http::StatusCode;
use salvo::writing::Json;
use salvo::{Depot, Request, Response, Router, handler};
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::End;
use super::{Mode, Multicard, Order};
use crate::world::World;

/// What may be said to the sandbox.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    /// Something is to go wrong.
    Order(Order),
    /// Forget the orders that were not carried out yet.
    ForgetOrders,
    /// Another kind of callback.
    Mode(Mode),
    /// Every token is worthless.
    ExpireTokens,
    /// The wallet's tiyin.
    Wallet(i64),
    /// A payout ends.
    Settle { payout: String, end: End },
    /// A payer pays.
    Pay { invoice: String, card: String },
    /// A bank refuses.
    Decline { invoice: String, card: String },
    /// A callback comes once more.
    CallBack { payment: String },
}

pub(crate) fn router() -> Router {
    Router::with_path("_control").post(take_command).get(show_state)
}

#[handler]
async fn take_command(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let multicard = Multicard::new(&World::of(depot));
    let body = match req.payload().await {
        Ok(body) => serde_json::from_slice::<Command>(body).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let done = match body {
        Ok(command) => obey(&multicard, command).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(data) => res.render(Json(json!({ "success": true, "data": data }))),
        Err(problem) => {
            res.status_code(StatusCode::BAD_REQUEST);
            res.render(Json(json!({ "success": false, "problem": problem })));
        }
    }
}

async fn obey(multicard: &Multicard, command: Command) -> Result<Value, String> {
    let refused = |problem: super::Problem| format!("{}: {}", problem.code, problem.details);
    let paid = |payment: super::Payment| json!({ "uuid": payment.uuid, "status": payment.status });
    match command {
        Command::Order(order) => {
            if let Some(problem) = order.problem() {
                return Err(problem.to_owned());
            }
            multicard.order(order);
        }
        Command::ForgetOrders => multicard.forget_orders(),
        Command::Mode(mode) => multicard.switch(mode),
        Command::ExpireTokens => multicard.expire_tokens(),
        Command::Wallet(tiyin) => multicard.set_wallet(tiyin),
        Command::Settle { payout, end } => multicard.settle(&payout, end).map_err(refused)?,
        Command::Pay { invoice, card } => {
            return multicard.pay(&invoice, &card).await.map(paid).map_err(refused);
        }
        Command::Decline { invoice, card } => {
            return multicard.decline(&invoice, &card).await.map(paid).map_err(refused);
        }
        Command::CallBack { payment } => {
            return multicard.call_back(&payment).await.map(Value::from).map_err(refused);
        }
    }
    Ok(json!({ "orders": multicard.orders() }))
}

#[handler]
async fn show_state(depot: &mut Depot, res: &mut Response) {
    let multicard = Multicard::new(&World::of(depot));
    let payments: Vec<_> = multicard
        .payments()
        .iter()
        .map(|payment| {
            json!({ "uuid": payment.uuid, "invoice_id": payment.invoice_id, "invoice": payment.invoice_uuid,
                "amount": payment.amount, "status": payment.status, "refunded": payment.refunded })
        })
        .collect();
    let payouts: Vec<_> = multicard
        .payouts()
        .iter()
        .map(|payout| {
            json!({ "uuid": payout.uuid, "invoice_id": payout.invoice_id, "amount": payout.amount,
                "status": payout.status, "asked": payout.asked })
        })
        .collect();
    res.render(Json(json!({
        "orders": multicard.orders(),
        "wallet": multicard.wallet(),
        "payments": payments,
        "payouts": payouts,
    })));
}
