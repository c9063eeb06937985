//! JSON bodies: read whole or refused, with every wrong field named.

mod problems;
mod walk;

use std::borrow::Cow;
use std::io;
use std::ops::Deref;

use salvo::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use salvo::http::{ParseError, mime};
use salvo::oapi::{Components, Content, Operation, RequestBody, Required, ToSchema};
use salvo::{Depot, Request};
use serde::de::DeserializeOwned;
use shared::error::Kind;
use shared::{Code, Error, Result};
use validator::Validate;

use super::{FromRequest, extractor};
use crate::app::AppState;
use crate::openapi;

/// More problems of one body are not told.
const PROBLEMS_MAX: usize = 20;
/// The names of our own fields are shorter, in characters.
const NAME_SHOWN: usize = 60;

/// A body that must be there.
pub(crate) struct Body<T>(pub(crate) T);

/// A body that may be left out: nothing means the default.
pub(crate) struct OptionalBody<T>(pub(crate) T);

/// What can be a body: `#[derive(Deserialize, ToSchema, Validate)] #[serde(deny_unknown_fields)]`.
pub(crate) trait Payload: DeserializeOwned + ToSchema + Validate + Send + 'static {}

impl<T: DeserializeOwned + ToSchema + Validate + Send + 'static> Payload for T {}

/// A body with a default.
pub(crate) trait OptionalPayload: Payload + Default {}

impl<T: Payload + Default> OptionalPayload for T {}

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for OptionalBody<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Payload> FromRequest for Body<T> {
    async fn read(req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        let max = AppState::of(depot)?.settings.http.max_body_bytes;
        must_be_json(req)?;
        parse(bytes(req, max).await?).map(Self)
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        describe::<T>(components, operation, Required::True);
    }
}

extractor!([T: Payload] Body<T>);

impl<T: OptionalPayload> FromRequest for OptionalBody<T> {
    async fn read(req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        let max = AppState::of(depot)?.settings.http.max_body_bytes;
        let typed = must_be_json(req);
        let body = bytes(req, max).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        typed?;
        parse(body).map(Self)
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        describe::<T>(components, operation, Required::False);
    }
}

extractor!([T: OptionalPayload] OptionalBody<T>);

fn describe<T: Payload>(
    components: &mut Components,
    operation: &mut Operation,
    required: Required,
) {
    let content = Content::new(T::to_schema(components));
    operation.request_body =
        Some(RequestBody::new().required(required).add_content("application/json", content));
    let kinds = [Kind::Invalid, Kind::TooSlow, Kind::TooLarge, Kind::Unsupported];
    openapi::declare(components, operation, &kinds);
}

fn header(req: &Request, name: HeaderName) -> Option<&str> {
    req.headers().get(name).and_then(|value| value.to_str().ok())
}

/// `application/json`, in UTF-8 and as it is: anything else is 415. It also keeps foreign forms out.
fn must_be_json(req: &Request) -> Result<()> {
    let plain = header(req, CONTENT_ENCODING)
        .is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
    let kind = header(req, CONTENT_TYPE).and_then(|text| text.parse::<mime::Mime>().ok());
    let json = kind.is_some_and(|kind| {
        let utf8 = kind.get_param(mime::CHARSET).is_none_or(|charset| charset == mime::UTF_8);
        kind.essence_str() == mime::APPLICATION_JSON.essence_str() && utf8
    });
    if plain && json { Ok(()) } else { Err(Code::UnsupportedMediaType.into()) }
}

/// The body's bytes, refused before they are read when they are too many.
async fn bytes(req: &mut Request, max: usize) -> Result<&[u8]> {
    let announced = header(req, CONTENT_LENGTH).and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max) {
        return Err(Code::PayloadTooLarge.into());
    }
    match req.payload_with_max_size(max).await {
        Ok(bytes) => Ok(bytes.as_ref()),
        Err(ParseError::PayloadTooLarge) => Err(Code::PayloadTooLarge.into()),
        Err(error) => {
            tracing::debug!(target: "http", %error, "the body broke off");
            Err(if stood_still(&error) { Code::RequestTimeout } else { Code::MalformedJson }.into())
        }
    }
}

