//! `Idempotency-Key`: the handler's transaction happens once, and a repeat gets the same answer.

use salvo::http::Method;
use salvo::oapi::{BasicType, Components, Object, Operation, Parameter, ParameterIn};
use salvo::{Depot, Request};
use shared::db::Work;
use shared::error::Kind;
use shared::idempotency::{self, Keep, KeyedRequest, Target};
use shared::{App, Code, Error, Result, Tx};

use super::{FromRequest, SignedIn, extractor};
use crate::app::AppState;
use crate::error::ApiResult;
use crate::openapi;
use crate::response::{Answer, Replayable};

/// The header.
const HEADER: &str = "idempotency-key";

/// The promise to act once: the last argument of a handler that moves money. Without the header it promises nothing, and
/// the business key decides.
pub(crate) struct Once(Option<KeyedRequest>);

/// What came of the first half of an answer.
pub(crate) enum Begun<M, A> {
    /// The transaction happened now and made this.
    Now(M),
    /// It happened before and made this, in the handler's own words; the answer got lost.
    Before(String),
    /// It was answered before.
    Answered(Replayable<A>),
}

impl Once {
    /// Runs the handler's transaction and answers with its result; a repeat gets the first answer.
    pub(crate) async fn answer<A, F>(self, app: &App, work: F) -> ApiResult<Replayable<A>>
    where
        F: for<'t> AsyncFnOnce(&'t mut Tx) -> Result<A>
            + for<'t> Work<&'t mut Tx, Result<A>, Fut: Send>
            + Send,
        A: Answer,
    {
        match idempotency::once(&app.db, self.0.as_ref(), A::kept, work).await? {
            idempotency::Once::Now(answer) => Ok(Replayable::now(answer)),
            idempotency::Once::Answered(stored) => Ok(Replayable::again(stored)),
            idempotency::Once::Begun(_) => {
                Err(Error::internal("what is answered in one step was kept in two").into())
            }
        }
    }

    /// Runs the handler's transaction when the answer needs something from outside, which no transaction waits for.
    /// `made` names what it made ([`Keep::Made`]). [`Once::finish`] comes next, now or when the request is repeated.
    pub(crate) async fn begin<M, A, F>(
        &self,
        app: &App,
        made: fn(&M) -> Result<Keep>,
        work: F,
    ) -> ApiResult<Begun<M, A>>
    where
        F: for<'t> AsyncFnOnce(&'t mut Tx) -> Result<M>
            + for<'t> Work<&'t mut Tx, Result<M>, Fut: Send>
            + Send,
        M: Send,
    {
        let begun = idempotency::once(&app.db, self.0.as_ref(), made, work).await?;
        Ok(match begun {
            idempotency::Once::Now(value) => Begun::Now(value),
            idempotency::Once::Begun(made) => Begun::Before(made),
            idempotency::Once::Answered(stored) => Begun::Answered(Replayable::again(stored)),
        })
    }

    /// Keeps the answer of a transaction that [`Once::begin`] ran.
    pub(crate) async fn finish<A: Answer>(
        self,
        app: &App,
        answer: A,
        before: bool,
    ) -> ApiResult<Replayable<A>> {
        if let Some(request) = &self.0 {
            idempotency::keep_later(&app.db, request, &answer.stored()?).await?;
        }
        Ok(if before { Replayable::resumed(answer) } else { Replayable::now(answer) })
    }
}

impl FromRequest for Once {
    async fn read(req: &mut Request, depot: &mut Depot, arg: &str) -> Result<Self> {
        let mut given = req.headers().get_all(HEADER).iter();
        let Some(key) = given.next() else { return Ok(Self(None)) };
        let key = key.to_str().ok().map(str::to_owned).filter(|_| given.next().is_none());
        let key = key.ok_or_else(|| Error::new(Code::IdempotencyKeyInvalid))?;
        let SignedIn(principal) = SignedIn::read(req, depot, arg).await?;
        let (method, path) = (method(req.method()), req.uri().path().to_owned());
        let route = req.matched_path().to_owned();
        // The body was read before, if the handler takes one: this is the same copy.
        let app = AppState::of(depot)?;
        let body = req.payload_with_max_size(app.settings.http.max_body_bytes).await;
        let body = body.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let target = Target { method, route: &route, path: &path, body: &body.unwrap_or_default() };
        KeyedRequest::new(principal.user.id, &key, target, &app.vault).map(Some).map(Self)
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        let key = Object::with_type(BasicType::String).min_length(1).max_length(255);
        let about = "The same key with the same request is answered the same again (`Idempotency-Replayed: true`) \
                     and has no second effect; kept for 30 days";
        operation.parameters.insert(
            Parameter::new("Idempotency-Key")
                .location(ParameterIn::Header)
                .required(false)
                .description(about)
                .schema(key),
        );
        let kinds = [Kind::Invalid, Kind::Conflict, Kind::Unprocessable];
        openapi::declare(components, operation, &kinds);
    }
}

extractor!([] Once);

fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "POST",
    }
}
