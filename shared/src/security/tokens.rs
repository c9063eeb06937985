//! Tokens: access (a signed JWT), refresh (derived from session and generation), and mailed proofs.
//!
//! Nothing secret is stored: a refresh token and a mailed token are an id and its MAC. Expiry is business time, so
//! it is checked against the database's clock where the session is read, not here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::error::{Code, Error, Result};
use crate::ids::{CodeId, EmailTokenId, SessionId, UserId};
use crate::settings::SecuritySettings;

const ISSUER: &str = "wibestore";
const AUDIENCE: &str = "wibestore-api";
/// RFC 9068: an access token says so, and no other token of ours is taken for one.
const ACCESS_TYPE: &str = "at+jwt";
/// Longer than this is not read at all.
const TOKEN_MAX: usize = 4096;
/// How much of a print is kept.
const PRINT_BYTES: usize = 16;

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The person.
    pub sub: UserId,
    /// The session: ended sessions end their tokens.
    pub sid: SessionId,
    /// Issued at, seconds since the epoch.
    pub iat: i64,
    /// Not valid before, seconds since the epoch.
    pub nbf: i64,
    /// Valid until, seconds since the epoch.
    pub exp: i64,
    iss: String,
    aud: String,
    jti: Uuid,
}

/// A refresh token's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session it continues.
    pub session: SessionId,
    /// Which rotation of the session it is, counted from 1.
    pub generation: i32,
}

/// What a one-time code is good for: part of its MAC.
#[derive(Clone, Copy, Debug)]
pub struct CodeBinding<'a> {
    /// Its row.
    pub id: CodeId,
    /// The phone it was sent to.
    pub phone: &'a str,
    /// What it is for.
    pub purpose: &'a str,
}

/// Makes and reads tokens.
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    secret: Vec<u8>,
    access_lifetime: TimeDelta,
}

