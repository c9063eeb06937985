//! What is really sold: how to sign in. Plain only on the way in and on the way to the buyer.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::LoginMethod;
use crate::error::{Error, Result};
use crate::ids::ListingId;
use crate::schema::listing_credentials;
use crate::security::Vault;
use crate::{Conn, Tx};

/// The fields of a row, as their ciphertexts are bound.
const FIELDS: [&str; 3] = ["account_email", "account_password", "account_additional_info"];

/// The credentials of a game account. No `Debug`: they must never reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The address, phone number or name one signs in with.
    pub account_email: Zeroizing<String>,
    /// The password.
    pub account_password: Zeroizing<String>,
    /// Whatever else the buyer needs, as the seller sent it.
    pub account_additional_info: Value,
    /// What the seller called the login method, when it is finer than what is stored (`google`).
    pub login_name: Option<String>,
}

/// Credentials as a seller sends them.
pub type NewCredentials = Credentials;

/// The third sealed field: the seller's notes, and the network behind a social login.
#[derive(Serialize, Deserialize)]
struct Notes {
    info: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login_name: Option<String>,
}

/// Credentials as they are stored: bound to the row they were sealed for.
pub(crate) struct SealedCredentials {
    pub(crate) key_id: String,
    pub(crate) data_key: Vec<u8>,
    pub(crate) account_email: Vec<u8>,
    pub(crate) account_password: Vec<u8>,
    pub(crate) account_additional_info: Vec<u8>,
}

impl Credentials {
    /// How one signs in, as the buyer is told.
    #[must_use]
    pub fn login_method(&self, stored: LoginMethod) -> &str {
        self.login_name.as_deref().unwrap_or(stored.as_str())
    }

    /// Seals them for one row, such as `listing:<id>` or `escrow:<id>`.
    pub(crate) fn seal(&self, vault: &Vault, row: &str) -> Result<SealedCredentials> {
        let notes = Notes {
            info: self.account_additional_info.clone(),
            login_name: self.login_name.clone(),
        };
        let notes = Zeroizing::new(serde_json::to_string(&notes).map_err(Error::internal)?);
        let [email, password, info] = FIELDS;
        let plain = [
            (email, self.account_email.as_str()),
            (password, self.account_password.as_str()),
            (info, notes.as_str()),
        ];
        let sealed = vault.seal(row, &plain)?;
        let fields: Option<[Vec<u8>; 3]> = sealed.fields.try_into().ok();
        let [account_email, account_password, account_additional_info] =
            fields.ok_or_else(|| Error::internal("the vault returns a field for a field"))?;
        Ok(SealedCredentials {
            key_id: sealed.key_id,
            data_key: sealed.data_key,
            account_email,
            account_password,
            account_additional_info,
        })
    }
}

impl SealedCredentials {
    /// Opens them; they open only for the row they were sealed for.
    pub(crate) fn open(&self, vault: &Vault, row: &str) -> Result<Credentials> {
        let [email, password, info] = FIELDS;
        let fields = [
            (email, self.account_email.as_slice()),
            (password, self.account_password.as_slice()),
            (info, self.account_additional_info.as_slice()),
        ];
        let opened: Option<[Zeroizing<String>; 3]> =
            vault.open(row, &self.key_id, &self.data_key, &fields)?.try_into().ok();
        let [account_email, account_password, notes] =
            opened.ok_or_else(|| Error::internal("the vault returns a field for a field"))?;
        let notes: Notes = serde_json::from_str(&notes)
            .map_err(|_broken| Error::internal(format!("the notes of {row} are not JSON")))?;
        Ok(Credentials {
            account_email,
            account_password,
            account_additional_info: notes.info,
            login_name: notes.login_name,
        })
    }
}

#[derive(HasQuery, Insertable)]
#[diesel(table_name = listing_credentials, treat_none_as_default_value = false)]
struct ListingCredentials {
    listing_id: ListingId,
    key_id: String,
    data_key: Vec<u8>,
    account_email: Vec<u8>,
    account_password: Vec<u8>,
    account_additional_info: Vec<u8>,
    updated_at: DateTime<Utc>,
}

/// Seals and stores the credentials of a new listing.
pub(super) async fn store(
    tx: &mut Tx,
    vault: &Vault,
    listing_id: ListingId,
    credentials: &Credentials,
) -> Result<()> {
    let SealedCredentials {
        key_id,
        data_key,
        account_email,
        account_password,
        account_additional_info,
    } = credentials.seal(vault, &row_of(listing_id))?;
    let updated_at = tx.now();
    let row = ListingCredentials {
        listing_id,
        key_id,
        data_key,
        account_email,
        account_password,
        account_additional_info,
        updated_at,
    };
    diesel::insert_into(listing_credentials::table).values(row).execute(tx.conn()).await?;
    Ok(())
}

/// Reads and opens the credentials of a listing.
pub(crate) async fn open(
    conn: &mut Conn,
    vault: &Vault,
    listing_id: ListingId,
) -> Result<Credentials> {
    let ListingCredentials {
        key_id,
        data_key,
        account_email,
        account_password,
        account_additional_info,
        ..
    } = ListingCredentials::query()
        .filter(listing_credentials::listing_id.eq(listing_id))
        .first(conn)
        .await?;
    SealedCredentials { key_id, data_key, account_email, account_password, account_additional_info }
        .open(vault, &row_of(listing_id))
}

fn row_of(listing: ListingId) -> String {
    format!("listing:{listing}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::settings::Settings;

    fn vault() -> Vault {
        Vault::new(&Settings::from_vars(HashMap::new()).expect("development defaults").security)
            .expect("a key")
    }

    fn sample() -> Credentials {
        Credentials {
            account_email: Zeroizing::new("gamer@gmail.com".to_owned()),
            account_password: Zeroizing::new("p4ssw0rd!".to_owned()),
            account_additional_info: json!({ "note": "кириллица" }),
            login_name: Some("google".to_owned()),
        }
    }

    #[test]
    fn credentials_open_as_they_were_and_only_in_their_row() {
        let (vault, plain) = (vault(), sample());
        let sealed = plain.seal(&vault, "listing:1").expect("seals");
        assert!(sealed.open(&vault, "listing:1").expect("opens") == plain);
        assert!(sealed.open(&vault, "escrow:1").is_err(), "another row");
        for bytes in
            [&sealed.account_email, &sealed.account_password, &sealed.account_additional_info]
        {
            for secret in [b"gamer".as_slice(), b"p4ss", b"note", b"google"] {
                assert!(!bytes.windows(secret.len()).any(|window| window == secret));
            }
        }
    }

    #[test]
    fn a_buyer_reads_the_sellers_name_of_the_login_method() {
        assert_eq!(sample().login_method(LoginMethod::Social), "google");
        assert_eq!(
            Credentials { login_name: None, ..sample() }.login_method(LoginMethod::Phone),
            "phone"
        );
    }
}
