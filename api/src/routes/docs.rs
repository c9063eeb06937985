//! The documentation as JSON, and a page to read it with. The page's files come from us: no foreign host is asked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use salvo::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use salvo::oapi::OpenApi;
use salvo::oapi::swagger_ui::{self, Config, SwaggerUi};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, Router, Writer as _, async_trait};
use sha2::{Digest as _, Sha256};
use shared::Error;

use crate::error::ApiError;

const TITLE: &str = "WibeStore API";

/// The document and its page.
pub(crate) fn router(document: OpenApi) -> Router {
    // No validator: the page would send the document to a foreign host.
    let config = Config::new(["/api/v1/schema/"]).validator_url("none");
    let policy = Policy::new(&config);
    Router::with_path("api/v1")
        .push(Router::with_path("schema").get(Schema::new(&document)))
        .push(Router::with_path("docs/{**}").hoop(policy).get(SwaggerUi::new(config).title(TITLE)))
}

/// The page's own policy: its files, its inline styles, and exactly its one inline script.
struct Policy(Option<HeaderValue>);

impl Policy {
    fn new(config: &Config<'static>) -> Self {
        let page = swagger_ui::serve("", TITLE, "", "", config).ok().flatten();
        let page = page
            .and_then(|page| String::from_utf8(page.bytes.into_owned()).ok())
            .unwrap_or_default();
        let script = page
            .rsplit_once("<script>")
            .and_then(|(_, rest)| rest.split_once("</script>"))
            .map_or("", |(script, _)| script);
        let hash = STANDARD.encode(Sha256::digest(script));
        let policy = format!(
            "default-src 'self'; script-src 'self' 'sha256-{hash}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
             frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
        );
        Self(HeaderValue::from_str(&policy).ok())
    }
}

#[async_trait]
impl Handler for Policy {
    async fn handle(
        &self,
        _req: &mut Request,
        _depot: &mut Depot,
        res: &mut Response,
        _ctrl: &mut FlowCtrl,
    ) {
        if let Some(policy) = &self.0 {
            res.headers_mut().insert(CONTENT_SECURITY_POLICY, policy.clone());
        }
    }
}

/// The document, written once.
struct Schema {
    json: Result<String, String>,
}

impl Schema {
    fn new(document: &OpenApi) -> Self {
        Self { json: document.to_json().map_err(|error| error.to_string()) }
    }
}

#[async_trait]
impl Handler for Schema {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        _ctrl: &mut FlowCtrl,
    ) {
        match &self.json {
            Ok(json) => {
                res.headers_mut().insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/json; charset=utf-8"),
                );
                res.body(json.clone());
            }
            Err(error) => {
                ApiError::from(Error::internal(error.clone())).write(req, depot, res).await;
            }
        }
    }
}
