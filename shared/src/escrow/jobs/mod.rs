//! The timers of deals, and the scan behind them.

mod expire_unpaid_escrow;
mod receive_silent_escrow;
mod reconcile_escrows;
mod refund_undelivered_escrow;
mod release_escrow_payment;

pub use expire_unpaid_escrow::ExpireUnpaidEscrow;
pub use receive_silent_escrow::ReceiveSilentEscrow;
pub use reconcile_escrows::ReconcileEscrows;
pub use refund_undelivered_escrow::RefundUndeliveredEscrow;
pub use release_escrow_payment::ReleaseEscrowPayment;
