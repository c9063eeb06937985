//! How a failure is answered: kind to status in one match, the envelope, and the one place failures are logged.

use salvo::http::StatusCode;
use salvo::http::header::{
    ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use salvo::oapi::{Components, EndpointOutRegister, Operation, ToSchema};
use salvo::writing::Json;
use salvo::{Depot, FlowCtrl, Request, Response, Writer, async_trait, handler};
use serde::Serialize;
use serde_json::Value;
use shared::accounts::Principal;
use shared::error::Kind;
use shared::language::Language;
use shared::{Code, Error};

use crate::openapi;

/// What a handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// Names of wrong fields on a log line: a caller may invent any number of them.
const FIELDS_SHOWN: usize = 10;

/// A failure on its way to the client.
#[derive(Debug)]
pub(crate) struct ApiError(Error);

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// The status of a failure.
pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::PaymentRequired => StatusCode::PAYMENT_REQUIRED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The kind of failure that a status stands for; none for an answer.
pub(crate) fn kind(status: StatusCode) -> Option<Kind> {
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    Some(match status {
        StatusCode::UNAUTHORIZED => Kind::Unauthenticated,
        StatusCode::PAYMENT_REQUIRED => Kind::PaymentRequired,
        StatusCode::FORBIDDEN => Kind::Forbidden,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::CONFLICT => Kind::Conflict,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        status if status.is_server_error() => Kind::Internal,
        _ => Kind::Invalid,
    })
}

/// The body of every failure.
#[derive(Serialize, ToSchema)]
#[salvo(schema(name = "Failure"))]
pub(crate) struct Failure {
    /// Always false.
    success: bool,
    error: FailureError,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
#[salvo(schema(name = "FailureError"))]
struct FailureError {
    /// Stable: decide by it.
    code: &'static str,
    /// For people, in their language.
    message: &'static str,
    /// Wrong fields with their sentences, and facts such as the current `status`.
    #[salvo(schema(value_type = Object))]
    details: Value,
}

#[async_trait]
impl Writer for ApiError {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        let error = self.0;
        match error.kind() {
            // Callers can bring these about, and an error wakes somebody: operators see them in the metrics.
            Kind::Unavailable if matches!(error.code(), Code::Busy | Code::TimedOut) => {
                tracing::warn!(target: "http", code = error.code().as_str(), "{}", error.causes());
            }
            Kind::Internal | Kind::Unavailable => {
                tracing::error!(target: "http", code = error.code().as_str(), "{}", error.causes());
            }
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::PaymentRequired
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::MethodNotAllowed
            | Kind::TooSlow
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::Unsupported
            | Kind::Unprocessable
            | Kind::TooMany => refused(&error),
        }
        render(&error, status(error.kind()), language(req, depot), res);
    }
}

/// What was wrong with a request, by code and by the names of its fields: their values are the caller's own.
fn refused(error: &Error) {
    let names: Vec<&str> = error.fields().take(FIELDS_SHOWN).collect();
    let fields = (!names.is_empty()).then(|| names.join(","));
    tracing::info!(target: "http", code = error.code().as_str(), fields, "refused");
}

/// The language to answer in: the person's own, or what their browser asks for.
fn language(req: &Request, depot: &Depot) -> Language {
    let asked = req
        .headers()
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    depot
        .get_typed::<Principal>()
        .map_or_else(|_| Language::negotiate(asked), |principal| principal.user.language)
}

fn render(error: &Error, status: StatusCode, language: Language, res: &mut Response) {
    let code = error.code();
    if code == Code::Busy || code == Code::IdempotencyInProgress {
        res.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if code == Code::ServiceUnavailable {
        res.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    if let Some(seconds) = error.retry_after() {
        res.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if code.kind() == Kind::Unauthenticated {
        res.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    res.headers_mut().remove(CONTENT_TYPE);
    res.status_code(status);
    let error = FailureError {
        code: code.as_str(),
        message: code.message().get(language),
        details: error.details(language),
    };
    res.render(Json(Failure { success: false, error }));
}

/// Gives the framework's own refusals (no such path, no such method, a panic) the platform's envelope.
#[handler]
pub(crate) async fn envelope(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let status = res.status_code.unwrap_or(StatusCode::NOT_FOUND);
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        StatusCode::SERVICE_UNAVAILABLE => Code::ServiceUnavailable,
        status if status.is_server_error() => Code::InternalError,
        _ => Code::ValidationError,
    };
    render(&Error::new(code), status, language(req, depot), res);
    ctrl.skip_rest();
}

impl EndpointOutRegister for ApiError {
    fn register(components: &mut Components, operation: &mut Operation) {
        openapi::declare(components, operation, &[Kind::Internal, Kind::Unavailable]);
    }
}
