//! The kinds of job by name, each declared beside its noun.

pub use crate::accounts::jobs::{SendEmailVerification, SendWelcomeEmail};
pub use crate::escrow::jobs::{
    ExpireUnpaidEscrow, ReceiveSilentEscrow, ReconcileEscrows, RefundUndeliveredEscrow,
    ReleaseEscrowPayment,
};
pub use crate::ledger::jobs::LedgerCheck;
pub use crate::listings::jobs::{AutoApproveIfTimeout, NotifyAdminsNewListing, ReconcileListings};
pub use crate::notifications::jobs::SendNotificationEmail;
pub use crate::payments::jobs::{ExpireDeposits, SendTransactionEmail};
