//! Tokens: access (a signed JWT), refresh (derived from session and generation), and mailed proofs.
//!
//! Nothing secret is stored: a refresh token and a mailed token are an id and its MAC. Expiry is business time, so
//! it is checked against the database's clock where the session is read, not here.
//!
//! Each key may have a previous one beside it, which is only read with: keys change without signing anybody out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::{Code, Error, Result};
use crate::ids::{CodeId, EmailTokenId, SessionId, UserId};
use crate::settings::{Secret, SecuritySettings};

const ISSUER: &str = "wibestore";
const AUDIENCE: &str = "wibestore-api";
/// RFC 9068: an access token says so, and no other token of ours is taken for one.
const ACCESS_TYPE: &str = "at+jwt";
/// Longer than this is not read at all.
const TOKEN_MAX: usize = 4096;
/// What the header of an access token may say. Whatever else stands there (`jku`, `jwk`, `x5u`, `crit`, …) is refused,
/// not ignored.
const HEADER_FIELDS: [&str; 3] = ["alg", "kid", "typ"];
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

/// A key that signs access tokens, under the name that their headers call it by.
struct SigningKey {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKey {
    /// The name is a print of the key, so that no setting has to be kept in step with it.
    fn new(secret: &Secret) -> Self {
        let secret = secret.expose().as_bytes();
        let print = Sha256::new().chain_update(b"kid\0").chain_update(secret).finalize();
        let id = print.iter().take(6).copied().collect::<Vec<u8>>();
        Self {
            id: URL_SAFE_NO_PAD.encode(id),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }
}

/// Makes and reads tokens.
pub struct Tokens {
    signing: SigningKey,
    previous_signing: Option<SigningKey>,
    validation: Validation,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    access_lifetime: TimeDelta,
}

impl Tokens {
    /// Takes the keys and lifetimes of the settings.
    #[must_use]
    pub fn new(settings: &SecuritySettings) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        let bytes = |secret: &Secret| secret.expose().as_bytes().to_vec();
        Self {
            signing: SigningKey::new(&settings.jwt_secret),
            previous_signing: settings.jwt_secret_previous.as_ref().map(SigningKey::new),
            validation,
            secret: bytes(&settings.secret_key),
            previous_secret: settings.secret_key_previous.as_ref().map(bytes),
            access_lifetime: TimeDelta::from_std(settings.access_lifetime)
                .unwrap_or(TimeDelta::MAX),
        }
    }

    /// An access token for a session, valid from `now`.
    ///
    /// # Errors
    /// When signing fails.
    pub fn access(&self, user: UserId, session: SessionId, now: DateTime<Utc>) -> Result<String> {
        let header = Header {
            typ: Some(ACCESS_TYPE.to_owned()),
            kid: Some(self.signing.id.clone()),
            ..Header::new(Algorithm::HS256)
        };
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
        jsonwebtoken::encode(&header, &claims, &self.signing.encoding).map_err(Error::internal)
    }

    /// What an access token says, if we signed it as one. Its expiry is the caller's to check.
    ///
    /// # Errors
    /// `TOKEN_INVALID`.
    pub fn read_access(&self, token: &str) -> Result<AccessClaims> {
        if token.len() > TOKEN_MAX {
            return Err(Code::TokenInvalid.into());
        }
        let key = self.key_of(token).ok_or(Code::TokenInvalid)?;
        let data = jsonwebtoken::decode::<AccessClaims>(token, &key.decoding, &self.validation);
        data.ok().map(|data| data.claims).ok_or_else(|| Error::new(Code::TokenInvalid))
    }