impl Tokens {
    /// Takes the keys and lifetimes of the settings.
    #[must_use]
    pub fn new(settings: &SecuritySettings) -> Self {
        let secret = settings.jwt_secret.expose().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(secret),
            verifying: DecodingKey::from_secret(secret),
            validation,
            secret: settings.secret_key.expose().as_bytes().to_vec(),
            access_lifetime: TimeDelta::from_std(settings.access_lifetime)
                .unwrap_or(TimeDelta::MAX),
        }
    }

    /// An access token for a session, valid from `now`.
    ///
    /// # Errors
    /// When signing fails.
    pub fn access(&self, user: UserId, session: SessionId, now: DateTime<Utc>) -> Result<String> {
        let header = Header { typ: Some(ACCESS_TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
        let claims = AccessClaims {
            sub: user,
            sid: session,
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + self.access_lifetime).timestamp(),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            jti: Uuid::new_v4(),
        };
        jsonwebtoken::encode(&header, &claims, &self.signing).map_err(Error::internal)
    }

    /// What an access token says, if we signed it as one. Its expiry is the caller's to check.
    ///
    /// # Errors
    /// `TOKEN_INVALID`.
    pub fn read_access(&self, token: &str) -> Result<AccessClaims> {
        if token.len() > TOKEN_MAX {
            return Err(Code::TokenInvalid.into());
        }
        let invalid = |_| Error::new(Code::TokenInvalid);
        let data = jsonwebtoken::decode::<AccessClaims>(token, &self.verifying, &self.validation)
            .map_err(invalid)?;
        if data.header.typ.as_deref() != Some(ACCESS_TYPE) {
            return Err(Code::TokenInvalid.into());
        }
        Ok(data.claims)
    }

    /// The refresh token of a session's generation: always the same text.
    #[must_use]
    pub fn refresh(&self, token: RefreshToken) -> String {
        let mut body = token.session.0.as_bytes().to_vec();
        body.extend_from_slice(&token.generation.to_be_bytes());
        self.seal("refresh", &body)
    }

    /// Reads a refresh token.
    ///
    /// # Errors
    /// `TOKEN_INVALID`.
    pub fn read_refresh(&self, token: &str) -> Result<RefreshToken> {
        let body = self.unseal("refresh", token).ok_or(Code::TokenInvalid)?;
        let (session, generation) = body.split_at_checked(16).ok_or(Code::TokenInvalid)?;
        let session = Uuid::from_slice(session).ok().ok_or(Code::TokenInvalid)?;
        let generation =
            generation.try_into().ok().map(i32::from_be_bytes).ok_or(Code::TokenInvalid)?;
        Ok(RefreshToken { session: SessionId(session), generation })
    }

    /// The text that goes into a mail for a row of `email_tokens`.
    #[must_use]
    pub fn mailed(&self, purpose: &str, id: EmailTokenId) -> String {
        self.seal(purpose, id.0.as_bytes())
    }

    /// The row a mailed text speaks of.
    #[must_use]
    pub fn read_mailed(&self, purpose: &str, token: &str) -> Option<EmailTokenId> {
        let body = self.unseal(purpose, token)?;
        Uuid::from_slice(&body).ok().map(EmailTokenId)
    }

    /// The keyed print of a text, in hexadecimal: equal texts have equal prints, and only who has the key can make one.
    #[must_use]
    pub fn print(&self, purpose: &str, text: &str) -> String {
        let tag = self.mac(purpose, text.as_bytes()).finalize().into_bytes();
        tag.iter().take(PRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The six digits of a row of `one_time_codes`: nobody can tell them from random ones without the secret.
    #[must_use]
    pub fn one_time_code(&self, id: CodeId) -> String {
        let tag = self.mac("one_time_code", id.0.as_bytes()).finalize().into_bytes();
        let number =
            tag.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("{:06}", number % 1_000_000)
    }

    /// The MAC of a code, bound to what it is good for.
    #[must_use]
    pub fn code_mac(&self, binding: CodeBinding<'_>, code: &str) -> Vec<u8> {
        self.bound(binding, code).finalize().into_bytes().to_vec()
    }

    /// Whether a code is the one of a MAC.
    #[must_use]
    pub fn is_code(&self, binding: CodeBinding<'_>, code: &str, mac: &[u8]) -> bool {
        self.bound(binding, code).verify_slice(mac).is_ok()
    }

    fn bound(&self, binding: CodeBinding<'_>, code: &str) -> Hmac<Sha256> {
        let mut body = binding.id.0.as_bytes().to_vec();
        for part in [binding.purpose, binding.phone, code] {
            body.extend_from_slice(part.as_bytes());
            body.push(0);
        }
        self.mac("one_time_code_mac", &body)
    }

    fn mac(&self, purpose: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(body);
        mac
    }

    fn seal(&self, purpose: &str, body: &[u8]) -> String {
        let mut sealed = body.to_vec();
        sealed.extend_from_slice(&self.mac(purpose, body).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn unseal(&self, purpose: &str, token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, tag) = sealed.split_at_checked(sealed.len().checked_sub(32)?)?;
        self.mac(purpose, body).verify_slice(tag).ok()?;
        Some(body.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::settings::Settings;

    fn tokens() -> Tokens {
        Tokens::new(&Settings::from_vars(HashMap::new()).expect("development defaults").security)
    }

    #[test]
    fn a_token_is_read_as_what_it_was_made_for_and_nothing_else() {
        let tokens = tokens();
        let token = RefreshToken { session: SessionId::new(), generation: 7 };
        let text = tokens.refresh(token);
        assert_eq!(tokens.read_refresh(&text).expect("ours"), token);
        assert_eq!(
            text,
            tokens.refresh(token),
            "the successor is derived, so two tabs get the same one"
        );
        assert!(tokens.read_mailed("verify_email", &text).is_none());
        assert!(tokens.read_access(&text).is_err());
        let mailed = tokens.mailed("verify_email", EmailTokenId::new());
        assert!(tokens.read_refresh(&mailed).is_err());
        let access =
            tokens.access(UserId::new(), SessionId::new(), DateTime::UNIX_EPOCH).expect("signs");
        assert!(tokens.read_refresh(&access).is_err());
        assert!(tokens.read_access(&access).is_ok());
    }

    #[test]
    fn a_changed_character_breaks_a_token() {
        let tokens = tokens();
        let text = tokens.refresh(RefreshToken { session: SessionId::new(), generation: 1 });
        for position in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            let byte = bytes.get_mut(position).expect("inside");
            *byte = if *byte == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(bytes).expect("ASCII");
            if forged != text {
                assert!(tokens.read_refresh(&forged).is_err(), "{position}");
            }
        }
    }
}
