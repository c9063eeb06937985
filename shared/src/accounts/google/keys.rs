//! Google's public keys: kept for as long as Google says, read anew by one caller for all, and used on while Google is
//! away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;

use super::client::Google;
use crate::error::{Error, Result};

/// However Google names it, a key is not used longer than this after it was read.
const KEEP_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Keys whose answer does not say how long they are fresh.
const FRESH_DEFAULT: Duration = Duration::from_secs(3_600);
/// Between two attempts while Google does not answer.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// 2,048 bits (RFC 7518 §3.3).
const MODULUS_MIN: usize = 256;

/// The keys of one process.
pub(super) struct Keys {
    set: Mutex<Option<Arc<KeySet>>>,
    /// Held by the one who reads them anew.
    last: AsyncMutex<Option<Attempt>>,
    refetch_after: Duration,
}

/// Keys that were read together.
struct KeySet {
    keys: HashMap<String, Arc<DecodingKey>>,
    read_at: Instant,
    fresh_for: Duration,
}

/// How the last reading ended.
#[derive(Clone, Copy)]
struct Attempt {
    ended: Instant,
    worked: bool,
}

/// What is known of a key.
enum Found {
    /// It is Google's.
    Fresh(Arc<DecodingKey>),
    /// It was Google's when we last looked.
    Stale(Arc<DecodingKey>),
    /// Nothing that may be used.
    Nothing,
}

/// A key as Google publishes it. Others than RSA may stand beside it.
#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    n: String,
    e: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl Google {
    /// Google's key of this name, or nothing when Google has none. A key that is past its time is read anew, and used as
    /// it is when Google does not answer, or while somebody else asks.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when the key is not known and Google cannot be asked.
    pub(super) async fn key(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>> {
        let asked = Instant::now();
        match self.keys.find(kid, asked) {
            Found::Fresh(key) => return Ok(Some(key)),
            Found::Stale(key) => {
                let Ok(mut last) = self.keys.last.try_lock() else { return Ok(Some(key)) };
                if self.renew(&mut last, asked).await.is_err() {
                    return Ok(Some(key));
                }
            }
            Found::Nothing => {
                let mut last = self.keys.last.lock().await;
                self.renew(&mut last, asked).await?;
            }
        }
        Ok(match self.keys.find(kid, Instant::now()) {
            Found::Fresh(key) | Found::Stale(key) => Some(key),
            Found::Nothing => None,
        })
    }

    /// Reads the keys anew, unless that was done since somebody asked, or a moment before.
    async fn renew(&self, last: &mut Option<Attempt>, asked: Instant) -> Result<()> {
        let known = last.filter(|attempt| attempt.answers(asked, self.keys.refetch_after));
        if let Some(attempt) = known {
            let away = || Error::unavailable("Google's keys could not be read a moment ago");
            return if attempt.worked { Ok(()) } else { Err(away()) };
        }
        let read = self.read_keys().await;
        *last = Some(Attempt { ended: Instant::now(), worked: read.is_ok() });
        self.keys.keep(read?);
        Ok(())
    }

    async fn read_keys(&self) -> Result<KeySet> {
        let read_at = Instant::now();
        let answer = self.ask("keys", self.http.get(&self.settings.jwks_url)).await?;
        let keys = usable(answer.read("keys")?);
        if keys.is_empty() {
            return Err(Error::unavailable("Google's keys: none can be used"));
        }
        let fresh_for = fresh_for(&answer.headers).clamp(self.keys.refetch_after, KEEP_MAX);
        Ok(KeySet { keys, read_at, fresh_for })
    }
}

impl Keys {
    pub(super) fn new(refetch_after: Duration) -> Self {
        Self {
            set: Mutex::new(None),
            last: AsyncMutex::new(None),
            refetch_after: refetch_after.min(KEEP_MAX),
        }
    }

    fn find(&self, kid: &str, now: Instant) -> Found {
        let set = self.set.lock().unwrap_or_else(PoisonError::into_inner).clone();
        set.map_or(Found::Nothing, |set| set.find(kid, now))
    }

    fn keep(&self, set: KeySet) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(set));
    }
}

impl KeySet {
    fn find(&self, kid: &str, now: Instant) -> Found {
        let age = now.saturating_duration_since(self.read_at);
        match self.keys.get(kid).map(Arc::clone) {
            Some(key) if age < self.fresh_for => Found::Fresh(key),
            Some(key) if age < KEEP_MAX => Found::Stale(key),
            Some(_) | None => Found::Nothing,
        }
    }
}

impl Attempt {
    /// Whether it tells what a new one would.
    fn answers(self, asked: Instant, refetch_after: Duration) -> bool {
        let pause = if self.worked { refetch_after } else { refetch_after.min(PAUSE_MAX) };
        self.ended >= asked || asked.saturating_duration_since(self.ended) < pause
    }
}

