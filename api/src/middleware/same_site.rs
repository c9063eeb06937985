//! Cross-site requests: a write that is authenticated by its cookie alone must come from one of the frontend's pages.
//!
//! A browser adds a cookie by itself, whoever's page sends the request; it adds neither our header nor a false `Origin`.
//! Every other call carries its token in a header or in its body, which no foreign page has.

use salvo::http::Method;
use salvo::http::header::{AUTHORIZATION, COOKIE, HeaderName, ORIGIN};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, Writer as _, async_trait};
use shared::Code;

use super::tokens;
use crate::error::ApiError;
use crate::limits::relative;

/// The cookie that carries a refresh token. Its prefix binds it to this host and to HTTPS.
pub(crate) const REFRESH_COOKIE: &str = "__Host-refresh";

/// The header that a page must set: a foreign page may not, without asking us first.
static X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// The routes that take the refresh token from the cookie when the body has none.
const BY_COOKIE: &[&str] = &["auth/refresh", "auth/logout"];

/// Refuses writes that only the cookie authenticates, unless they come from our pages.
pub(crate) struct FromOurPages {
    /// The frontend's origins.
    pub(crate) origins: Vec<String>,
}

#[async_trait]
impl Handler for FromOurPages {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        if by_cookie_alone(req).await && !self.ours(req) {
            ApiError::from(Code::CsrfRefused).write(req, depot, res).await;
            ctrl.skip_rest();
        } else {
            ctrl.call_next(req, depot, res).await;
        }
    }
}

impl FromOurPages {
    fn ours(&self, req: &Request) -> bool {
        let headers = req.headers();
        let asked = headers.get(&X_REQUESTED_WITH).is_some_and(|value| !value.is_empty());
        let from = headers.get(ORIGIN).is_some_and(|value| {
            self.origins.iter().any(|origin| origin.as_bytes() == value.as_bytes())
        });
        asked && from
    }
}

async fn by_cookie_alone(req: &mut Request) -> bool {
    let route = relative(req.matched_path());
    BY_COOKIE.contains(&route)
        && !matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && has_cookie(req)
        && !req.headers().contains_key(AUTHORIZATION)
        && tokens::refresh_token(req).await.is_none()
}

fn has_cookie(req: &Request) -> bool {
    let lines = req.headers().get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).any(|pair| {
        pair.trim().split_once('=').is_some_and(|(name, _)| name.trim() == REFRESH_COOKIE)
    })
}
