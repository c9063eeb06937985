//! What was sold, copied into the deal when it was paid: a later edit of the listing changes nothing here. Only the hand-over
//! may say it anew.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::Tx;
use crate::error::Result;
use crate::ids::EscrowId;
use crate::listings::credentials::{self as listing_credentials, SealedCredentials};
use crate::listings::{Credentials, CredentialsChange, Listing, LoginMethod};
use crate::schema::escrow_credentials;
use crate::security::Vault;

#[derive(HasQuery, Insertable, AsChangeset)]
#[diesel(table_name = escrow_credentials, primary_key(escrow_id), treat_none_as_null = true, treat_none_as_default_value = false)]
struct EscrowCredentials {
    escrow_id: EscrowId,
    key_id: String,
    data_key: Vec<u8>,
    login_method: LoginMethod,
    account_email: Vec<u8>,
    account_password: Vec<u8>,
    account_additional_info: Vec<u8>,
    first_revealed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

/// What a seller said at the hand-over, against what was sold.
pub(super) enum Restated {
    /// It is what the buyer gets anyway.
    Same,
    /// It differs in these fields.
    Differs(Vec<&'static str>),
}

/// Opens what the listing holds and seals it again for the deal: a ciphertext opens only in its own row.
pub(super) async fn copy(
    tx: &mut Tx,
    vault: &Vault,
    listing: &Listing,
    escrow_id: EscrowId,
) -> Result<()> {
    let credentials = listing_credentials::open(tx, vault, listing.id).await?;
    let method = listing.login_method;
    let row = EscrowCredentials::seal(vault, escrow_id, (method, &credentials), tx.now())?;
    diesel::insert_into(escrow_credentials::table).values(row).execute(tx.conn()).await?;
    Ok(())
}

/// Compares what the seller says now with what was sold.
pub(super) async fn compare(
    tx: &mut Tx,
    vault: &Vault,
    escrow_id: EscrowId,
    change: &CredentialsChange,
) -> Result<Restated> {
    let (row, credentials) = EscrowCredentials::lock(tx, vault, escrow_id).await?;
    let (_, _, changed) = change.apply(row.login_method, &credentials);
    Ok(if changed.is_empty() { Restated::Same } else { Restated::Differs(changed) })
}

/// Seals what the seller says now in the place of what was sold; nobody has read it yet.
pub(super) async fn replace(
    tx: &mut Tx,
    vault: &Vault,
    escrow_id: EscrowId,
    change: &CredentialsChange,
) -> Result<Restated> {
    let (old, credentials) = EscrowCredentials::lock(tx, vault, escrow_id).await?;
    let (method, credentials, changed) = change.apply(old.login_method, &credentials);
    if changed.is_empty() {
        return Ok(Restated::Same);
    }
    let row = EscrowCredentials::seal(vault, escrow_id, (method, &credentials), tx.now())?;
    let row = EscrowCredentials { first_revealed_at: old.first_revealed_at, ..row };
    diesel::update(escrow_credentials::table.find(escrow_id)).set(row).execute(tx.conn()).await?;
    Ok(Restated::Differs(changed))
}

/// Opens what was sold for its buyer, and notes the first time.
pub(super) async fn open(
    tx: &mut Tx,
    vault: &Vault,
    escrow_id: EscrowId,
) -> Result<(LoginMethod, Credentials)> {
    let (row, credentials) = EscrowCredentials::lock(tx, vault, escrow_id).await?;
    if row.first_revealed_at.is_none() {
        let now = tx.now();
        diesel::update(escrow_credentials::table.find(escrow_id))
            .set((
                escrow_credentials::first_revealed_at.eq(now),
                escrow_credentials::updated_at.eq(now),
            ))
            .execute(tx.conn())
            .await?;
    }
    Ok((row.login_method, credentials))
}

impl EscrowCredentials {
    /// Seals credentials for a deal: a ciphertext opens only in its own row.
    fn seal(
        vault: &Vault,
        escrow_id: EscrowId,
        (login_method, credentials): (LoginMethod, &Credentials),
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let SealedCredentials {
            key_id,
            data_key,
            account_email,
            account_password,
            account_additional_info,
        } = credentials.seal(vault, &row_of(escrow_id))?;
        Ok(Self {
            escrow_id,
            key_id,
            data_key,
            login_method,
            account_email,
            account_password,
            account_additional_info,
            first_revealed_at: None,
            updated_at: now,
        })
    }

    /// Locks and opens the credentials of a deal.
    async fn lock(tx: &mut Tx, vault: &Vault, escrow_id: EscrowId) -> Result<(Self, Credentials)> {
        let row: Self = Self::query()
            .filter(escrow_credentials::escrow_id.eq(escrow_id))
            .for_no_key_update()
            .first(tx.conn())
            .await?;
        let sealed = SealedCredentials {
            key_id: row.key_id.clone(),
            data_key: row.data_key.clone(),
            account_email: row.account_email.clone(),
            account_password: row.account_password.clone(),
            account_additional_info: row.account_additional_info.clone(),
        };
        let credentials = sealed.open(vault, &row_of(escrow_id))?;
        Ok((row, credentials))
    }
}

fn row_of(escrow: EscrowId) -> String {
    format!("escrow:{escrow}")
}
