//! The timers of deals, and the scan behind them.

mod count_settled_deal;
mod expire_unpaid_escrow;
mod honour_cancel_wish;
mod receive_silent_escrow;
mod reconcile_escrows;
mod refund_undelivered_escrow;
mod release_escrow_payment;

pub use count_settled_deal::CountSettledDeal;
pub use expire_unpaid_escrow::ExpireUnpaidEscrow;
pub use honour_cancel_wish::HonourCancelWish;
pub use receive_silent_escrow::ReceiveSilentEscrow;
pub use reconcile_escrows::ReconcileEscrows;
pub use refund_undelivered_escrow::RefundUndeliveredEscrow;
pub use release_escrow_payment::ReleaseEscrowPayment;
