//! The documentation, generated from the handlers: `/api/v1/schema/`, and a page to read it at `/api/v1/docs/`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Once;

use salvo::Router;
use salvo::http::{Method, StatusCode};
use salvo::oapi::naming::{FlexNamer, set_namer};
use salvo::oapi::security::{Http, HttpAuthScheme};
use salvo::oapi::{
    Components, Content, Info, OpenApi, Operation, PathItemType, RefOr, Response, SecurityScheme,
    Server, ToSchema,
};
use shared::Code;
use shared::error::Kind;

use crate::error::{Failure, status};
use crate::limits::Group;

/// The tag of operations that speak a provider's protocol.
const WEBHOOKS: &str = "webhooks";

/// The name of the bearer scheme.
pub(crate) const BEARER: &str = "bearer";

const INTRODUCTION: &str = "WibeStore, a marketplace for game accounts.\n\n\
    A trailing slash is canonical; the same path without it is served alike. Amounts are strings with two decimals (UZS). \
    Every failure has one shape, `{\"success\": false, \"error\": {\"code\", \"message\", \"details\"}}`; the code is stable, \
    the message is in the person's language or that of `Accept-Language` (uz, ru, en), and `details` names wrong fields.\n\n\
    Lists answer `{count, next, previous, results}` and take `page` and `limit` (at most 100), or `limit` and `offset`; \
    `fields` picks fields of each row. An empty parameter is an absent one; an unknown one is refused. Long histories are \
    also feeds: `cursor=start`, then each `next`; they are not counted.\n\n\
    Requests are counted per group of routes (`x-rate-limit` names it) and per person, or per address for strangers and \
    sign-ins. `RateLimit-Policy: \"auth\";q=10;w=60` says how many are let through in any 60 seconds, \
    `RateLimit: \"auth\";r=9;t=60` how many are left and in how many seconds there is one more; over the limit the answer is \
    429 `RATE_LIMITED` with `Retry-After`. Times are real seconds.\n\n\
    A POST that takes `Idempotency-Key` may be repeated with the same key: it has one effect and one answer, and only \
    successes are remembered.\n\n\
    | code | status | meaning |\n|---|---|---|\n";

