//! The time a request may take: then it is dropped, and what it had not committed has not happened.

use std::time::Duration;

use salvo::{Depot, FlowCtrl, Handler, Request, Response, Writer as _, async_trait};
use shared::Code;

use crate::error::ApiError;
use crate::limits::{begins, relative};

/// Routes that move files; they have [`PATIENCE`] times as long.
const PATIENT: &[&str] =
    &["admin-panel/export", "payments/transactions/export", "upload", "uploads"];
const PATIENCE: u32 = 4;

/// Gives a request up that is not answered in time.
pub(crate) struct Timeout {
    /// To the head of the answer.
    pub(crate) after: Duration,
}

#[async_trait]
impl Handler for Timeout {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        let route = relative(req.matched_path());
        let patient = PATIENT.iter().any(|start| begins(route, start));
        let after = if patient { self.after.saturating_mul(PATIENCE) } else { self.after };
        if tokio::time::timeout(after, ctrl.call_next(req, depot, res)).await.is_err() {
            ApiError::from(Code::TimedOut).write(req, depot, res).await;
            ctrl.skip_rest();
        }
    }
}
