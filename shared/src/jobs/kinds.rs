//! The kinds of job by name, each declared beside its noun.

pub use super::upkeep::{MaintainPartitions, PruneJobs};
pub use crate::accounts::jobs::{CleanupUnverifiedUsers, SendEmailVerification, SendWelcomeEmail};
pub use crate::escrow::jobs::{
    ExpireUnpaidEscrow, ReceiveSilentEscrow, ReconcileEscrows, RefundUndeliveredEscrow,
    ReleaseEscrowPayment,
};
pub use crate::idempotency::jobs::PruneIdempotencyKeys;
pub use crate::ledger::jobs::{LedgerCheck, LedgerCheckFull};
pub use crate::listings::jobs::{
    ArchiveOldListings, AutoApproveIfTimeout, NotifyAdminsNewListing, ReconcileListings,
    UpdateSearchIndex,
};
pub use crate::notifications::jobs::SendNotificationEmail;
pub use crate::payments::jobs::{ExpireDeposits, SendTransactionEmail};
pub use crate::statistics::jobs::CalculateDailyStatistics;
