//! The kinds of job about payments.

mod expire_deposits;
mod process_deposit;
mod reconcile_payments;
mod return_card_payment;
mod send_transaction_email;

pub use expire_deposits::ExpireDeposits;
pub use process_deposit::ProcessDeposit;
pub use reconcile_payments::ReconcilePayments;
pub use return_card_payment::ReturnCardPayment;
pub use send_transaction_email::SendTransactionEmail;
