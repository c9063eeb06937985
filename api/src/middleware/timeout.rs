//! The time a request may take: then it is dropped, and what it had not committed has not happened.

use std::time::Duration;

use salvo::http::Method;
use salvo::{Depot, FlowCtrl, Handler, Request, Response, Writer as _, async_trait};
use shared::Code;

use super::arrival::Arrival;
use crate::error::ApiError;
use crate::extract::is_multipart;
use crate::limits::{begins, relative};

/// Routes that move files; they have [`PATIENCE`] times as long.
const PATIENT: &[&str] =
    &["admin-panel/export", "payments/transactions/export", "upload", "uploads"];
/// Routes that move a file when the body is a form.
const PATIENT_WITH_A_FILE: &[&str] = &["auth/me", "profile"];
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
        let after =
            if is_patient(req, route) { self.after.saturating_mul(PATIENCE) } else { self.after };
        let arrival = Arrival::watch(req);
        if tokio::time::timeout(after, ctrl.call_next(req, depot, res)).await.is_err() {
            // Who waits for the sender does not take too long: the sender does.
            let waits = arrival.is_awaited();
            let code = if waits { Code::RequestTimeout } else { Code::TimedOut };
            ApiError::from(code).write(req, depot, res).await;
            ctrl.skip_rest();
        }
    }
}

fn is_patient(req: &Request, route: &str) -> bool {
    let begins_with = |routes: &[&str]| routes.iter().any(|start| begins(route, start));
    let sends_a_file = *req.method() == Method::PATCH && is_multipart(req);
    begins_with(PATIENT) || (sends_a_file && begins_with(PATIENT_WITH_A_FILE))
}
