//! The id of a request: ours, or that of a proxy of ours; in the answer, and carried by logs, the audit log and jobs.

use salvo::http::header::{HeaderName, HeaderValue};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait};
use shared::settings::TrustedProxies;
use shared::telemetry::trace;
use tracing::Instrument as _;
use uuid::Uuid;

pub(super) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are somebody's attempt to write our logs.
const ID_MAX: usize = 64;

/// Runs the rest of a request under its id.
pub(crate) struct RequestId {
    /// Whose ids are taken over: anybody else's would let them write into the audit log under an id of another's request.
    pub(crate) proxies: TrustedProxies,
}

#[async_trait]
impl Handler for RequestId {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        let given = req.headers().get(&X_REQUEST_ID).and_then(|value| value.to_str().ok());
        let peer = req.remote_addr().clone().into_std().map(|address| address.ip());
        let ours = peer.is_some_and(|peer| self.proxies.includes(peer));
        let (taken, claimed) =
            if ours { (given.filter(|id| is_sane(id)), None) } else { (None, given) };
        let id = taken.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        if let Ok(value) = HeaderValue::from_str(&id) {
            res.headers_mut().insert(&X_REQUEST_ID, value);
        }
        let claimed = claimed.map(cleaned).filter(|id| !id.is_empty());
        let span = tracing::info_span!("request", trace_id = id, client_request_id = claimed);
        trace::scope(id, ctrl.call_next(req, depot, res)).instrument(span).await;
    }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

fn is_sane(id: &str) -> bool {
    (1..=ID_MAX).contains(&id.len()) && id.chars().all(is_plain)
}

/// What of a stranger's id may stand in a log.
fn cleaned(id: &str) -> String {
    id.chars().filter(|character| is_plain(*character)).take(ID_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_plain_id_is_taken_over() {
        let long = "a".repeat(65);
        for (id, sane, logged) in [
            ("abc-DEF_123", true, "abc-DEF_123"),
            (long.get(1..).unwrap_or_default(), true, long.get(1..).unwrap_or_default()),
            (&long, false, long.get(1..).unwrap_or_default()),
            ("", false, ""),
            ("a b", false, "ab"),
            ("a\" trace_id=\"b", false, "atrace_idb"),
        ] {
            assert_eq!((is_sane(id), cleaned(id).as_str()), (sane, logged), "{id:?}");
        }
    }
}
