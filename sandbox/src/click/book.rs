//! Click's memory: payments and invoices, and what was ordered to go wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::order::{ClickCall, ClickOrder};
use crate::world::World;

/// Above 2^31, as the real ones are.
const FIRST_PAYMENT: i64 = 2_900_000_000;

/// Where a payment stands, in Click's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// -1: the card's bank refused.
    Failed,
    /// 0: the payer has begun.
    Created,
    /// 2: the payer was debited.
    Paid,
    /// -2: the payer has the money back.
    Reversed,
}

impl PaymentStatus {
    /// Click's number.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Failed => -1,
            Self::Created => 0,
            Self::Paid => 2,
            Self::Reversed => -2,
        }
    }
}

/// A payment.
#[derive(Clone, Debug)]
pub struct Payment {
    /// `click_trans_id`.
    pub id: i64,
    /// `merchant_trans_id`.
    pub order: String,
    /// Soum, as the link wrote them.
    pub amount: String,
    /// Where it stands.
    pub status: PaymentStatus,
    /// `YYYY-MM-DD`.
    pub day: String,
}

/// An invoice that was pushed to a phone.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) id: i64,
    pub(crate) order: String,
}

/// Everything that Click remembers.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) payments: Vec<Payment>,
    pub(crate) invoices: Vec<Invoice>,
    orders: Vec<ClickOrder>,
    asked: BTreeMap<ClickCall, u32>,
}

impl Book {
    /// The payer has begun.
    pub(crate) fn begin(&mut self, world: &World, order: &str, amount: &str) -> Payment {
        let payment = Payment {
            id: self.payments.last().map_or(FIRST_PAYMENT, |last| last.id + 1),
            order: order.to_owned(),
            amount: amount.to_owned(),
            status: PaymentStatus::Created,
            day: world.clock.stamp().chars().take(10).collect(),
        };
        self.payments.push(payment.clone());
        payment
    }

    /// Takes down where a payment stands now.
    pub(crate) fn mark(&mut self, id: i64, status: PaymentStatus) {
        if let Some(payment) = self.payments.iter_mut().find(|found| found.id == id) {
            payment.status = status;
        }
    }

    /// Remembers an order.
    pub(crate) fn add_order(&mut self, order: ClickOrder) {
        self.orders.push(order);
    }

    /// The orders that were not carried out yet.
    pub(crate) fn orders(&self) -> &[ClickOrder] {
        &self.orders
    }

    /// Forgets the orders that were not carried out yet.
    pub(crate) fn forget_orders(&mut self) {
        self.orders.clear();
    }

    /// How often a call was made.
    pub(crate) fn asked(&self, call: ClickCall) -> u32 {
        self.asked.get(&call).copied().unwrap_or_default()
    }

    /// Counts a call, and says how it is to go.
    pub(crate) fn ordered(&mut self, call: ClickCall) -> ClickOrder {
        *self.asked.entry(call).or_default() += 1;
        let Some(at) = self.orders.iter().position(|order| order.on == call) else {
            return ClickOrder::on(call);
        };
        let order = self.orders[at].clone();
        self.orders[at].times -= 1;
        if self.orders[at].times == 0 {
            self.orders.remove(at);
        }
        order
    }

    /// Pushes an invoice.
    pub(crate) fn invoice(&mut self, order: &str) -> i64 {
        let id = self.invoices.last().map_or(7_000_001, |last| last.id + 1);
        self.invoices.push(Invoice { id, order: order.to_owned() });
        id
    }
}
