//! A panic in a handler is a bug and a 500; the process and its other requests go on.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use salvo::{Depot, FlowCtrl, Request, Response, Writer as _, handler};
use shared::Error;

use crate::error::ApiError;

/// Turns a panic of the rest of the request into the platform's 500.
#[handler]
pub(crate) async fn catch_panics(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let caught = AssertUnwindSafe(ctrl.call_next(req, depot, res)).catch_unwind().await;
    if let Err(panic) = caught {
        let error = Error::internal(format!("panic: {}", message(panic.as_ref())));
        ApiError::from(error).write(req, depot, res).await;
        ctrl.skip_rest();
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
