//! Who sent the request, for whatever is written into the audit log while it is served.

use salvo::{Depot, FlowCtrl, Request, Response, handler};
use shared::telemetry::trace;

use super::{Caller, FromRequest as _};

/// Runs the rest of the request on behalf of its caller.
#[handler]
pub(crate) async fn remember_caller(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let caller = Caller::read(req, depot, "").await;
    let client = caller.map(|Caller(client)| client).unwrap_or_default();
    trace::on_behalf_of(client, ctrl.call_next(req, depot, res)).await;
}
