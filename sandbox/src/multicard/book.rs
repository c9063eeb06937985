//! Multicard's memory: who is let in, what was ordered to go wrong, and every invoice, payment and payout.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::{Invoice, Payment, Payout};
use super::order::{Call, Order};
use super::problem::Problem;

/// A billion soum, in tiyin: the wallet that payouts are paid from.
const WALLET: i64 = 100_000_000_000;

/// How Multicard tells the platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One call when a payment succeeds; unless it is answered with 200, the payment is given back.
    #[default]
    Success,
    /// A call for every change; unless it is answered with 2xx, it is repeated up to five times.
    Webhooks,
}

/// Everything that Multicard remembers.
pub(crate) struct Book {
    pub(crate) mode: Mode,
    pub(crate) tokens: BTreeSet<String>,
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) payouts: Vec<Payout>,
    /// Tiyin.
    pub(crate) wallet: i64,
    orders: Vec<Order>,
    asked: BTreeMap<Call, u32>,
    last_id: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            tokens: BTreeSet::new(),
            invoices: Vec::new(),
            payments: Vec::new(),
            payouts: Vec::new(),
            wallet: WALLET,
            orders: Vec::new(),
            asked: BTreeMap::new(),
            last_id: 4_000_000,
        }
    }
}

impl Book {
    /// A new id of Multicard's.
    pub(crate) fn new_uuid() -> String {
        Uuid::new_v4().to_string()
    }

    /// A new number of Multicard's.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Remembers an order.
    pub(crate) fn add_order(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// The orders that were not carried out yet.
    pub(crate) fn orders(&self) -> &[Order] {
        &self.orders
    }

    /// Forgets the orders that were not carried out yet.
    pub(crate) fn forget_orders(&mut self) {
        self.orders.clear();
    }

    /// Forgets the orders that were for this thing alone.
    pub(crate) fn forget_orders_of(&mut self, subject: &str) {
        self.orders.retain(|order| order.of.as_deref() != Some(subject));
    }

    /// Counts a call about one of `subjects`, and says how it is to go.
    pub(crate) fn ordered(&mut self, call: Call, subject: &str) -> Order {
        *self.asked.entry(call).or_default() += 1;
        let Some(at) = self.next(call, subject) else { return Order::on(call) };
        let order = self.orders[at].clone();
        self.orders[at].times -= 1;
        if self.orders[at].times == 0 {
            self.orders.remove(at);
        }
        order
    }

    /// The order for the next such call, which stays.
    pub(crate) fn peek(&self, call: Call, subject: &str) -> Option<&Order> {
        self.next(call, subject).and_then(|at| self.orders.get(at))
    }

    fn next(&self, call: Call, subject: &str) -> Option<usize> {
        let names = self.names(subject);
        self.orders.iter().position(|order| {
            order.on == call && order.of.as_ref().is_none_or(|of| names.contains(of))
        })
    }

    /// How often a call was made, whatever came of it.
    pub(crate) fn asked(&self, call: Call) -> u32 {
        self.asked.get(&call).copied().unwrap_or_default()
    }

    /// An invoice by Multicard's id.
    pub(crate) fn invoice(&mut self, uuid: &str) -> Result<&mut Invoice, Problem> {
        self.invoices.iter_mut().find(|found| found.uuid == uuid).ok_or_else(Problem::not_found)
    }

    /// A payment by Multicard's id.
    pub(crate) fn payment(&mut self, uuid: &str) -> Result<&mut Payment, Problem> {
        self.payments.iter_mut().find(|found| found.uuid == uuid).ok_or_else(Problem::not_found)
    }

    /// A payout by Multicard's id.
    pub(crate) fn payout(&mut self, uuid: &str) -> Result<&mut Payout, Problem> {
        self.payouts.iter_mut().find(|found| found.uuid == uuid).ok_or_else(Problem::not_found)
    }

    /// Both names of a thing, given either.
    fn names(&self, subject: &str) -> Vec<String> {
        let invoices = self.invoices.iter().map(|found| (&found.uuid, &found.invoice_id));
        let payments = self.payments.iter().map(|found| (&found.uuid, &found.invoice_id));
        let payouts = self.payouts.iter().map(|found| (&found.uuid, &found.invoice_id));
        let mut names = vec![subject.to_owned()];
        let of_this = invoices.chain(payments).chain(payouts);
        names.extend(of_this.filter(|(uuid, _)| *uuid == subject).map(|(_, id)| id.clone()));
        names
    }
}
