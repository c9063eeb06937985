//! The documentation as JSON, and a page to read it with. The page's files come from us: no foreign host is asked.

use salvo::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use salvo::oapi::OpenApi;
use salvo::oapi::swagger_ui::SwaggerUi;
use salvo::{Depot, FlowCtrl, Handler, Request, Response, Router, async_trait, handler};
use shared::Error;

use crate::error::ApiError;

/// The page has one inline script and inline styles; everything else is a file of ours.
const POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

/// The document and its page.
pub(crate) fn router(document: OpenApi) -> Router {
    let page = SwaggerUi::new("/api/v1/schema/").title("WibeStore API");
    Router::with_path("api/v1")
        .push(Router::with_path("schema").get(Schema::new(&document)))
        .push(Router::with_path("docs/{**}").hoop(policy).get(page))
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
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, _ctrl: &mut FlowCtrl) {
        use salvo::Writer as _;
        match &self.json {
            Ok(json) => {
                res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
                res.body(json.clone());
            }
            Err(error) => ApiError::from(Error::internal(error.clone())).write(req, depot, res).await,
        }
    }
}

#[handler]
async fn policy(res: &mut Response) {
    res.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
}
