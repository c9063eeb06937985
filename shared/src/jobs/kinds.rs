//! The kinds of job by name, each declared beside its noun.

pub use super::upkeep::{MaintainPartitions, PruneJobs};
pub use crate::accounts::jobs::{
    CleanupUnverifiedUsers, EraseClosedAccounts, PruneSignInRecords, SendAccountNotice,
    SendEmailChangeProof, SendEmailVerification, SendPasswordResetEmail, SendSecurityEmail,
    SendSmsCode, SendWelcomeEmail,
};
pub use crate::escrow::jobs::{
    CountSettledDeal, ExpireUnpaidEscrow, HonourCancelWish, ReceiveSilentEscrow, ReconcileEscrows,
    RefundUndeliveredEscrow, ReleaseEscrowPayment,
};
pub use crate::idempotency::jobs::PruneIdempotencyKeys;
pub use crate::ledger::jobs::{LedgerCheck, LedgerCheckFull};
pub use crate::listings::jobs::{
    ArchiveOldListings, AutoApproveIfTimeout, NotifyAdminsNewListing, ReconcileListings,
    UpdateSearchIndex,
};
pub use crate::notifications::jobs::SendNotificationEmail;
pub use crate::payments::jobs::{
    CompareClickReport, CompareMulticardReport, CompareProviderReports, ExpireDeposits,
    ProcessClickPayment, ProcessDeposit, ReconcilePayments, ReturnCardPayment, ReverseClickPayment,
    SendTransactionEmail,
};
pub use crate::statistics::jobs::CalculateDailyStatistics;
pub use crate::subscriptions::jobs::{
    AutoRenewSubscription, CheckSubscriptionExpirations, SendSubscriptionExpiringSoon,
};
pub use crate::uploads::jobs::{RemoveUpload, SweepUploads};
pub use crate::withdrawals::jobs::{ProcessWithdrawal, WipeCardNumbers};
