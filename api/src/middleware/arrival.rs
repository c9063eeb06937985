//! Whether a request waits for the rest of its own body.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use salvo::Request;
use salvo::http::ReqBody;
use salvo::hyper::body::{Body, Bytes, Frame, SizeHint};

/// How the body of a request is arriving.
pub(super) struct Arrival {
    awaited: Arc<AtomicBool>,
}

impl Arrival {
    /// Watches a request's body from now on.
    pub(super) fn watch(req: &mut Request) -> Self {
        let awaited = Arc::new(AtomicBool::new(false));
        let body = req.take_body();
        let body = if body.is_end_stream() {
            body
        } else {
            let inner = Watched { body, awaited: Arc::clone(&awaited) };
            ReqBody::Boxed { inner: Box::pin(inner), fuse_config: None }
        };
        req.replace_body(body);
        Self { awaited }
    }

    /// Whether somebody reads the body and the next piece has not come.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Relaxed)
    }
}

struct Watched {
    body: ReqBody,
    awaited: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = salvo::BoxedError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.awaited.store(polled.is_pending(), Ordering::Relaxed);
        polled.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
