//! What was sold, copied into the deal when it was paid: a later edit of the listing changes nothing here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::Tx;
use crate::error::Result;
use crate::ids::EscrowId;
use crate::listings::credentials::{self as listing_credentials, SealedCredentials};
use crate::listings::{Credentials, Listing, LoginMethod};
use crate::schema::escrow_credentials;
use crate::security::Vault;

#[derive(HasQuery, Insertable)]
#[diesel(table_name = escrow_credentials, treat_none_as_default_value = false)]
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

/// Opens what the listing holds and seals it again for the deal: a ciphertext opens only in its own row.
pub(super) async fn copy(
    tx: &mut Tx,
    vault: &Vault,
    listing: &Listing,
    escrow_id: EscrowId,
) -> Result<()> {
    let SealedCredentials {
        key_id,
        data_key,
        account_email,
        account_password,
        account_additional_info,
    } = listing_credentials::open(tx, vault, listing.id).await?.seal(vault, &row_of(escrow_id))?;
    let row = EscrowCredentials {
        escrow_id,
        key_id,
        data_key,
        login_method: listing.login_method,
        account_email,
        account_password,
        account_additional_info,
        first_revealed_at: None,
        updated_at: tx.now(),
    };
    diesel::insert_into(escrow_credentials::table).values(row).execute(tx.conn()).await?;
    Ok(())
}

/// Opens what was sold for its buyer, and notes the first time.
pub(super) async fn open(
    tx: &mut Tx,
    vault: &Vault,
    escrow_id: EscrowId,
) -> Result<(LoginMethod, Credentials)> {
    let EscrowCredentials {
        key_id,
        data_key,
        login_method,
        account_email,
        account_password,
        account_additional_info,
        first_revealed_at,
        ..
    } = EscrowCredentials::query()
        .filter(escrow_credentials::escrow_id.eq(escrow_id))
        .for_no_key_update()
        .first(tx.conn())
        .await?;
    let sealed = SealedCredentials {
        key_id,
        data_key,
        account_email,
        account_password,
        account_additional_info,
    };
    let credentials = sealed.open(vault, &row_of(escrow_id))?;
    if first_revealed_at.is_none() {
        let now = tx.now();
        diesel::update(escrow_credentials::table.find(escrow_id))
            .set((
                escrow_credentials::first_revealed_at.eq(now),
                escrow_credentials::updated_at.eq(now),
            ))
            .execute(tx.conn())
            .await?;
    }
    Ok((login_method, credentials))
}

fn row_of(escrow: EscrowId) -> String {
    format!("escrow:{escrow}")
}
