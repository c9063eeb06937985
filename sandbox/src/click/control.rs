//! Click as whoever started the sandbox sees it; and `POST /click/_control`, for who is not in the same process.

use std::sync::Arc;

use salvo::http::StatusCode;
use salvo::writing::Json;
use salvo::{Depot, Request, Response, Router, handler};
use serde::Deserialize;
use serde_json::{Value, json};

use super::book::{Payment, PaymentStatus};
use super::order::{ClickCall, ClickOrder};
use crate::world::{World, lock};

/// Click, to be inspected and ordered about.
#[derive(Clone)]
pub struct Click {
    world: Arc<World>,
}

impl Click {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world) }
    }

    /// Orders something to go wrong. Orders are carried out in their order, each for its kind of call.
    ///
    /// # Panics
    /// When the order makes no sense.
    pub fn order(&self, order: ClickOrder) {
        assert_eq!(order.problem(), None, "{order:?}");
        lock(&self.world.click).add_order(order);
    }

    /// Forgets the orders that were not carried out yet.
    pub fn forget_orders(&self) {
        lock(&self.world.click).forget_orders();
    }

    /// How often the platform has made a call, whatever came of it.
    #[must_use]
    pub fn asked(&self, call: ClickCall) -> u32 {
        lock(&self.world.click).asked(call)
    }

    /// Every payment, oldest first.
    #[must_use]
    pub fn payments(&self) -> Vec<Payment> {
        lock(&self.world.click).payments.clone()
    }

    /// The last payment of an order.
    #[must_use]
    pub fn payment_of(&self, order: &str) -> Option<Payment> {
        self.payments().into_iter().rev().find(|found| found.order == order)
    }

    /// A payment is somewhere else from now on, as after a hand in Click's cabinet; nobody is told.
    pub fn mark(&self, payment: i64, status: PaymentStatus) {
        lock(&self.world.click).mark(payment, status);
    }

    /// A payment is forgotten.
    pub fn forget(&self, payment: i64) {
        lock(&self.world.click).payments.retain(|found| found.id != payment);
    }

    /// Somebody has paid for an order, and the platform has never heard of it. Returns Click's number.
    #[must_use]
    pub fn paid_unheard(&self, order: &str, amount: &str) -> i64 {
        let mut book = lock(&self.world.click);
        let payment = book.begin(&self.world, order, amount);
        book.mark(payment.id, PaymentStatus::Paid);
        payment.id
    }
}

/// What may be said to the sandbox.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    /// Something is to go wrong.
    Order(ClickOrder),
    /// Forget the orders that were not carried out yet.
    ForgetOrders,
    /// A payment is somewhere else.
    Mark { payment: i64, status: PaymentStatus },
}

pub(crate) fn router() -> Router {
    Router::with_path("_control").post(take_command).get(show_state)
}

#[handler]
async fn take_command(req: &mut Request, depot: &mut Depot, res: &mut Response) {
    let click = Click::new(&World::of(depot));
    let body = match req.payload().await {
        Ok(body) => serde_json::from_slice::<Command>(body).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let problem = match body {
        Ok(Command::Order(order)) => match order.problem() {
            Some(problem) => Some(problem.to_owned()),
            None => {
                click.order(order);
                None
            }
        },
        Ok(Command::ForgetOrders) => {
            click.forget_orders();
            None
        }
        Ok(Command::Mark { payment, status }) => {
            click.mark(payment, status);
            None
        }
        Err(problem) => Some(problem),
    };
    if let Some(problem) = problem {
        res.status_code(StatusCode::BAD_REQUEST);
        res.render(Json(json!({ "success": false, "problem": problem })));
    } else {
        res.render(Json(json!({ "success": true })));
    }
}

#[handler]
async fn show_state(depot: &mut Depot, res: &mut Response) {
    let world = World::of(depot);
    let book = lock(&world.click);
    let shown = |payment: &Payment| {
        json!({ "payment_id": payment.id, "order": payment.order, "amount": payment.amount,
            "status": payment.status, "day": payment.day })
    };
    let payments: Vec<Value> = book.payments.iter().map(shown).collect();
    res.render(Json(json!({ "orders": book.orders(), "payments": payments })));
}
