//! The first member of staff, made by an operator.

use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore as _;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::fields::canonical_email;
use super::model::User;
use super::register::{Registration, insert};
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::UserId;
use crate::schema::users;
use crate::{Conn, Tx};

/// What passwords are made of: no two characters that look alike, and a power of two of them, so none is likelier.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a made password: 120 bits.
const LENGTH: usize = 24;

/// Who has an address already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The person.
    pub id: UserId,
    /// Whether they may do everything.
    pub is_superuser: bool,
}

/// Finds a person by their address, in any spelling.
///
/// # Errors
/// The database's.
pub async fn find_known(conn: &mut Conn, email: &str) -> Result<Option<Known>> {
    let theirs = users::email.eq(canonical_email(email)).and(users::deleted_at.is_null());
    let found: Option<(UserId, bool)> = users::table
        .filter(theirs)
        .select((users::id, users::is_superuser))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(id, is_superuser)| Known { id, is_superuser }))
}

/// Registers a person who may do everything. Their address and their number count as proved: an operator vouches for them.
///
/// # Errors
/// `ALREADY_EXISTS` when the e-mail, the username or the phone number is taken.
pub async fn create_superuser(tx: &mut Tx, by: Actor, registration: Registration) -> Result<User> {
    let mut user = registration.into_user(tx.now());
    user.is_staff = true;
    user.is_superuser = true;
    user.note_email_proof(tx.now());
    user.phone_verified_at = user.phone_number.is_some().then_some(tx.now());
    insert(tx, &user).await?;
    let object = ("user", user.id.to_string());
    audit::record(tx, by, "user.superuser_created", object, json!({})).await?;
    tracing::info!(target: "accounts", user = %user.id, %by, "superuser created");
    Ok(user)
}

/// A password nobody guesses, for somebody who will not make one up: letters and digits in groups of six.
#[must_use]
pub fn random_password() -> String {
    loop {
        let mut bytes = [0_u8; LENGTH];
        OsRng.fill_bytes(&mut bytes);
        let mut password = String::new();
        for (place, byte) in bytes.into_iter().enumerate() {
            if place > 0 && place % 6 == 0 {
                password.push('-');
            }
            let letter = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
            password.push(char::from(letter));
        }
        // Both kinds, as the policy wants it.
        let has = |kind: fn(&u8) -> bool| password.as_bytes().iter().any(kind);
        if has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) {
            return password;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_made_password_is_good_enough_and_never_the_same() {
        let made: BTreeSet<String> = (0..200).map(|_| random_password()).collect();
        assert_eq!(made.len(), 200);
        for password in &made {
            assert_eq!(password.len(), LENGTH + 3, "{password}");
            let has = |kind: fn(&char) -> bool| password.chars().any(|letter| kind(&letter));
            assert!(has(char::is_ascii_digit) && has(char::is_ascii_alphabetic), "{password}");
        }
        let letters: BTreeSet<u8> = made.iter().flat_map(|text| text.bytes()).collect();
        assert_eq!(letters.len(), ALPHABET.len() + 1, "every letter comes up, and the dash");
    }
}
