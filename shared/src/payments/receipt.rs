//! The letter about a movement of money: one for each, if it is worth one.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::jobs::SendTransactionEmail;
use super::model::{Transaction, TransactionStatus, TransactionType};
use crate::accounts::User;
use crate::error::Result;
use crate::escrow::{CloseReason, Escrow};
use crate::jobs::enqueue;
use crate::mail::templates::purchase_refunded::Why;
use crate::mail::templates::sale_paid::Sale;
use crate::mail::templates::{self, Subject};
use crate::mail::{Letter, Reader, local_time};
use crate::schema::payment_methods;
use crate::text_enum::text_enum;
use crate::withdrawals::Paid;
use crate::{App, Conn, Tx};

text_enum! {
    /// Which letter a movement is worth (`template`).
    Receipt {
        /// A deposit is on the balance.
        DepositCompleted = "deposit_completed",
        /// A deposit that its provider had begun came to nothing.
        DepositCancelled = "deposit_cancelled",
        /// A provider took a deposit back.
        DepositReturned = "deposit_returned",
        /// A seller was paid.
        SalePaid = "sale_paid",
        /// Money of a deal is back with its buyer.
        PurchaseRefunded = "purchase_refunded",
        /// A withdrawal is on its card.
        WithdrawalPaid = "withdrawal_paid",
        /// A withdrawal could not be paid: the money is back.
        WithdrawalFailed = "withdrawal_failed",
        /// Staff refused a withdrawal: the money is back.
        WithdrawalRejected = "withdrawal_rejected",
    }
}

/// Records the letter about a movement that has just been stored. Last in a transaction: job rows come last in the
/// order of locks.
pub(crate) async fn mail_receipt(tx: &mut Tx, transaction: &Transaction) -> Result<()> {
    if let Some(template) = transaction.receipt() {
        enqueue(tx, &SendTransactionEmail { transaction_id: transaction.id, template }).await?;
    }
    Ok(())
}

impl Transaction {
    /// The letter it is worth as it is now.
    #[must_use]
    pub fn receipt(&self) -> Option<Receipt> {
        match (self.kind, self.status) {
            (TransactionType::Deposit, TransactionStatus::Completed) => {
                Some(Receipt::DepositCompleted)
            }
            (TransactionType::Deposit, TransactionStatus::Cancelled) => {
                Some(Receipt::DepositCancelled)
            }
            (TransactionType::Refund, TransactionStatus::Completed) => {
                let returned = self.reverses_id.is_some();
                Some(if returned { Receipt::DepositReturned } else { Receipt::PurchaseRefunded })
            }
            (TransactionType::Sale, TransactionStatus::Completed) => Some(Receipt::SalePaid),
            (TransactionType::Withdrawal, TransactionStatus::Completed) => {
                Some(Receipt::WithdrawalPaid)
            }
            (TransactionType::Withdrawal, TransactionStatus::Failed) => {
                Some(Receipt::WithdrawalFailed)
            }
            (TransactionType::Withdrawal, TransactionStatus::Cancelled) if self.is_rejected() => {
                Some(Receipt::WithdrawalRejected)
            }
            (
                TransactionType::Deposit
                | TransactionType::Withdrawal
                | TransactionType::Purchase
                | TransactionType::Refund
                | TransactionType::Commission
                | TransactionType::Subscription
                | TransactionType::Sale,
                _,
            ) => None,
        }
    }
}

