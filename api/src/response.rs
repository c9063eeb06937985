//! Answers: what a handler returns beside `Json`.

use salvo::http::StatusCode;
use salvo::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use salvo::oapi::{
    Array, BasicType, Components, Content, EndpointOutRegister, Object, Operation, RefOr,
    Response as ResponseDoc, Schema, ToSchema,
};
use salvo::writing::{Json, Text};
use salvo::{Depot, Request, Response, Writer, async_trait};
use serde::Serialize;
use shared::idempotency::{Keep, Stored};
use shared::{Error, Result};

use crate::error::ApiError;
use crate::extract::Shows;

/// 201 with the thing that was made.
pub(crate) struct Created<T>(pub(crate) T);

#[async_trait]
impl<T: Serialize + Send> Writer for Created<T> {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        res.status_code(StatusCode::CREATED);
        res.render(Json(self.0));
    }
}

impl<T: ToSchema> EndpointOutRegister for Created<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        document(operation, "201", "Created", T::to_schema(components));
    }
}

/// 201 the first time, 200 when the request was repeated and the thing was there.
pub(crate) enum NewOrSame<T> {
    /// Made now.
    New(T),
    /// Made by an earlier request.
    Same(T),
}

#[async_trait]
impl<T: Serialize + Send> Writer for NewOrSame<T> {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        let (status, value) = match self {
            Self::New(value) => (StatusCode::CREATED, value),
            Self::Same(value) => (StatusCode::OK, value),
        };
        res.status_code(status);
        res.render(Json(value));
    }
}

impl<T: ToSchema> EndpointOutRegister for NewOrSame<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        document(operation, "201", "Created", T::to_schema(components));
        document(
            operation,
            "200",
            "The request was repeated: the same thing again",
            T::to_schema(components),
        );
    }
}

/// An answer that can be kept under an `Idempotency-Key`.
pub(crate) trait Answer: Writer + Send {
    /// Status and body, as they are sent.
    fn stored(&self) -> Result<Stored>;

    /// The same, for the row of the key.
    fn kept(&self) -> Result<Keep> {
        self.stored().map(Keep::Answer)
    }
}

fn stored(status: StatusCode, value: &impl Serialize) -> Result<Stored> {
    let body = serde_json::to_string(value).map_err(Error::internal)?;
    Ok(Stored { status: status.as_u16(), body })
}

impl<T: Serialize + Send> Answer for Json<T> {
    fn stored(&self) -> Result<Stored> {
        stored(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize + Send> Answer for Created<T> {
    fn stored(&self) -> Result<Stored> {
        stored(StatusCode::CREATED, &self.0)
    }
}

impl<T: Serialize + Send> Answer for NewOrSame<T> {
    fn stored(&self) -> Result<Stored> {
        match self {
            Self::New(value) => stored(StatusCode::CREATED, value),
            Self::Same(value) => stored(StatusCode::OK, value),
        }
    }
}

/// An answer, or the one that an earlier request with the same `Idempotency-Key` got; made by `Once`.
pub(crate) struct Replayable<A> {
    answer: Replay<A>,
    replayed: bool,
}

enum Replay<A> {
    Fresh(A),
    Stored(Stored),
}

impl<A> Replayable<A> {
    /// It happened now.
    pub(crate) fn now(answer: A) -> Self {
        Self { answer: Replay::Fresh(answer), replayed: false }
    }

    /// It happened before, and is answered only now.
    pub(crate) fn resumed(answer: A) -> Self {
        Self { answer: Replay::Fresh(answer), replayed: true }
    }

    /// It happened and was answered before.
    pub(crate) fn again(stored: Stored) -> Self {
        Self { answer: Replay::Stored(stored), replayed: true }
    }
}

#[async_trait]
impl<A: Writer + Send> Writer for Replayable<A> {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        if self.replayed {
            let mark = HeaderName::from_static("idempotency-replayed");
            res.headers_mut().insert(mark, HeaderValue::from_static("true"));
        }
        match self.answer {
            Replay::Fresh(answer) => answer.write(req, depot, res).await,
            Replay::Stored(stored) => {
                res.status_code(StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK));
                res.render(Text::Json(stored.body));
            }
        }
    }
}

impl<A: EndpointOutRegister> EndpointOutRegister for Replayable<A> {
    fn register(components: &mut Components, operation: &mut Operation) {
        A::register(components, operation);
    }
}

/// 204: it is done, and there is nothing to say.
pub(crate) struct NoContent;

#[async_trait]
impl Writer for NoContent {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        res.status_code(StatusCode::NO_CONTENT);
    }
}