/// The document of a router.
pub(crate) fn document(router: &Router, public_url: &str) -> OpenApi {
    short_names();
    let bearer = Http::new(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description("The `access` token of a sign-in");
    let mut document = OpenApi::with_info(
        Info::new("WibeStore API", env!("CARGO_PKG_VERSION")).description(introduction()),
    )
    .add_server(Server::new(public_url))
    .add_security_scheme(BEARER, SecurityScheme::Http(bearer))
    .merge_router(router);
    let (mut components, mut ids) = (Components::new(), BTreeMap::new());
    for (path, mut item) in std::mem::take(&mut *document.paths) {
        for (method, operation) in item.operations.iter_mut() {
            complete(&mut components, method, operation);
            name_limit(&path, method, operation);
            distinguish(&mut ids, operation);
        }
        // The router takes both forms; the documentation shows the canonical one.
        document.paths.insert(format!("{}/", path.trim_end_matches('/')), item);
    }
    document.components.append(&mut components);
    document
}

/// Adds what any operation can answer. Providers are answered in their own protocols.
fn complete(components: &mut Components, method: &PathItemType, operation: &mut Operation) {
    if operation.tags.iter().any(|tag| tag == WEBHOOKS) {
        return;
    }
    let kinds = [Kind::MethodNotAllowed, Kind::TooMany, Kind::Internal, Kind::Unavailable];
    declare(components, operation, &kinds);
    if !matches!(method, PathItemType::Get | PathItemType::Head) {
        declare(components, operation, &[Kind::Conflict]);
    }
    give_failures_their_body(components, operation);
}

/// Says which limit an operation counts against.
fn name_limit(path: &str, method: &PathItemType, operation: &mut Operation) {
    let reads = matches!(method, PathItemType::Get | PathItemType::Head);
    let method = if reads { Method::GET } else { Method::POST };
    let group = Group::of(&method, path);
    operation.extensions.insert("x-rate-limit".to_owned(), group.name().into());
}

/// A handler that is served under several names has an id for each.
fn distinguish(ids: &mut BTreeMap<String, usize>, operation: &mut Operation) {
    if let Some(id) = &mut operation.operation_id {
        let times = ids.entry(id.clone()).and_modify(|times| *times += 1).or_insert(1);
        if *times > 1 {
            *id = format!("{id}_{times}");
        }
    }
}

/// Adds the failures that an operation can answer with.
pub(crate) fn declare(components: &mut Components, operation: &mut Operation, kinds: &[Kind]) {
    let schema: RefOr<_> = Failure::to_schema(components);
    for kind in kinds {
        let status = status(*kind);
        if !operation.responses.contains_key(status.as_str()) {
            let response = Response::new(meaning(*kind, status))
                .add_content("application/json", Content::new(schema.clone()));
            operation.responses.insert(status.as_str(), response);
        }
    }
}

/// A failure that a handler declared by its description alone has the same body as all others.
fn give_failures_their_body(components: &mut Components, operation: &mut Operation) {
    for (status, response) in operation.responses.iter_mut() {
        if let RefOr::Type(response) = response
            && status.starts_with(['4', '5'])
            && response.contents.is_empty()
        {
            response.contents.insert(
                "application/json".to_owned(),
                Content::new(Failure::to_schema(components)),
            );
        }
    }
}

/// The codes of a kind, for the description of its status.
fn meaning(kind: Kind, status: StatusCode) -> String {
    let codes: Vec<&str> =
        Code::ALL.iter().filter(|code| code.kind() == kind).map(|code| code.as_str()).collect();
    format!("{}: {}", status.canonical_reason().unwrap_or("Failure"), codes.join(", "))
}

fn introduction() -> String {
    Code::ALL.iter().fold(INTRODUCTION.to_owned(), |mut text, code| {
        let (status, message) = (status(code.kind()), code.message().en);
        writeln!(text, "| `{}` | {} | {message} |", code.as_str(), status.as_u16())
            .expect("a String takes any text");
        text
    })
}

/// Schemas are named by their type alone, not by their module.
fn short_names() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_namer(FlexNamer::new().short_mode(true)));
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use salvo::oapi::EndpointRegistry;

    use super::*;
    use crate::router::routes;

    /// The handlers of a router that are not in the documentation.
    fn undocumented(router: &Router, path: &str, found: &mut Vec<String>) {
        let own: Vec<String> =
            router.filters().iter().map(|filter| format!("{filter:?}")).collect();
        let path = format!("{path} {}", own.join(" "));
        if let Some(goal) = &router.goal {
            let id: TypeId = goal.type_id();
            if EndpointRegistry::find(&id).is_none() {
                found.push(format!("{path}: {}", goal.type_name()));
            }
        }
        for inner in router.routers() {
            undocumented(inner, &path, found);
        }
    }

    #[test]
    fn every_route_is_documented() {
        let mut found = Vec::new();
        undocumented(&routes(), "", &mut found);
        // A provider's address answers every method in its own way; one of them is documented.
        found.retain(|route| !route.ends_with("::other_method"));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn every_operation_says_what_it_is_and_how_it_fails() {
        let document = document(&routes(), "http://127.0.0.1:8000");
        let mut ids = Vec::new();
        for (path, item) in document.paths.iter() {
            assert!(path.ends_with('/'), "{path} lacks the canonical slash");
            for (method, operation) in item.operations.iter() {
                let name = format!("{method:?} {path}");
                assert!(
                    operation.summary.as_ref().is_some_and(|summary| !summary.is_empty()),
                    "{name} has no summary"
                );
                assert!(!operation.tags.is_empty(), "{name} has no tag");
                let own_protocol = operation.tags.iter().any(|tag| tag == WEBHOOKS);
                for status in ["405", "429", "500", "503"] {
                    assert!(
                        own_protocol || operation.responses.contains_key(status),
                        "{name} does not declare {status}"
                    );
                }
                assert!(
                    operation.responses.keys().any(|status| status.starts_with('2')),
                    "{name} does not say what it answers"
                );
                ids.push(operation.operation_id.clone());
            }
        }
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "operation ids repeat");
        let json = document.to_json().expect("serializes");
        assert!(json.contains("\"openapi\":\"3.1.0\"") && json.contains("INSUFFICIENT_FUNDS"));
    }
}
