//! Postings: how money moves.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Numeric, Text, Uuid as SqlUuid};
use diesel_async::{AnsiTransactionManager, RunQueryDsl, TransactionManager as _};
use serde_json::{Value, json};

use crate::audit::Actor;
use crate::error::Result;
use crate::ids::{EscrowId, UserId};
use crate::statement::statement;
use crate::telemetry::metrics;
use crate::{Money, Outcome, Tx};

/// An account of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// What a person can spend: `users.balance` of the specification.
    Available(UserId),
    /// What a person has promised to a payout.
    WithdrawalHold(UserId),
    /// The money of one deal.
    Escrow(EscrowId),
    /// What a provider owes us (negative), by its code.
    Provider(&'static str),
    /// Our commission.
    Commission,
    /// Paid subscriptions.
    Subscription,
    /// Money we cannot place yet.
    Suspense,
    /// Corrections by staff.
    Adjustment,
}

impl Account {
    /// The account's code in the ledger.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Available(user) => format!("user:{user}:available"),
            Self::WithdrawalHold(user) => format!("user:{user}:withdrawal_hold"),
            Self::Escrow(escrow) => format!("escrow:{escrow}"),
            Self::Provider(code) => format!("provider:{code}:clearing"),
            Self::Commission => "system:commission".to_owned(),
            Self::Subscription => "system:subscription".to_owned(),
            Self::Suspense => "system:suspense".to_owned(),
            Self::Adjustment => "system:adjustment".to_owned(),
        }
    }
}

/// A balanced movement of money under its business key.
#[derive(Clone, Debug)]
pub struct Posting {
    reference: String,
    kind: &'static str,
    actor: Actor,
    legs: Vec<(Account, Money)>,
    meta: Value,
}

impl Posting {
    /// A posting under `reference`, which is unique for ever.
    #[must_use]
    pub fn new(reference: String, kind: &'static str, actor: Actor) -> Self {
        Self { reference, kind, actor, legs: Vec::new(), meta: json!({}) }
    }

    /// Adds a leg: positive credits the account, negative debits it. A leg of nothing is left out.
    #[must_use]
    pub fn leg(mut self, account: Account, amount: Money) -> Self {
        if !amount.is_zero() {
            self.legs.push((account, amount));
        }
        self
    }

    /// The business key.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The legs, for tests and text.
    #[must_use]
    pub fn legs(&self) -> &[(Account, Money)] {
        &self.legs
    }
}

/// Writes a posting. `AlreadyDone` means that its key was posted before, and that nothing happened now.
///
/// # Errors
/// `INSUFFICIENT_FUNDS` when a person's account would fall below zero; `ACCOUNT_FROZEN` when staff froze it;
/// `INTERNAL_ERROR` when the posting is not balanced or names an account that is unknown; `BUSY` when an account is locked for too long.
pub async fn post(tx: &mut Tx, posting: &Posting) -> Result<Outcome> {
    #[derive(QueryableByName)]
    struct Posted {
        #[diesel(sql_type = Nullable<BigInt>)]
        journal: Option<i64>,
    }
    let (codes, amounts): (Vec<String>, Vec<Money>) =
        posting.legs.iter().map(|(account, amount)| (account.code(), *amount)).unzip();
    let mut meta = posting.meta.clone();
    if let (Value::Object(facts), Some(trace)) = (&mut meta, &tx.trace) {
        facts.insert("request_id".to_owned(), trace.as_str().into());
    }
    let posted: Posted = statement("SELECT ledger.post($1, $2, $3, $4, $5, $6) AS journal")
        .bind::<Text, _>(&posting.reference)
        .bind::<Text, _>(posting.kind)
        .bind::<Text, _>(posting.actor.to_string())
        .bind::<Array<Text>, _>(codes)
        .bind::<Array<Numeric>, _>(amounts)
        .bind::<Jsonb, _>(meta)
        .get_result(tx.conn())
        .await?;
    if posted.journal.is_none() {
        return Ok(Outcome::AlreadyDone);
    }
    metrics::LEDGER_POSTINGS.with_label_values(&[posting.kind]).inc();
    let action = format!("money.{}", posting.kind);
    tracing::info!(target: "ledger", action, reference = posting.reference, kind = posting.kind, actor = %posting.actor, "posted");
    Ok(Outcome::Done)
}

/// Writes a posting like [`post`], behind a savepoint: a refusal undoes the posting and leaves the transaction alive,
/// so that the caller can answer it.
///
/// # Errors
/// Those of [`post`].
pub async fn try_post(tx: &mut Tx, posting: &Posting) -> Result<Outcome> {
    AnsiTransactionManager::begin_transaction(tx.conn()).await?;
    match post(tx, posting).await {
        Ok(outcome) => {
            AnsiTransactionManager::commit_transaction(tx.conn()).await?;
            Ok(outcome)
        }
        Err(refusal) => {
            AnsiTransactionManager::rollback_transaction(tx.conn()).await?;
            Err(refusal)
        }
    }
}

/// Opens the account of a person or a deal, or finds it open.
///
/// # Errors
/// The database's; an account of the platform is not opened here.
pub async fn open_account(tx: &mut Tx, account: Account) -> Result<()> {
    let (kind, owner) = match account {
        Account::Available(user) => ("user_available", user.0),
        Account::WithdrawalHold(user) => ("user_withdrawal_hold", user.0),
        Account::Escrow(escrow) => ("escrow", escrow.0),
        Account::Provider(_)
        | Account::Commission
        | Account::Subscription
        | Account::Suspense
        | Account::Adjustment => {
            return Err(crate::Error::internal(format!("{} is the platform's", account.code())));
        }
    };
    statement("SELECT ledger.open_account($1, $2)")
        .bind::<Text, _>(kind)
        .bind::<SqlUuid, _>(owner)
        .execute(tx.conn())
        .await?;
    Ok(())
}
