//! The row of a keyed request: claimed before anything else happens, filled before the commit.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel_async::RunQueryDsl;
use sha2::{Digest as _, Sha256};

use super::canonical::canonical;
use crate::error::{Code, Error, Result};
use crate::ids::UserId;
use crate::schema::idempotency_keys as keys;
use crate::security::Vault;
use crate::{Conn, Tx};

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its method.
    pub method: &'a str,
    /// The template of its route, such as `/api/v1/payments/escrow/{id}/dispute`: a key counts within it.
    pub route: &'a str,
    /// Its path: the same key for another deal is another request.
    pub path: &'a str,
    /// Its body as it came.
    pub body: &'a str,
}

/// A request with an `Idempotency-Key`.
#[derive(Clone, Debug)]
pub struct KeyedRequest {
    user: UserId,
    route: String,
    key: String,
    fingerprint: Vec<u8>,
}

impl KeyedRequest {
    /// The request of a person under a key. Its fingerprint is keyed: bodies hold passwords and card numbers, and whoever
    /// reads the table must not be able to try them out.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_INVALID` unless the key is 1 to 255 visible ASCII characters.
    pub fn new(user: UserId, key: &str, target: Target<'_>, vault: &Vault) -> Result<Self> {
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || key.is_empty() || key.len() > 255 {
            return Err(Error::new(Code::IdempotencyKeyInvalid));
        }
        let mut digest = Sha256::new();
        let body = canonical(target.body);
        for part in [target.method, target.path.trim_matches('/'), &body, &user.to_string()] {
            // Lengths keep the parts apart.
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        Ok(Self {
            user,
            route: format!("{} /{}", target.method, target.route.trim_matches('/')),
            key: key.to_owned(),
            fingerprint: vault.fingerprint(&format!("idempotency:{:x}", digest.finalize())),
        })
    }
}

/// An answer as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The HTTP status: a success.
    pub status: u16,
    /// The body: JSON.
    pub body: String,
}

/// What a claim finds.
pub(super) enum Claimed {
    /// The key is this transaction's.
    Now,
    /// The request was answered.
    Answered(Stored),
    /// The request's transaction was committed and its answer is not known: what it made.
    Begun(String),
}

/// Claims the key, or waits until whoever holds it has ended.
pub(super) async fn claim(tx: &mut Tx, request: &KeyedRequest) -> Result<Claimed> {
    let inserted = diesel::insert_into(keys::table)
        .values((
            keys::user_id.eq(request.user),
            keys::route.eq(&request.route),
            keys::key.eq(&request.key),
            keys::fingerprint.eq(&request.fingerprint),
            keys::created_at.eq(tx.now()),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await
        .map_err(still_held)?;
    if inserted == 1 { Ok(Claimed::Now) } else { find(tx, request).await }
}

/// The holder is still at work when the session's lock timeout ends the wait.
fn still_held(error: DieselError) -> Error {
    let error = Error::from(error);
    if error.code() == Code::Busy { Error::new(Code::IdempotencyInProgress) } else { error }
}

async fn find(conn: &mut Conn, request: &KeyedRequest) -> Result<Claimed> {
    type Row = (Vec<u8>, Option<String>, Option<i16>, Option<String>);
    let (fingerprint, made, status, body): Row = keys::table
        .find((request.user, &request.route, &request.key))
        .select((keys::fingerprint, keys::made, keys::status, keys::body))
        .first(conn)
        .await?;
    if fingerprint != request.fingerprint {
        return Err(Error::new(Code::IdempotencyKeyMismatch));
    }
    let status = status.and_then(|status| u16::try_from(status).ok());
    match (status, body, made) {
        (Some(status), Some(body), _) => Ok(Claimed::Answered(Stored { status, body })),
        (None, None, Some(made)) => Ok(Claimed::Begun(made)),
        (_, _, _) => Err(Error::internal("a committed key has neither an answer nor what it made")),
    }
}

/// Keeps the answer.
pub(super) async fn keep_answer(
    conn: &mut Conn,
    request: &KeyedRequest,
    answer: &Stored,
) -> Result<()> {
    let status = i16::try_from(answer.status).map_err(Error::internal)?;
    diesel::update(keys::table.find((request.user, &request.route, &request.key)))
        .filter(keys::status.is_null())
        .set((keys::status.eq(status), keys::body.eq(&answer.body)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps what the transaction made.
pub(super) async fn keep_made(conn: &mut Conn, request: &KeyedRequest, made: &str) -> Result<()> {
    diesel::update(keys::table.find((request.user, &request.route, &request.key)))
        .set(keys::made.eq(made))
        .execute(conn)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::settings::Settings;

    fn request(user: UserId, key: &str, path: &str, body: &str) -> Result<KeyedRequest> {
        let route = "api/v1/payments/escrow/{id}/dispute";
        let settings = Settings::from_vars(HashMap::new()).expect("development defaults");
        let vault = Vault::new(&settings.security).expect("a key");
        KeyedRequest::new(user, key, Target { method: "POST", route, path, body }, &vault)
    }

    #[test]
    fn a_key_is_short_and_visible() {
        let user = UserId::new();
        for good in ["a", "5b8e6f1c-0c57-4f0e-9d0e-2f6c1f1f0d7a", "\"quoted\"", &"x".repeat(255)] {
            assert!(request(user, good, "/a/", "{}").is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "kalit\u{e9}", "a\u{7f}", "a\n", &"x".repeat(256)] {
            let code = request(user, bad, "/a/", "{}").err().map(|error| error.code());
            assert_eq!(code, Some(Code::IdempotencyKeyInvalid), "{bad:?}");
        }
    }

    #[test]
    fn the_fingerprint_is_of_the_person_the_path_and_what_the_body_says() {
        let user = UserId::new();
        let print = |user, path: &str, body: &str| {
            request(user, "k", path, body).expect("a key").fingerprint
        };
        let first = print(user, "/api/v1/a/1/", r#"{"reason":"x","b":1}"#);
        assert_eq!(first, print(user, "/api/v1/a/1", r#"{ "b": 1, "reason": "x" }"#));
        assert_ne!(first, print(user, "/api/v1/a/2/", r#"{"reason":"x","b":1}"#), "another deal");
        assert_ne!(first, print(user, "/api/v1/a/1/", r#"{"reason":"y","b":1}"#), "another body");
        assert_ne!(
            first,
            print(UserId::new(), "/api/v1/a/1/", r#"{"reason":"x","b":1}"#),
            "another person"
        );
    }
}
