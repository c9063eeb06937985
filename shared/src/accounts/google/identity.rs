//! What Google says about a person, in the form that we use.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use crate::accounts::fields;
use crate::error::{Code, Error, Result};

/// Google's clock and ours may differ by this much.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Longer is no `sub` of Google's.
const SUBJECT_MAX: usize = 255;
/// Longer is no picture of Google's.
const PICTURE_MAX: usize = 500;

/// Somebody whom Google vouches for.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Google's `sub`: theirs for ever.
    pub(super) subject: String,
    /// Their address, in canonical form.
    pub(super) email: Option<String>,
    /// Whether Google has seen that the address is theirs.
    pub(super) email_verified: bool,
    /// One line, possibly empty.
    pub(super) name: String,
    /// A picture on Google's own servers.
    pub(super) picture: Option<String>,
    /// When the statement may be used; an access token was good when Google was asked a moment ago.
    pub(super) window: Option<Window>,
}

/// The time in which a statement may be used, by Google's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: i64,
    pub(super) until: i64,
}

/// What ID tokens and `userinfo` say about a person.
#[derive(Deserialize)]
pub(super) struct Person {
    pub(super) sub: String,
    pub(super) email: Option<String>,
    pub(super) email_verified: Option<Value>,
    pub(super) name: Option<String>,
    pub(super) picture: Option<String>,
}

impl Person {
    /// The person as we know people.
    ///
    /// # Errors
    /// `TOKEN_INVALID` without a usable `sub`.
    pub(super) fn into_identity(self, window: Option<Window>) -> Result<Identity> {
        let visible = self.sub.bytes().all(|byte| byte.is_ascii_graphic());
        if self.sub.is_empty() || self.sub.len() > SUBJECT_MAX || !visible {
            return Err(refused("it names nobody"));
        }
        Ok(Identity {
            subject: self.sub,
            email: self.email.and_then(|email| fields::email(&email).ok()),
            email_verified: self.email_verified.is_some_and(|said| is_true(&said)),
            name: one_line(self.name.as_deref().unwrap_or_default()),
            picture: self.picture.filter(|url| is_googles_picture(url)),
            window,
        })
    }
}

impl Identity {
    /// Whether the statement may be used at an instant of real time.
    ///
    /// # Errors
    /// `TOKEN_EXPIRED` after its time, `TOKEN_INVALID` before.
    pub(super) fn judge(&self, now: DateTime<Utc>) -> Result<()> {
        let Some(window) = self.window else { return Ok(()) };
        if window.until <= (now - LEEWAY).timestamp() {
            return Err(Code::TokenExpired.into());
        }
        if window.from > (now + LEEWAY).timestamp() {
            return Err(refused("it comes from the future"));
        }
        Ok(())
    }

    /// The address, if Google has seen that it is theirs.
    pub(super) fn proved_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.email_verified)
    }
}

/// Says to the log why a token is refused; the caller is not told what to forge next.
pub(super) fn refused(why: &'static str) -> Error {
    tracing::warn!(target: "accounts", why, "sign-in refused: Google's token");
    Code::TokenInvalid.into()
}

/// Google says it as a boolean in one place and as a text in another.
fn is_true(said: &Value) -> bool {
    said == &Value::Bool(true) || said.as_str() == Some("true")
}

fn one_line(name: &str) -> String {
    let visible = name.chars().filter(|character| !character.is_control());
    let short: String = visible.take(fields::FULL_NAME_MAX).collect();
    short.trim().to_owned()
}

/// Browsers of others will load it, so it comes from Google or not at all. We never do.
fn is_googles_picture(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let host = url.host_str().unwrap_or_default();
    let googles = host == "googleusercontent.com" || host.ends_with(".googleusercontent.com");
    let bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    googles && bare && url.scheme() == "https" && text.len() <= PICTURE_MAX
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity(claims: Value) -> Result<Identity> {
        serde_json::from_value::<Person>(claims).expect("readable").into_identity(None)
    }

    #[test]
    fn a_person_is_taken_over_in_our_form() {
        let person = identity(json!({
            "sub": "110248495921238986420", "email": " Ali@Mail.UZ", "email_verified": "true",
            "name": format!("Ali\u{0}\n Valiev{}", "x".repeat(300)),
            "picture": "https://lh3.googleusercontent.com/a/abc=s96-c",
        }))
        .expect("a person");
        assert_eq!(person.proved_email(), Some("ali@mail.uz"));
        assert!(person.name.starts_with("Ali Valiev"));
        assert_eq!(person.name.chars().count(), fields::FULL_NAME_MAX);
        assert!(person.picture.is_some());
        for said in [json!(false), json!("false"), json!(1), json!("yes"), Value::Null] {
            let claims = json!({ "sub": "1", "email": "ali@mail.uz", "email_verified": said });
            assert_eq!(identity(claims).expect("a person").proved_email(), None);
        }
        for sub in [String::new(), "a b".to_owned(), "ы".to_owned(), "1".repeat(256)] {
            assert!(identity(json!({ "sub": sub })).is_err());
        }
    }

    #[test]
    fn only_pictures_on_googles_servers_are_shown() {
        for (url, shown) in [
            ("https://lh3.googleusercontent.com/a/abc", true),
            ("https://googleusercontent.com/a", true),
            ("http://lh3.googleusercontent.com/a", false),
            ("https://googleusercontent.com.evil.uz/a", false),
            ("https://evilgoogleusercontent.com/a", false),
            ("https://lh3.googleusercontent.com@evil.uz/a", false),
            ("https://user@lh3.googleusercontent.com/a", false),
            ("https://lh3.googleusercontent.com:8443/a", false),
            ("javascript:alert(1)", false),
            ("//lh3.googleusercontent.com/a", false),
            ("", false),
        ] {
            assert_eq!(is_googles_picture(url), shown, "{url}");
        }
    }

    #[test]
    fn a_statement_may_be_used_in_its_time_and_half_a_minute_around_it() {
        let now = DateTime::from_timestamp(10_000, 0).expect("a time");
        let code = |from, until| {
            let person = identity(json!({ "sub": "1" })).expect("a person");
            let person = Identity { window: Some(Window { from, until }), ..person };
            person.judge(now).err().map(|error| error.code())
        };
        assert_eq!(code(9_000, 11_000), None);
        assert_eq!(code(9_000, 9_971), None);
        assert_eq!(code(9_000, 9_970), Some(Code::TokenExpired));
        assert_eq!(code(10_030, 11_000), None);
        assert_eq!(code(10_031, 11_000), Some(Code::TokenInvalid));
    }
}
