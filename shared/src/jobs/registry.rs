//! ★ Screen 2: every kind of job. A kind that is not here does not run, and start-up says so.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{BatchJob, ExternalJob, Job, JobKind, Limits, PlainJob, Queue, Runner, kinds, runner};

/// Every kind, grouped by queue. [`AWAITED`] names the ones that are still to come.
///
/// # Panics
/// When two kinds share a name: a mistake that must not start.
#[must_use]
pub fn registry() -> Registry {
    Registry::default()
        // money
        .effect::<kinds::ReleaseEscrowPayment>()
        .effect::<kinds::ReceiveSilentEscrow>()
        .effect::<kinds::RefundUndeliveredEscrow>()
        .effect::<kinds::ExpireUnpaidEscrow>()
        .effect::<kinds::HonourCancelWish>()
        .effect::<kinds::ReconcileEscrows>()
        .effect::<kinds::ExpireDeposits>()
        .effect::<kinds::AutoRenewSubscription>()
        .effect::<kinds::CheckSubscriptionExpirations>()
        .external::<kinds::ProcessDeposit>()
        .external::<kinds::ReturnCardPayment>()
        .external::<kinds::ProcessClickPayment>()
        .external::<kinds::ReverseClickPayment>()
        .external::<kinds::ProcessWithdrawal>()
        .effect::<kinds::ReconcilePayments>()
        // default
        .effect::<kinds::AutoApproveIfTimeout>()
        .external::<kinds::SendSmsCode>()
        .effect::<kinds::CountSettledDeal>()
        .effect::<kinds::ReconcileListings>()
        // bulk
        .external::<kinds::LedgerCheck>()
        .external::<kinds::LedgerCheckFull>()
        .effect::<kinds::CompareProviderReports>()
        .external::<kinds::CompareClickReport>()
        .external::<kinds::CompareMulticardReport>()
        .batch::<kinds::UpdateSearchIndex>()
        .batch::<kinds::CalculateDailyStatistics>()
        .batch::<kinds::ArchiveOldListings>()
        .batch::<kinds::CleanupUnverifiedUsers>()
        .batch::<kinds::EraseClosedAccounts>()
        .effect::<kinds::SweepUploads>()
        .external::<kinds::RemoveUpload>()
        .effect::<kinds::WipeCardNumbers>()
        .batch::<kinds::PruneJobs>()
        .batch::<kinds::PruneIdempotencyKeys>()
        .batch::<kinds::PruneSignInRecords>()
        .effect::<kinds::MaintainPartitions>()
        // mail
        .external::<kinds::SendEmailVerification>()
        .external::<kinds::SendPasswordResetEmail>()
        .external::<kinds::SendSecurityEmail>()
        .external::<kinds::SendWelcomeEmail>()
        .external::<kinds::SendEmailChangeProof>()
        .external::<kinds::SendAccountNotice>()
        .external::<kinds::SendNotificationEmail>()
        .external::<kinds::SendTransactionEmail>()
        .external::<kinds::SendSubscriptionExpiringSoon>()
        .effect::<kinds::NotifyAdminsNewListing>()
}

/// The kinds of the specification that are not here yet, each with the domain it comes with: nothing calls for it before.
/// A test compares this and the registry with the specification's list.
pub const AWAITED: &[(&str, &str)] =
    &[("cleanup_old_notifications", "notifications inside the platform")];

/// The kinds by name.
#[derive(Default)]
pub struct Registry {
    entries: BTreeMap<&'static str, Entry>,
}

/// One kind: what the executor needs to run a row of it.
pub struct Entry {
    /// Its name.
    pub kind: &'static str,
    /// Where it waits.
    pub queue: Queue,
    /// The version of the arguments that are recorded today.
    pub version: i16,
    /// How long and how often it may try.
    pub limits: Limits,
    /// Arguments that operators do not see.
    pub masked: &'static [&'static str],
    /// How it runs.
    pub runner: Runner,
    /// Whether recorded arguments of a version can be run today, and what is wrong with them when not.
    pub readable: fn(Value, i16) -> Result<(), String>,
}

impl Registry {
    /// Adds a kind whose effect is in our database.
    #[must_use]
    pub fn effect<J: Job>(self) -> Self {
        self.add::<J>(Runner::effect::<J>())
    }

    /// Adds a kind whose effect is outside.
    #[must_use]
    pub fn external<J: ExternalJob>(self) -> Self {
        self.add::<J>(Runner::external::<J>())
    }

    /// Adds a kind that runs in no transaction.
    #[must_use]
    pub fn plain<J: PlainJob>(self) -> Self {
        self.add::<J>(Runner::plain::<J>())
    }

    /// Adds a kind that works in batches.
    #[must_use]
    pub fn batch<J: BatchJob>(self) -> Self {
        self.add::<J>(Runner::batch::<J>())
    }

    fn add<J: JobKind>(mut self, runner: Runner) -> Self {
        let entry = Entry {
            kind: J::KIND,
            queue: J::QUEUE,
            version: J::VERSION,
            limits: J::LIMITS,
            masked: J::MASKED,
            runner,
            readable: runner::readable::<J>,
        };
        assert!(
            J::LIMITS.timeout <= J::QUEUE.timeout(),
            "{} may run longer than its queue allows",
            J::KIND
        );
        assert!(self.entries.insert(J::KIND, entry).is_none(), "two kinds are called {}", J::KIND);
        self
    }

    /// The kind of this name.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&Entry> {
        self.entries.get(kind)
    }

    /// Every kind, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The names of the kinds.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.entries.keys().copied().collect()
    }
}
