//! Reports to Sentry: `ERROR` lines, panics, and the time of requests and jobs; without a DSN nothing. What is sent is
//! ours alone: no header, no query, no body of a request is ever handed to it, and every text is scrubbed.

mod scrub;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::Either;
use rust_decimal::prelude::ToPrimitive as _;
use sentry::integrations::backtrace::ProcessStacktraceIntegration;
use sentry::integrations::panic::PanicIntegration;
use sentry::protocol::{SpanStatus, User};
use sentry::{
    ClientInitGuard, ClientOptions, Hub, SentryFutureExt as _, Transaction, TransactionContext,
};

use crate::error::Kind;
use crate::ids::UserId;
use crate::settings::{AppEnv, SentrySettings};

/// What may wait to be sent; more is dropped and counted in Sentry's own statistics.
const WAITING_MAX: usize = 256;
/// How long the end of a process waits for what is not sent yet.
const FLUSH_WITHIN: Duration = Duration::from_secs(3);
/// A tag of everything that a panic has reported already.
const PANICKED: &str = "panicked";

/// What load balancers ask every second is not worth a trace.
const HEALTH: &str = " /health";

static ON: AtomicBool = AtomicBool::new(false);

/// Sentry while the process runs. Dropped, it sends what waits.
pub struct Reports(ClientInitGuard);

impl Drop for Reports {
    fn drop(&mut self) {
        ON.store(false, Ordering::Relaxed);
        self.0.flush(Some(FLUSH_WITHIN));
    }
}

/// Starts reporting, when there is somewhere to report to.
pub(super) fn start(
    process: &'static str,
    env: AppEnv,
    settings: &SentrySettings,
) -> Option<Reports> {
    // The settings have read it once already.
    let dsn = settings.dsn.as_ref()?.expose().parse().ok()?;
    let mut options = ClientOptions::new()
        .release(settings.release.clone())
        .environment(env.as_str())
        .server_name(settings.host.clone())
        .default_integrations(false)
        .add_integration(ProcessStacktraceIntegration)
        .max_breadcrumbs(0)
        .send_default_pii(false)
        .transport_channel_capacity(WAITING_MAX)
        .shutdown_timeout(FLUSH_WITHIN)
        .before_send(
            |event| if is_told_already(&event) { None } else { Some(scrub::scrub(event)) },
        );
    options.dsn = Some(dsn);
    if let Some(rate) = settings.traces.to_f32().filter(|_| !settings.traces.is_zero()) {
        options = options.traces_sample_rate(rate);
    }
    let guard = sentry::init(options);
    sentry::configure_scope(|scope| scope.set_tag("process", process));
    report_panics();
    ON.store(true, Ordering::Relaxed);
    Some(Reports(guard))
}

/// A panic is reported where it happens, with its stack, and does not wait until it is sent: Sentry's own hook would hold
/// up a thread that serves requests.
fn report_panics() {
    let before = std::panic::take_hook();
    let panics = PanicIntegration::new();
    std::panic::set_hook(Box::new(move |info| {
        sentry::capture_event(panics.event_from_panic_info(info));
        sentry::configure_scope(|scope| scope.set_tag(PANICKED, true));
        before(info);
    }));
}

/// Whether it is the line about a 500 whose panic was reported.
fn is_told_already(event: &sentry::protocol::Event<'_>) -> bool {
    event.tags.contains_key(PANICKED)
        && event.exception.is_empty()
        && event.logger.as_deref() == Some("http")
}

/// A request or a job: what is reported meanwhile carries its name and its id.
pub struct Piece {
    hub: Arc<Hub>,
    transaction: Transaction,
}

impl Piece {
    /// Begins one; nothing without a DSN. `operation` is one of Sentry's, such as `http.server`.
    #[must_use]
    pub fn begin(operation: &str, name: &str, id: Option<&str>) -> Option<Self> {
        if !ON.load(Ordering::Relaxed) {
            return None;
        }
        let hub = Arc::new(Hub::new_from_top(Hub::main()));
        let mut context = TransactionContext::new(name, operation);
        if name.contains(HEALTH) {
            context.set_sampled(false);
        }
        let transaction = hub.start_transaction(context);
        hub.configure_scope(|scope| {
            scope.set_transaction(Some(name));
            scope.set_span(Some(transaction.clone().into()));
            if let Some(id) = id {
                scope.set_tag("request_id", id);
            }
        });
        Some(Self { hub, transaction })
    }

    /// Runs the work of a piece, if there is one.
    pub fn run<W: Future>(piece: Option<&Self>, work: W) -> impl Future<Output = W::Output> {
        match piece {
            Some(piece) => Either::Left(work.bind_hub(Arc::clone(&piece.hub))),
            None => Either::Right(work),
        }
    }

    /// Ends it. One that is dropped instead, because its client went away, is not reported.
    pub fn end(self, ended: Ended) {
        let status = match ended {
            Ended::Well => SpanStatus::Ok,
            Ended::Cancelled => SpanStatus::Cancelled,
            Ended::Failed(kind) => status(kind),
        };
        self.transaction.set_status(status);
        Hub::run(Arc::clone(&self.hub), || self.transaction.finish());
    }
}

/// How a piece of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It did what it was for.
    Well,
    /// Somebody stopped it.
    Cancelled,
    /// It failed.
    Failed(Kind),
}

fn status(kind: Kind) -> SpanStatus {
    match kind {
        Kind::Invalid | Kind::TooLarge | Kind::Unsupported | Kind::MethodNotAllowed => {
            SpanStatus::InvalidArgument
        }
        Kind::Unauthenticated => SpanStatus::Unauthenticated,
        Kind::Forbidden => SpanStatus::PermissionDenied,
        Kind::NotFound => SpanStatus::NotFound,
        Kind::PaymentRequired | Kind::Conflict | Kind::Unprocessable => {
            SpanStatus::FailedPrecondition
        }
        Kind::TooMany => SpanStatus::ResourceExhausted,
        Kind::TooSlow => SpanStatus::DeadlineExceeded,
        Kind::Internal => SpanStatus::InternalError,
        Kind::Unavailable => SpanStatus::Unavailable,
    }
}

/// Says who the running request is for: their id, and nothing else of them.
pub fn on_behalf_of(user: UserId) {
    if ON.load(Ordering::Relaxed) {
        sentry::configure_scope(|scope| {
            scope.set_user(Some(User { id: Some(user.to_string()), ..User::default() }));
        });
    }
}
