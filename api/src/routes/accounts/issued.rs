//! Answers that hand tokens out, or take them back: never cached, and with the cookie when the setting is on.

use salvo::http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};
use salvo::oapi::{Components, EndpointOutRegister, Operation};
use salvo::{Depot, Request, Response, Writer, async_trait};
use shared::Result;

use super::sign_in::{SignInOut, TokensOut};
use crate::app::AppState;
use crate::error::ApiError;
use crate::extract::refresh_cookie;
use crate::prelude::*;

/// What has a refresh token in it.
pub(crate) trait HandsOut {
    /// The refresh token.
    fn refresh_token(&self) -> &str;
}

impl HandsOut for Json<SignInOut> {
    fn refresh_token(&self) -> &str {
        self.0.refresh_token()
    }
}

impl HandsOut for Created<SignInOut> {
    fn refresh_token(&self) -> &str {
        self.0.refresh_token()
    }
}

impl HandsOut for Json<TokensOut> {
    fn refresh_token(&self) -> &str {
        self.0.refresh_token()
    }
}

/// An answer with tokens in it: `Issued<Json<SignInOut>>`. No cache may keep it.
pub(crate) struct Issued<T>(pub(crate) T);

#[async_trait]
impl<T: HandsOut + Writer + Send> Writer for Issued<T> {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        res.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let cookie =
            with_cookie(depot, |lifetime| refresh_cookie::set(self.0.refresh_token(), lifetime));
        match cookie {
            Ok(cookie) => {
                append(cookie, res);
                self.0.write(req, depot, res).await;
            }
            Err(error) => ApiError::from(error).write(req, depot, res).await,
        }
    }
}

impl<T: EndpointOutRegister> EndpointOutRegister for Issued<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        T::register(components, operation);
    }
}

/// An answer after which the browser has no token any more.
pub(crate) struct TakenBack<T>(pub(crate) T);

#[async_trait]
impl<T: Writer + Send> Writer for TakenBack<T> {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        match with_cookie(depot, |_| refresh_cookie::remove()) {
            Ok(cookie) => {
                append(cookie, res);
                self.0.write(req, depot, res).await;
            }
            Err(error) => ApiError::from(error).write(req, depot, res).await,
        }
    }
}

impl<T: EndpointOutRegister> EndpointOutRegister for TakenBack<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        T::register(components, operation);
    }
}

/// The cookie, if the setting is on.
fn with_cookie(
    depot: &Depot,
    cookie: impl FnOnce(std::time::Duration) -> Result<HeaderValue>,
) -> Result<Option<HeaderValue>> {
    let security = &AppState::of(depot)?.settings.security;
    if security.refresh_cookie { cookie(security.refresh_lifetime).map(Some) } else { Ok(None) }
}

fn append(cookie: Option<HeaderValue>, res: &mut Response) {
    if let Some(cookie) = cookie {
        res.headers_mut().append(SET_COOKIE, cookie);
    }
}
