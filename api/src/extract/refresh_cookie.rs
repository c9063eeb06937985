//! The refresh token as a cookie: beside the body, for pages that keep no tokens themselves.
//!
//! A browser sends a cookie whoever asked it to. So the cookie counts only with a header that no form and no link can set,
//! and from one of our own pages; `SameSite=Strict` keeps other sites' requests without it to begin with.

use std::time::Duration;

use salvo::http::header::{COOKIE, HeaderMap, HeaderValue, ORIGIN};
use salvo::oapi::{Components, Operation, Parameter, ParameterIn};
use salvo::{Depot, Request};
use shared::error::Kind;
use shared::{Code, Error, Result};

use super::{FromRequest, extractor};
use crate::app::AppState;
use crate::openapi;

/// `__Host-`: only over TLS, only to this host, for every path.
const NAME: &str = "__Host-refresh";
const REQUESTED_WITH: &str = "x-requested-with";

/// The refresh token of the request's cookie, if it has one and the setting is on.
pub(crate) struct RefreshCookie {
    token: Option<String>,
    trusted: bool,
}

impl RefreshCookie {
    /// The token; to be asked for when the body has none.
    ///
    /// # Errors
    /// `CSRF_REFUSED` when nothing proves that one of our pages sent it.
    pub(crate) fn token(self) -> Result<Option<String>> {
        if self.token.is_some() && !self.trusted {
            return Err(Code::CsrfRefused.into());
        }
        Ok(self.token)
    }
}

impl FromRequest for RefreshCookie {
    async fn read(req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        let settings = &AppState::of(depot)?.settings;
        if !settings.security.refresh_cookie {
            return Ok(Self { token: None, trusted: false });
        }
        let token = find(req.headers());
        let trusted = is_of_our_pages(req.headers(), &settings.http.origins);
        Ok(Self { token, trusted })
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        let cookie = Parameter::new(NAME).location(ParameterIn::Cookie).description(
            "The refresh token, when the body has none; only with `X-Requested-With` and the `Origin` of one of our pages",
        );
        operation.parameters.insert(cookie);
        openapi::declare(components, operation, &[Kind::Forbidden]);
    }
}

extractor!([] RefreshCookie);

/// The cookie's value, if exactly one cookie has the name.
pub(crate) fn find(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|header| header.to_str().ok());
    let mut values = cookies
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME)
        .map(|(_, value)| value);
    let value = values.next().filter(|value| !value.is_empty())?;
    values.next().is_none().then(|| value.to_owned())
}

fn is_of_our_pages(headers: &HeaderMap, origins: &[String]) -> bool {
    let from = headers.get(ORIGIN);
    let ours = from.is_some_and(|from| origins.iter().any(|one| one.as_bytes() == from.as_bytes()));
    ours && headers.get(REQUESTED_WITH).is_some_and(|header| !header.is_empty())
}

/// The header that sets the cookie for as long as an idle session lives.
pub(crate) fn set(token: &str, lives: Duration) -> Result<HeaderValue> {
    let seconds = lives.as_secs();
    header(&format!("{NAME}={token}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=Strict"))
}

/// The header that removes the cookie.
pub(crate) fn remove() -> Result<HeaderValue> {
    header(&format!("{NAME}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict"))
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_of_our_name_is_read() {
        for (cookies, token) in [
            ("__Host-refresh=abc", Some("abc")),
            ("a=b; __Host-refresh=abc; c=d", Some("abc")),
            ("__Host-refresh=abc; __Host-refresh=def", None),
            ("__Host-refresh=", None),
            ("refresh=abc; __host-refresh=abc", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(cookies));
            assert_eq!(find(&headers).as_deref(), token, "{cookies}");
        }
    }
}
