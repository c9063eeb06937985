//! The headers that every answer carries.

use salvo::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait};

/// An API loads nothing, frames nothing and is framed by nobody. The documentation page sets its own policy.
const NOTHING: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// Adds what an answer does not say itself.
pub(crate) struct SecurityHeaders {
    /// In production browsers are told to use HTTPS for a year.
    pub(crate) production: bool,
}

#[async_trait]
impl Handler for SecurityHeaders {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        ctrl.call_next(req, depot, res).await;
        let mut say = |name: HeaderName, value: &'static str| {
            res.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        };
        say(X_CONTENT_TYPE_OPTIONS, "nosniff");
        say(X_FRAME_OPTIONS, "DENY");
        say(REFERRER_POLICY, "no-referrer");
        say(CONTENT_SECURITY_POLICY, NOTHING);
        if self.production {
            say(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
        }
        if req.headers().contains_key(AUTHORIZATION) {
            say(CACHE_CONTROL, "no-store");
        }
    }
}
