//! Pictures: sent, and shown where no bucket shows them.

use salvo::http::StatusCode;
use salvo::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use salvo::oapi::{
    BasicType, Components, Content, EndpointOutRegister, KnownFormat, Object, Operation,
    RequestBody, Required, Response as ResponseDoc, SchemaFormat,
};
use salvo::{Depot, Request, Response, async_trait};
use shared::error::Kind;
use shared::ids::UploadId;
use shared::storage::{AS_A_FILE, CACHE_FOR_EVER};
use shared::uploads::{self, Upload, UploadKind};
use shared::{App, Code, Result};

use crate::extract::{FromRequest, extractor, file, multipart_body};
use crate::openapi;
use crate::prelude::*;

/// The name of the file in the form.
const IMAGE: &str = "image";
/// A file opens as nothing but itself.
const SANDBOX: &str = "default-src 'none'; sandbox";

/// A picture that was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct UploadOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: UploadId,
    /// Absolute.
    url: String,
    width: i32,
    height: i32,
    /// Bytes.
    size: i32,
    /// `image/jpeg` or `image/png`.
    content_type: String,
}

/// The `image` of a form.
pub(crate) struct ImageForm(Vec<u8>);

impl FromRequest for ImageForm {
    async fn read(req: &mut Request, _depot: &mut Depot, _arg: &str) -> Result<Self> {
        file(req, IMAGE).await.map(Self)
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        let body = RequestBody::new().required(Required::True);
        operation.request_body =
            Some(body.add_content("multipart/form-data", multipart_body(IMAGE)));
        let kinds = [Kind::Invalid, Kind::TooLarge, Kind::Unsupported];
        openapi::declare(components, operation, &kinds);
    }
}

extractor!([] ImageForm);

/// Takes a picture, encodes it anew (without its EXIF) and keeps it. What is attached to nothing within a day is removed;
/// `PATCH profile/` with its `url` as `avatar_url` makes it the caller's picture.
#[endpoint(tags("uploads"))]
pub(crate) async fn upload_image(
    app: AppState,
    me: SignedIn,
    image: ImageForm,
) -> ApiResult<Created<UploadOut>> {
    let upload = uploads::store(&app, me.user.id, UploadKind::Image, (IMAGE, image.0)).await?;
    Ok(Created(UploadOut::of(&app, upload)))
}

impl UploadOut {
    fn of(app: &App, upload: Upload) -> Self {
        Self {
            id: upload.id,
            url: app.storage.url(&upload.key),
            width: upload.width,
            height: upload.height,
            size: upload.bytes,
            content_type: upload.content_type,
        }
    }
}

/// Shows a file. In production a bucket does so under another origin, and there is nothing here.
#[endpoint(tags("uploads"))]
pub(crate) async fn show_file(app: AppState, folder: Slug, name: Slug) -> ApiResult<File> {
    let content_type = uploads::content_type_of(&folder, &name).ok_or(Code::NotFound)?;
    if !app.storage.is_folder() {
        return Err(Code::NotFound.into());
    }
    let key = format!("{}/{}", &*folder, &*name);
    let bytes = app.storage.read(&key).await?.ok_or(Code::NotFound)?;
    Ok(File { content_type, bytes })
}

/// A file of ours.
pub(crate) struct File {
    content_type: &'static str,
    bytes: Vec<u8>,
}

#[async_trait]
impl Writer for File {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        let headers = res.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, self.content_type),
            (CONTENT_DISPOSITION, AS_A_FILE),
            (CACHE_CONTROL, CACHE_FOR_EVER),
            (CONTENT_SECURITY_POLICY, SANDBOX),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // Pages of the frontend's origin embed it.
            (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        res.status_code(StatusCode::OK);
        // The body may be cut off for HEAD; it is in memory either way.
        if let Err(error) = res.write_body(self.bytes) {
            tracing::warn!(target: "http", %error, "a file was not sent");
        }
    }
}

impl EndpointOutRegister for File {
    fn register(_components: &mut Components, operation: &mut Operation) {
        let bytes = Object::with_type(BasicType::String)
            .format(SchemaFormat::KnownFormat(KnownFormat::Binary));
        let file = ResponseDoc::new("The file").add_content("image/*", Content::new(bytes));
        operation.responses.insert("200", file);
    }
}