/// The keys that ID tokens may be signed with.
fn usable(published: Published) -> HashMap<String, Arc<DecodingKey>> {
    let keys = published.keys.into_iter();
    keys.filter_map(|key| serde_json::from_value(key).ok().and_then(Jwk::into_key)).collect()
}

impl Jwk {
    fn into_key(self) -> Option<(String, Arc<DecodingKey>)> {
        let signs = self.kty == "RSA"
            && self.alg.is_none_or(|algorithm| algorithm == "RS256")
            && self.purpose.is_none_or(|purpose| purpose == "sig")
            && !self.kid.is_empty();
        let modulus = URL_SAFE_NO_PAD.decode(self.n).ok()?;
        let exponent = URL_SAFE_NO_PAD.decode(self.e).ok()?;
        let length = modulus.iter().skip_while(|byte| **byte == 0).count();
        let strong = length >= MODULUS_MIN && !exponent.is_empty();
        let key = || Arc::new(DecodingKey::from_rsa_raw_components(&modulus, &exponent));
        (signs && strong).then(|| (self.kid, key()))
    }
}

/// How long an answer is fresh: `max-age`, less the time it spent in caches on its way.
fn fresh_for(headers: &HeaderMap) -> Duration {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let control = text(CACHE_CONTROL).unwrap_or_default();
    let directives = || control.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    if directives().any(|directive| directive == "no-store" || directive == "no-cache") {
        return Duration::ZERO;
    }
    let max_age =
        directives().find_map(|directive| directive.strip_prefix("max-age=")?.parse::<u64>().ok());
    let age = text(AGE).and_then(|age| age.trim().parse::<u64>().ok()).unwrap_or_default();
    max_age.map_or(FRESH_DEFAULT, |seconds| Duration::from_secs(seconds.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn published(change: Value) -> Published {
        let mut key = json!({
            "kid": "one", "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB",
            "n": URL_SAFE_NO_PAD.encode([0xC5; 256]),
        });
        let fields = change.as_object().expect("an object").clone();
        key.as_object_mut().expect("an object").extend(fields);
        Published { keys: vec![key, json!("noise")] }
    }

    #[test]
    fn only_strong_signing_keys_are_taken() {
        assert!(usable(published(json!({}))).contains_key("one"));
        assert!(usable(published(json!({ "alg": null, "use": null }))).contains_key("one"));
        let padded = [[0; 128], [0xC5; 128]].concat();
        for odd in [
            json!({ "kty": "EC" }),
            json!({ "kty": "oct" }),
            json!({ "alg": "HS256" }),
            json!({ "use": "enc" }),
            json!({ "kid": "" }),
            json!({ "kid": null }),
            json!({ "n": URL_SAFE_NO_PAD.encode([0xC5; 128]) }),
            json!({ "n": URL_SAFE_NO_PAD.encode(padded) }),
            json!({ "n": "not base64!" }),
            json!({ "e": "" }),
        ] {
            assert!(usable(published(odd.clone())).is_empty(), "{odd}");
        }
    }

    #[test]
    fn keys_are_fresh_for_as_long_as_google_says() {
        let fresh = |control: &'static str, age: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
            headers.insert(AGE, HeaderValue::from_static(age));
            fresh_for(&headers).as_secs()
        };
        assert_eq!(fresh("public, max-age=20000, must-revalidate, no-transform", "0"), 20_000);
        assert_eq!(fresh("Max-Age=100", "40"), 60);
        assert_eq!(fresh("max-age=100", "140"), 0);
        assert_eq!(fresh("no-store, max-age=100", "0"), 0);
        assert_eq!(fresh("max-age=soon", "0"), 3_600);
        assert_eq!(fresh_for(&HeaderMap::new()).as_secs(), 3_600);
    }

    #[test]
    fn a_key_is_used_on_for_a_day_and_an_attempt_speaks_for_those_who_waited_for_it() {
        let (read_at, fresh_for) = (Instant::now(), Duration::from_secs(60));
        let set = KeySet { keys: usable(published(json!({}))), read_at, fresh_for };
        let found =
            |kid: &str, seconds: u64| match set.find(kid, read_at + Duration::from_secs(seconds)) {
                Found::Fresh(_) => "fresh",
                Found::Stale(_) => "stale",
                Found::Nothing => "nothing",
            };
        assert_eq!(found("one", 59), "fresh");
        assert_eq!(found("one", 60), "stale");
        assert_eq!(found("one", 86_400), "nothing");
        assert_eq!(found("two", 0), "nothing");
        let after = |worked, seconds: u64| {
            let ended = read_at;
            Attempt { ended, worked }.answers(read_at + Duration::from_secs(seconds), fresh_for)
        };
        assert!(after(true, 59) && !after(true, 60));
        assert!(after(false, 0) && !after(false, 1));
        let waited = Attempt { ended: read_at + fresh_for, worked: true };
        assert!(waited.answers(read_at, Duration::ZERO));
    }
}
