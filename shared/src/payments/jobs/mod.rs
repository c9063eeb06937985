//! The kinds of job about payments.

mod compare_provider_reports;
mod compare_report;
mod expire_deposits;
mod process_click_payment;
mod process_deposit;
mod reconcile_payments;
mod return_card_payment;
mod reverse_click_payment;
mod send_transaction_email;

pub use compare_provider_reports::CompareProviderReports;
pub use compare_report::{CompareClickReport, CompareMulticardReport};
pub use expire_deposits::ExpireDeposits;
pub use process_click_payment::ProcessClickPayment;
pub use process_deposit::ProcessDeposit;
pub use reconcile_payments::ReconcilePayments;
pub use return_card_payment::ReturnCardPayment;
pub use reverse_click_payment::ReverseClickPayment;
pub use send_transaction_email::SendTransactionEmail;