impl EndpointOutRegister for NoContent {
    fn register(_components: &mut Components, operation: &mut Operation) {
        operation.responses.insert("204", ResponseDoc::new("Done"));
    }
}

/// An answer that no cache may keep.
pub(crate) struct NoStore<T>(pub(crate) T);

#[async_trait]
impl<T: Writer + Send> Writer for NoStore<T> {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        res.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.0.write(req, depot, res).await;
    }
}

impl<T: EndpointOutRegister> EndpointOutRegister for NoStore<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        T::register(components, operation);
    }
}

/// One page of a list; made by `List::page`.
#[derive(Serialize)]
pub(crate) struct Paged<T> {
    pub(crate) count: Option<i64>,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) results: Vec<T>,
    #[serde(skip)]
    pub(crate) shows: Shows,
}

#[async_trait]
impl<T: Serialize + Send> Writer for Paged<T> {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        if self.shows.everything() {
            return res.render(Json(self));
        }
        let results: Result<Vec<_>, _> =
            self.results.iter().map(|row| self.shows.part_of(row)).collect();
        match results {
            Ok(results) => res.render(Json(Paged {
                results,
                count: self.count,
                next: self.next,
                previous: self.previous,
                shows: self.shows,
            })),
            Err(error) => ApiError::from(Error::internal(error)).write(req, depot, res).await,
        }
    }
}

impl<T: ToSchema> EndpointOutRegister for Paged<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        let link = || {
            Object::with_type(salvo::oapi::SchemaType::from_iter([
                BasicType::String,
                BasicType::Null,
            ]))
        };
        let page = Object::new()
            .property(
                "count",
                Object::with_type(salvo::oapi::SchemaType::from_iter([
                    BasicType::Integer,
                    BasicType::Null,
                ]))
                .description("All rows that match; null in a feed, which is not counted"),
            )
            .property("next", link().description("URL of the next page"))
            .property("previous", link().description("URL of the previous page"))
            .property("results", Array::new().items(T::to_schema(components)))
            .required("count")
            .required("next")
            .required("previous")
            .required("results");
        document(operation, "200", "One page", page);
    }
}

/// One thing, with the fields that were asked for; made by `View::show`.
pub(crate) struct Viewed<T> {
    pub(crate) value: T,
    pub(crate) shows: Shows,
}

#[async_trait]
impl<T: Serialize + Send> Writer for Viewed<T> {
    async fn write(self, req: &mut Request, depot: &mut Depot, res: &mut Response) {
        if self.shows.everything() {
            return res.render(Json(self.value));
        }
        match self.shows.part_of(&self.value) {
            Ok(part) => res.render(Json(part)),
            Err(error) => ApiError::from(Error::internal(error)).write(req, depot, res).await,
        }
    }
}

impl<T: ToSchema> EndpointOutRegister for Viewed<T> {
    fn register(components: &mut Components, operation: &mut Operation) {
        document(operation, "200", "OK", T::to_schema(components));
    }
}

fn document(
    operation: &mut Operation,
    status: &str,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
) {
    operation.responses.insert(
        status,
        ResponseDoc::new(description).add_content("application/json", Content::new(schema)),
    );
}
