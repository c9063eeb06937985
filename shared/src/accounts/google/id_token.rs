//! ID tokens: signed by Google, meant for us (RFC 8725, and §3.1.3.7 of the core of `OpenID` Connect).

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::client::Google;
use super::identity::{Identity, Person, Window, refused};
use crate::error::Result;

/// Longer than this is not read at all; Google's have about 1,200 characters.
const TOKEN_MAX: usize = 4096;
/// Google writes both.
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    azp: Option<String>,
    iat: i64,
    nbf: Option<i64>,
    exp: i64,
    nonce: Option<String>,
    sub: String,
    email: Option<String>,
    email_verified: Option<Value>,
    name: Option<String>,
    picture: Option<String>,
}

/// Whom an ID token speaks of. Its time is judged later, in the transaction that uses it: only PostgreSQL's clock decides.
///
/// # Errors
/// `TOKEN_INVALID`; `SERVICE_UNAVAILABLE` when the key is not known and Google cannot be asked for it.
pub(super) async fn read(google: &Google, token: &str, nonce: Option<&str>) -> Result<Identity> {
    let kid = key_id(token)?;
    let key = google.key(&kid).await?.ok_or_else(|| refused("its key is not Google's"))?;
    let claims = claims(token, &key)?;
    claims.judge(google, nonce)?;
    let from = claims.iat.max(claims.nbf.unwrap_or(i64::MIN));
    let window = Window { from, until: claims.exp };
    let Claims { sub, email, email_verified, name, picture, .. } = claims;
    Person { sub, email, email_verified, name, picture }.into_identity(Some(window))
}

/// The name of the key, if the header is one that Google would write. What it says about where keys are is not heard.
fn key_id(token: &str) -> Result<String> {
    if token.len() > TOKEN_MAX {
        return Err(refused("it is too long"));
    }
    let header = jsonwebtoken::decode_header(token).ok();
    let header = header.ok_or_else(|| refused("it is no JWT that is signed"))?;
    if header.alg != Algorithm::RS256 {
        return Err(refused("its algorithm is not RS256"));
    }
    if is_odd(&header) {
        return Err(refused("its header asks for more than a signature"));
    }
    header.kid.ok_or_else(|| refused("it does not name its key"))
}

fn is_odd(header: &Header) -> bool {
    header.typ.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT"))
        || header.crit.is_some()
        || header.jku.is_some()
        || header.jwk.is_some()
        || header.x5u.is_some()
        || header.x5c.is_some()
        || header.enc.is_some()
        || header.zip.is_some()
        || header.extras.inner().contains_key("b64")
}

/// The claims, if the key has signed them.
fn claims(token: &str, key: &DecodingKey) -> Result<Claims> {
    let mut validation = Validation::new(Algorithm::RS256);
    // What the library would check, and more, is checked below: it knows neither our clock nor `azp`.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let data = jsonwebtoken::decode::<Claims>(token, key, &validation).ok();
    data.map(|data| data.claims).ok_or_else(|| refused("its signature or its claims are wrong"))
}

impl Claims {
    fn judge(&self, google: &Google, nonce: Option<&str>) -> Result<()> {
        if !ISSUERS.contains(&self.iss.as_str()) {
            return Err(refused("its issuer is not Google"));
        }
        if !google.is_us(&self.aud) {
            return Err(refused("it is meant for somebody else"));
        }
        if self.azp.as_deref().is_some_and(|presenter| !google.is_us(presenter)) {
            return Err(refused("it was given to somebody else"));
        }
        // Without one sent, a token that has one was made for another page: whoever replays it leaves the nonce out.
        if self.nonce.as_deref() != nonce {
            return Err(refused("its nonce is another"));
        }
        Ok(())
    }
}
