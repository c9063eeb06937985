//! Forms with a file: one file under the one name that the address knows. What a client calls the file is not even read.

use salvo::Request;
use salvo::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use salvo::http::{ParseError, mime};
use salvo::oapi::{BasicType, Content, KnownFormat, Object, SchemaFormat};
use shared::error::texts;
use shared::language::Text;
use shared::uploads::RECEIVED_MAX;
use shared::{Code, Error, Result};

use super::body::stood_still;

/// What a form may hold beside its file, in bytes: boundaries and headers.
const FRAME_MAX: usize = 64 << 10;
/// More parts are an attempt to keep us busy.
const PARTS_MAX: usize = 8;

const NOT_A_FORM: Text = Text::new(
    "multipart/form-data formasi buzilgan.",
    "Повреждённая форма multipart/form-data.",
    "Not a whole multipart/form-data form.",
);

/// Whether the body says that it is a form with files.
pub(crate) fn is_multipart(req: &Request) -> bool {
    let kind = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|text| text.parse::<mime::Mime>().ok());
    kind.is_some_and(|kind| kind.type_() == mime::MULTIPART)
}

/// The file of a form that has this one field.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE` for anything but `multipart/form-data` as it is; `PAYLOAD_TOO_LARGE`; `REQUEST_TIMEOUT` when it
/// stood still; `VALIDATION_ERROR` for a form that is broken, has other fields, too many parts, or no file.
pub(crate) async fn file(req: &mut Request, field: &'static str) -> Result<Vec<u8>> {
    let boundary = boundary(req)?;
    let body = body(req).await?;
    let broken = |error: multra::Error| {
        tracing::debug!(target: "http", %error, "a form was refused");
        Error::field("body", NOT_A_FORM)
    };
    let stream = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let mut form = multra::Multipart::try_new(stream, boundary).map_err(broken)?;
    let (mut parts, mut found) = (0, None);
    while let Some(part) = form.next_field().await.map_err(broken)? {
        parts += 1;
        if parts > PARTS_MAX {
            return Err(Error::field("body", NOT_A_FORM));
        }
        match part.name() {
            Some(name) if name == field => {}
            Some(name) => {
                let name: String = name.chars().take(64).collect();
                return Err(Error::field(name, texts::UNKNOWN));
            }
            None => return Err(Error::field("body", NOT_A_FORM)),
        }
        let bytes = part.bytes().await.map_err(broken)?;
        if found.replace(Vec::from(bytes)).is_some() {
            return Err(Error::field(field, texts::INVALID));
        }
    }
    let file = found.filter(|file| !file.is_empty());
    let file = file.ok_or_else(|| Error::field(field, texts::REQUIRED))?;
    if file.len() > RECEIVED_MAX { Err(Code::PayloadTooLarge.into()) } else { Ok(file) }
}

/// A form without its boundary is broken; another type of body is another thing.
fn boundary(req: &Request) -> Result<String> {
    let plain = req.headers().get(CONTENT_ENCODING);
    let plain = plain.is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let kind = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.filter(|_| plain && is_multipart(req)).ok_or(Code::UnsupportedMediaType)?;
    multra::parse_boundary(kind).ok().ok_or_else(|| Error::field("body", NOT_A_FORM))
}

/// The body, refused before it is read when it is too large.
async fn body(req: &mut Request) -> Result<salvo::hyper::body::Bytes> {
    let max = RECEIVED_MAX + FRAME_MAX;
    let announced = req.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| length > max) {
        return Err(Code::PayloadTooLarge.into());
    }
    match req.payload_with_max_size(max).await {
        Ok(bytes) => Ok(bytes.clone()),
        Err(ParseError::PayloadTooLarge) => Err(Code::PayloadTooLarge.into()),
        Err(error) => {
            tracing::debug!(target: "http", %error, "the body broke off");
            Err(if stood_still(&error) {
                Code::RequestTimeout.into()
            } else {
                Error::field("body", NOT_A_FORM)
            })
        }
    }
}

/// The documentation of such a form.
pub(crate) fn multipart_body(field: &'static str) -> Content {
    let file = Object::with_type(BasicType::String)
        .format(SchemaFormat::KnownFormat(KnownFormat::Binary))
        .description("JPEG, PNG or WebP, at most 5 MiB and 20 megapixels");
    Content::new(Object::new().property(field, file).required(field))
}
