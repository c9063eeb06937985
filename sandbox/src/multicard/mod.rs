//! Multicard, the acquirer of Uzcard and Humo: its API, its callbacks, its page, and its misbehaviour on request.

mod api;
mod book;
mod callback;
mod checkout;
mod control;
mod credits;
mod fields;
mod invoices;
mod model;
mod order;
mod problem;
mod store;

use std::sync::Arc;

use salvo::Router;

pub(crate) use book::Book;
pub use book::Mode;
pub use model::{
    Card, End, Invoice, Network, Payment, Payout, SANDBOX_HUMO, SANDBOX_UZCARD, Status,
};
pub use order::{Call, Effect, Order, Reply};
pub use problem::Problem;

use crate::world::{World, lock};

/// The API and the page, under `/multicard`.
pub(crate) fn router() -> Router {
    Router::with_path("multicard")
        .push(control::router())
        .push(checkout::router())
        .push(api::router())
}

/// Multicard as whoever started the sandbox sees it.
#[derive(Clone)]
pub struct Multicard {
    world: Arc<World>,
}

impl Multicard {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world) }
    }

    /// What `MULTICARD_BASE_URL` is set to.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}/multicard", self.world.url)
    }

    /// Orders something to go wrong. Orders are carried out in their order, each for its kind of call.
    ///
    /// # Panics
    /// When the order makes no sense.
    pub fn order(&self, order: Order) {
        assert_eq!(order.problem(), None, "{order:?}");
        lock(&self.world.multicard).add_order(order);
    }

    /// The orders that were not carried out yet.
    #[must_use]
    pub fn orders(&self) -> Vec<Order> {
        lock(&self.world.multicard).orders().to_vec()
    }

    /// Forgets the orders that were not carried out yet.
    pub fn forget_orders(&self) {
        lock(&self.world.multicard).forget_orders();
    }

    /// How often the platform has made a call, whatever came of it.
    #[must_use]
    pub fn asked(&self, call: Call) -> u32 {
        lock(&self.world.multicard).asked(call)
    }

    /// Switches between the two kinds of callback.
    pub fn switch(&self, mode: Mode) {
        lock(&self.world.multicard).mode = mode;
    }

    /// The kind of callback that is sent.
    #[must_use]
    pub fn mode(&self) -> Mode {
        lock(&self.world.multicard).mode
    }

    /// Every token that was given out is worthless from now on.
    pub fn expire_tokens(&self) {
        lock(&self.world.multicard).tokens.clear();
    }

    /// The wallet that payouts are paid from, in tiyin.
    #[must_use]
    pub fn wallet(&self) -> i64 {
        lock(&self.world.multicard).wallet
    }

    /// Sets the wallet, in tiyin.
    pub fn set_wallet(&self, tiyin: i64) {
        lock(&self.world.multicard).wallet = tiyin;
    }

    /// Every invoice, oldest first.
    #[must_use]
    pub fn invoices(&self) -> Vec<Invoice> {
        lock(&self.world.multicard).invoices.clone()
    }

    /// Every payment, oldest first; an invoice that nobody has paid has one in `draft`.
    #[must_use]
    pub fn payments(&self) -> Vec<Payment> {
        lock(&self.world.multicard).payments.clone()
    }

    /// Every payout, oldest first.
    #[must_use]
    pub fn payouts(&self) -> Vec<Payout> {
        lock(&self.world.multicard).payouts.clone()
    }

    /// The payer pays on the page with this card number. Returns the payment when the platform has been told and has
    /// answered, or has been told for the last time.
    ///
    /// # Errors
    /// When the invoice cannot be paid (any more), or there is no such card.
    pub async fn pay(&self, invoice: &str, number: &str) -> Result<Payment, Problem> {
        callback::pay(&self.world, invoice, number, false).await
    }

    /// The payer pays an invoice that is paid: a second payment, with an id of its own.
    ///
    /// # Errors
    /// As [`Self::pay`].
    pub async fn pay_again(&self, invoice: &str, number: &str) -> Result<Payment, Problem> {
        callback::pay(&self.world, invoice, number, true).await
    }

    /// The card's bank refuses.
    ///
    /// # Errors
    /// As [`Self::pay`].
    pub async fn decline(&self, invoice: &str, number: &str) -> Result<Payment, Problem> {
        callback::decline(&self.world, invoice, number).await
    }

    /// Tells the platform about a payment once more, as it stands. Returns whether the platform answered well.
    ///
    /// # Errors
    /// When there is no such payment.
    pub async fn call_back(&self, payment: &str) -> Result<bool, Problem> {
        let payment = lock(&self.world.multicard).payment(payment)?.clone();
        Ok(callback::deliver(&self.world, &payment).await.is_ok())
    }

    /// A payment is somewhere else from now on, as after a hand in Multicard's cabinet; nobody is told.
    ///
    /// # Errors
    /// When there is no such payment.
    pub fn mark(&self, payment: &str, status: Status) -> Result<Payment, Problem> {
        lock(&self.world.multicard).mark(&self.world, payment, status)
    }

    /// A payment has another amount from now on, in tiyin; nobody is told.
    ///
    /// # Errors
    /// When there is no such payment.
    pub fn set_amount(&self, payment: &str, tiyin: i64) -> Result<(), Problem> {
        lock(&self.world.multicard).payment(payment)?.amount = tiyin;
        Ok(())
    }

    /// A payment is under another name of the platform's from now on; nobody is told.
    ///
    /// # Errors
    /// When there is no such payment.
    pub fn set_reference(&self, payment: &str, invoice_id: &str) -> Result<(), Problem> {
        lock(&self.world.multicard).payment(payment)?.invoice_id = invoice_id.to_owned();
        Ok(())
    }

    /// A payment is forgotten.
    pub fn forget(&self, payment: &str) {
        lock(&self.world.multicard).payments.retain(|found| found.uuid != payment);
    }

    /// Decides how a payout in progress ends.
    ///
    /// # Errors
    /// When there is none, or it has ended the other way.
    pub fn settle(&self, payout: &str, end: End) -> Result<(), Problem> {
        lock(&self.world.multicard).settle(&self.world, payout, end)
    }
}