/// Whether the body broke off because the server was tired of waiting for it.
pub(super) fn stood_still(error: &ParseError) -> bool {
    let ParseError::Other(cause) = error else { return false };
    let mut cause = Some(cause.as_ref() as &(dyn std::error::Error + 'static));
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        // An I/O error skips what it wraps when it is asked for its source.
        let wrapped = io.and_then(io::Error::get_ref);
        cause = wrapped.map(|error| error as &(dyn std::error::Error + 'static)).or(error.source());
    }
    false
}

/// Reads, checks and validates a body. Typed values are read from the text itself, so that no number passes
/// through a float on its way.
fn parse<T: Payload>(body: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(body).ok().ok_or(Code::MalformedJson)?;
    let names = walk::check(text)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value: T = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| problems::unreadable::<T>(&error, &names))?;
    value.validate().map_err(|errors| problems::invalid(&errors))?;
    Ok(value)
}

/// The platform's error for a body that was read and is wrong.
fn wrong() -> Error {
    Error::new(Code::ValidationError)
}

/// A name that a caller made up, cut short.
pub(super) fn shortened(name: &str) -> Cow<'_, str> {
    let end = name.char_indices().nth(NAME_SHOWN).map(|(at, _)| at);
    let start = end.and_then(|end| name.get(..end));
    start.map_or(Cow::Borrowed(name), |start| Cow::Owned(format!("{start}…")))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;
    use shared::Money;
    use shared::language::Language;
    use validator::ValidationError;

    use super::*;

    #[derive(Debug, Deserialize, ToSchema, Validate)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is looked at")]
    struct Thing {
        #[validate(length(min = 2, max = 5))]
        name: String,
        #[salvo(schema(value_type = String))]
        price: Money,
        #[validate(range(min = 0, max = 9))]
        #[serde(default)]
        count: i32,
        #[validate(email)]
        email: Option<String>,
        #[serde(default)]
        tags: Vec<String>,
        #[validate(custom(function = "uzbek"))]
        phone: Option<String>,
        color: Option<Color>,
    }

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        Blue,
    }

    fn uzbek(phone: &str) -> Result<(), ValidationError> {
        if phone.starts_with("+998") { Ok(()) } else { Err(ValidationError::new("phone")) }
    }

    /// The answer to a body: code and details in English, or `"read"`.
    fn answer(body: &[u8]) -> serde_json::Value {
        match parse::<Thing>(body) {
            Ok(_) => json!("read"),
            Err(error) => json!([error.code().as_str(), error.details(Language::En)]),
        }
    }

    fn refused(body: &str, details: serde_json::Value) {
        assert_eq!(answer(body.as_bytes()), json!(["VALIDATION_ERROR", details]), "{body}");
    }

    #[test]
    fn a_good_body_is_read() {
        for good in [
            r#"{"name":"abc","price":"10.50"}"#,
            r#" {"name":"a\nb","price":10.5,"count":9,"email":"a@b.uz","tags":["x"],"phone":null,"color":"red"} "#,
        ] {
            assert_eq!(answer(good.as_bytes()), json!("read"), "{good}");
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        let deep = format!("{{\"tags\":{}{}}}", "[".repeat(128), "]".repeat(128));
        for bad in [
            b"".as_slice(),
            b"{",
            b"{\"name\":\"a\",}",
            b"{\"name\":\"a\"} x",
            b"{'name':1}",
            b"{\"name\":\"\xff\"}",
            b"{\"name\":\"\\ud800\"}",
            b"{\"name\":\"a\x00\"}",
            b"NaN",
            deep.as_bytes(),
        ] {
            assert_eq!(
                answer(bad),
                json!(["MALFORMED_JSON", {}]),
                "{}",
                String::from_utf8_lossy(bad)
            );
        }
    }

    #[test]
    fn only_an_object_is_a_body() {
        for bad in ["[]", "null", "\"x\"", "1", "true"] {
            refused(bad, json!({ "body": ["Must be an object."] }));
        }
    }

    #[test]
    fn every_missing_and_every_unknown_field_is_named() {
        refused(
            "{}",
            json!({ "name": ["This field is required."], "price": ["This field is required."] }),
        );
        refused(
            r#"{"is_staff":true,"balance":1,"name":"abc"}"#,
            json!({ "is_staff": ["Unknown field."], "balance": ["Unknown field."], "price": ["This field is required."] }),
        );
        refused(
            r#"{"name":"abc","price":"1","name":"abc"}"#,
            json!({ "name": ["The field is given twice."] }),
        );
    }

    #[test]
    fn a_wrong_type_is_named_with_its_path() {
        let with = |field: &str| format!(r#"{{"name":"abc","price":"1",{field}}}"#);
        for (field, details) in [
            (r#""count":"3""#, json!({ "count": ["Must be a whole number."] })),
            (r#""count":1.5"#, json!({ "count": ["Must be a whole number."] })),
            (r#""count":99999999999"#, json!({ "count": ["Must be a whole number."] })),
            (r#""email":5"#, json!({ "email": ["Must be a text."] })),
            (r#""tags":"x""#, json!({ "tags": ["Must be a list."] })),
            (r#""tags":["x",7]"#, json!({ "tags[1]": ["Must be a text."] })),
            (r#""color":"green""#, json!({ "color": ["One of: red, blue."] })),
        ] {
            refused(&with(field), details);
        }
        for price in
            ["1.005", "1e3", "-1", "\"12,5\"", "\" 1\"", "null", "99999999999999999999", "[1]"]
        {
            let body = format!(r#"{{"name":"abc","price":{price}}}"#);
            refused(
                &body,
                json!({ "price": ["An amount: a positive number with at most two decimals."] }),
            );
        }
    }

    #[test]
    fn rules_are_told_with_their_limits() {
        let with = |field: &str| format!(r#"{{"price":"1",{field}}}"#);
        for (field, details) in [
            (r#""name":"a""#, json!({ "name": ["At least 2 characters."] })),
            (r#""name":"abcdef""#, json!({ "name": ["At most 5 characters."] })),
            (r#""name":"abc","count":10"#, json!({ "count": ["At most 9."] })),
            (r#""name":"abc","count":-1"#, json!({ "count": ["At least 0."] })),
            (r#""name":"abc","email":"x""#, json!({ "email": ["Not an e-mail address."] })),
            (
                r#""name":"abc","phone":"998""#,
                json!({ "phone": ["The phone number must look like +998XXXXXXXXX."] }),
            ),
        ] {
            refused(&with(field), details);
        }
    }

    #[test]
    fn a_name_that_no_field_has_ends_the_reading_whatever_hangs_below_it() {
        // One megabyte each: with the whole path at every item the first made 29 GB of text, the second copied 125 GB.
        let name = "A".repeat(500_000);
        let marks = vec![r#""\u0001""#; 60_000].join(",");
        let zeros = vec!["0"; 250_000].join(",");
        let shown = format!("{}…", "A".repeat(60));
        for items in [marks, zeros] {
            refused(
                &format!(r#"{{"{name}":[{items}]}}"#),
                json!({ shown.as_str(): ["At most 200 characters."] }),
            );
        }
    }

    #[test]
    fn twenty_problems_are_enough_and_end_the_reading() {
        let details = |body: &str| match parse::<Thing>(body.as_bytes()) {
            Ok(_) => json!("read"),
            Err(error) => error.details(Language::En),
        };
        // What comes after them is not even JSON.
        let marks = vec![r#""\u0001""#; 20].join(",");
        let named = details(&format!(r#"{{"tags":[{marks}, this is not JSON"#));
        assert_eq!(named.as_object().map(serde_json::Map::len), Some(20), "{named}");
        assert!(named.get("tags[19]").is_some(), "{named}");
        let twice = details(&format!("{{{}not JSON", r#""x":0,"#.repeat(21)));
        let sentences = twice.get("x").and_then(serde_json::Value::as_array).map(Vec::len);
        assert_eq!(sentences, Some(20), "{twice}");
        // A path ends somewhere, however deep its value lies.
        let name = "B".repeat(200);
        let deep =
            format!("{}\"\\u0001\"{}", format!(r#"{{"{name}":"#).repeat(100), "}".repeat(100));
        let told = details(&deep).to_string();
        assert!(told.len() < 600 && told.contains("not allowed"), "{told}");
        // Neither are all the names told that no field has, nor all the rules that are broken.
        let names: Vec<String> = (0..50_000).map(|number| format!(r#""n{number}":0"#)).collect();
        let told = details(&format!("{{{}}}", names.join(",")));
        assert!(told.as_object().is_some_and(|fields| fields.len() <= 24), "{told}");
    }

    #[test]
    fn control_characters_are_refused_wherever_they_are() {
        let control = json!(["Contains characters that are not allowed."]);
        for (body, path) in [
            (r#"{"name":"a\u0000b","price":"1"}"#, "name"),
            (r#"{"name":"abc","price":"1","tags":["ok","\u001b[0m"]}"#, "tags[1]"),
            (r#"{"name":"abc","price":"1","tags":[{"a":["\u0007"]}]}"#, "tags[0].a[0]"),
        ] {
            refused(body, json!({ path: control }));
        }
    }
}
