//! Click's memory: payments and invoices.

use crate::world::World;

/// Above 2^31, as the real ones are.
const FIRST_PAYMENT: i64 = 2_900_000_000;

/// Where a payment stands, in Click's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentStatus {
    /// -1
    Failed,
    /// 0
    Created,
    /// 2
    Paid,
    /// -2
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
pub(crate) struct Payment {
    /// `click_trans_id`.
    pub(crate) id: i64,
    /// `merchant_trans_id`.
    pub(crate) order: String,
    /// Soum, as the link wrote them.
    pub(crate) amount: String,
    pub(crate) status: PaymentStatus,
    /// `YYYY-MM-DD`.
    pub(crate) day: String,
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

    /// Pushes an invoice.
    pub(crate) fn invoice(&mut self, order: &str) -> i64 {
        let id = self.invoices.last().map_or(7_000_001, |last| last.id + 1);
        self.invoices.push(Invoice { id, order: order.to_owned() });
        id
    }
}