    /// The key that a token names, if its header is one of ours: the algorithm, the type, one of our keys, and nothing
    /// besides.
    fn key_of(&self, token: &str) -> Option<&SigningKey> {
        let (header, _) = token.split_once('.')?;
        let header = URL_SAFE_NO_PAD.decode(header).ok()?;
        let header: Map<String, Value> = serde_json::from_slice(&header).ok()?;
        let says = |name: &str| header.get(name).and_then(Value::as_str);
        let ours = header.keys().all(|name| HEADER_FIELDS.contains(&name.as_str()))
            && says("alg") == Some("HS256")
            && says("typ") == Some(ACCESS_TYPE);
        let id = says("kid").filter(|_| ours)?;
        let keys = std::iter::once(&self.signing).chain(&self.previous_signing);
        keys.into_iter().find(|key| key.id == id)
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
        let tag = Self::mac(&self.secret, purpose, text.as_bytes()).finalize().into_bytes();
        tag.iter().take(PRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The six digits of a row of `one_time_codes`: nobody can tell them from random ones without the secret.
    #[must_use]
    pub fn one_time_code(&self, id: CodeId) -> String {
        let tag = Self::mac(&self.secret, "one_time_code", id.0.as_bytes()).finalize().into_bytes();
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
        Self::mac(&self.secret, "one_time_code_mac", &body)
    }

    fn mac(secret: &[u8], purpose: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(body);
        mac
    }

    fn seal(&self, purpose: &str, body: &[u8]) -> String {
        let mut sealed = body.to_vec();
        sealed.extend_from_slice(&Self::mac(&self.secret, purpose, body).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn unseal(&self, purpose: &str, token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, tag) = sealed.split_at_checked(sealed.len().checked_sub(32)?)?;
        let mut secrets = std::iter::once(&self.secret).chain(&self.previous_secret);
        let sealed = |secret: &Vec<u8>| Self::mac(secret, purpose, body).verify_slice(tag).is_ok();
        secrets.any(sealed).then(|| body.to_vec())
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

    /// The tokens of a process with these keys, each with the one before it.
    fn keyed(jwt: [&str; 2], secret: [&str; 2]) -> Tokens {
        let vars = [
            ("JWT_SECRET_KEY", jwt[0]),
            ("JWT_SECRET_KEY_PREVIOUS", jwt[1]),
            ("SECRET_KEY", secret[0]),
            ("SECRET_KEY_PREVIOUS", secret[1]),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Tokens::new(&Settings::from_vars(HashMap::from(vars)).expect("keys").security)
    }

    #[test]
    fn keys_change_without_signing_anybody_out_and_an_old_key_ends() {
        let (old, both) = (keyed(["a", ""], ["x", ""]), keyed(["b", "a"], ["y", "x"]));
        let new = keyed(["b", ""], ["y", ""]);
        let token = RefreshToken { session: SessionId::new(), generation: 1 };
        let id = EmailTokenId::new();
        let access = |tokens: &Tokens| {
            tokens.access(UserId::new(), token.session, DateTime::UNIX_EPOCH).expect("signs")
        };
        assert!(both.read_access(&access(&old)).is_ok());
        assert!(new.read_access(&access(&old)).is_err());
        assert!(new.read_access(&access(&both)).is_ok(), "the new key signs from now on");
        assert!(both.read_refresh(&old.refresh(token)).is_ok());
        assert!(new.read_refresh(&old.refresh(token)).is_err());
        assert_eq!(new.refresh(token), both.refresh(token));
        assert_eq!(both.read_mailed("reset_password", &old.mailed("reset_password", id)), Some(id));
        assert_eq!(new.read_mailed("reset_password", &old.mailed("reset_password", id)), None);
    }

    #[test]
    fn a_header_says_what_ours_say_and_nothing_else() {
        let tokens = tokens();
        let good = tokens.access(UserId::new(), SessionId::new(), DateTime::UNIX_EPOCH);
        let good = good.expect("signs");
        let kid = tokens.signing.id.as_str();
        for (header, known) in [
            (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#), true),
            (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}","crit":["exp"]}}"#), false),
            (format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}","jku":"//x"}}"#), false),
            (format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#), false),
            (format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#), false),
            (format!(r#"{{"alg":"HS512","typ":"at+jwt","kid":"{kid}"}}"#), false),
            (r#"{"alg":"HS256","typ":"at+jwt","kid":"other"}"#.to_owned(), false),
            (r#"{"alg":"HS256","typ":"at+jwt"}"#.to_owned(), false),
        ] {
            let claims = good.split_once('.').expect("a JWT").1;
            let token = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(&header));
            assert_eq!(tokens.key_of(&token).is_some(), known, "{header}");
        }
        assert!(tokens.read_access(&format!("{good}{}", "A".repeat(TOKEN_MAX))).is_err());
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