impl Receipt {
    /// The letter about this movement to the person whose money it is.
    pub(super) async fn letter(
        self,
        conn: &mut Conn,
        app: &App,
        row: &Transaction,
        to: &User,
    ) -> Result<Option<Letter>> {
        let (reader, amount) = (&Reader::from(to), row.amount);
        let at = &local_time(conn, row.processed_at.unwrap_or(row.updated_at), to).await?;
        let balance = &format!("{}/profile", app.settings.http.frontend_url);
        Ok(match self {
            Self::DepositCompleted => {
                let method = &method_name(conn, row).await?;
                Some(templates::deposit_completed::letter(reader, amount, method, at, balance))
            }
            Self::DepositCancelled => {
                let method = &method_name(conn, row).await?;
                Some(templates::deposit_cancelled::letter(reader, amount, method, balance))
            }
            Self::DepositReturned => {
                let method = &method_name(conn, row).await?;
                Some(templates::deposit_returned::letter(reader, amount, method, at, balance))
            }
            Self::SalePaid => deal_of(conn, app, row).await?.map(|(escrow, about)| {
                let (commission, earnings) = (escrow.commission_amount, escrow.seller_earnings);
                let sale = Sale { amount, commission, earnings };
                templates::sale_paid::letter(reader, &about, sale, at)
            }),
            Self::PurchaseRefunded => deal_of(conn, app, row).await?.and_then(|(escrow, about)| {
                let why = why(escrow.close_reason?)?;
                Some(templates::purchase_refunded::letter(reader, &about, amount, why, at))
            }),
            Self::WithdrawalPaid => Paid::find(conn, row.id).await?.map(|paid| {
                templates::withdrawal_paid::letter(reader, amount, &paid.card, at, balance)
            }),
            Self::WithdrawalFailed => Paid::find(conn, row.id).await?.map(|paid| {
                templates::withdrawal_failed::letter(reader, amount, &paid.card, balance)
            }),
            Self::WithdrawalRejected => Paid::find(conn, row.id).await?.map(|paid| {
                let reason = paid.reason.as_deref().unwrap_or_default();
                templates::withdrawal_rejected::letter(reader, amount, &paid.card, reason, balance)
            }),
        })
    }
}

async fn deal_of(
    conn: &mut Conn,
    app: &App,
    row: &Transaction,
) -> Result<Option<(Escrow, Subject)>> {
    match row.escrow_id {
        Some(deal) => Escrow::with_subject(conn, app, deal).await,
        None => Ok(None),
    }
}

/// The provider's name, as people know it.
async fn method_name(conn: &mut Conn, row: &Transaction) -> Result<String> {
    let Some(method) = row.payment_method_id else { return Ok(String::new()) };
    let name = payment_methods::table.find(method).select(payment_methods::name).first(conn);
    Ok(name.await?)
}

/// Why a deal's money came back to its buyer; none when it did not.
fn why(reason: CloseReason) -> Option<Why> {
    match reason {
        CloseReason::SellerCancelled => Some(Why::GivenUp),
        CloseReason::Undelivered | CloseReason::BuyerCancelled => Some(Why::Undelivered),
        CloseReason::RefundedByStaff | CloseReason::Resolved => Some(Why::ByStaff),
        CloseReason::Released
        | CloseReason::CompletedByStaff
        | CloseReason::Unpaid
        | CloseReason::ListingBlocked => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::Money;
    use crate::ids::UserId;

    #[test]
    fn a_movement_is_worth_a_letter_once_it_is_over() {
        let now = DateTime::UNIX_EPOCH;
        for kind in TransactionType::ALL {
            for status in TransactionStatus::ALL {
                let row = Transaction {
                    status: *status,
                    ..Transaction::new(*kind, UserId::new(), Money::from_soum(5_000), now)
                };
                let expected = match (kind, status) {
                    (TransactionType::Deposit, TransactionStatus::Completed) => {
                        Some(Receipt::DepositCompleted)
                    }
                    (TransactionType::Deposit, TransactionStatus::Cancelled) => {
                        Some(Receipt::DepositCancelled)
                    }
                    (TransactionType::Sale, TransactionStatus::Completed) => {
                        Some(Receipt::SalePaid)
                    }
                    (TransactionType::Refund, TransactionStatus::Completed) => {
                        Some(Receipt::PurchaseRefunded)
                    }
                    (TransactionType::Withdrawal, TransactionStatus::Completed) => {
                        Some(Receipt::WithdrawalPaid)
                    }
                    (TransactionType::Withdrawal, TransactionStatus::Failed) => {
                        Some(Receipt::WithdrawalFailed)
                    }
                    _ => None,
                };
                assert_eq!(row.receipt(), expected, "{kind} {status}");
            }
        }
        let deposit =
            Transaction::completed(TransactionType::Deposit, UserId::new(), Money::ZERO, now);
        assert_eq!(deposit.reversal(now).receipt(), Some(Receipt::DepositReturned));
        let mut withdrawal =
            Transaction::new(TransactionType::Withdrawal, UserId::new(), Money::ZERO, now);
        let _done = withdrawal.reject(now).expect("it waits");
        assert_eq!(withdrawal.receipt(), Some(Receipt::WithdrawalRejected));
    }
}
