//! Who is asking.

use std::ops::Deref;

use salvo::http::header::AUTHORIZATION;
use salvo::oapi::{Components, Operation, SecurityRequirement};
use salvo::{Depot, Request};
use shared::accounts::{self, Principal};
use shared::error::Kind;
use shared::telemetry::sentry;
use shared::{Code, Result};

use super::{FromRequest, extractor};
use crate::app::AppState;
use crate::openapi;

/// A person with a live session; without one the answer is 401.
pub(crate) struct SignedIn(pub(crate) Principal);

/// A person with a live session who works for the platform; anybody else gets 401 or 403.
pub(crate) struct Staff(pub(crate) Principal);

/// A person with a live session who may do everything; anybody else gets 401 or 403.
pub(crate) struct Superuser(pub(crate) Principal);

/// A person, or nobody. A token that is sent must be good: the client then knows to refresh it.
pub(crate) struct MaybeSignedIn(pub(crate) Option<Principal>);

impl Deref for SignedIn {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl Deref for Staff {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl Deref for Superuser {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl FromRequest for SignedIn {
    async fn read(req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        Ok(Self(principal(req, depot).await?.ok_or(Code::NotAuthenticated)?))
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        require_bearer(operation);
        openapi::declare(components, operation, &[Kind::Unauthenticated, Kind::Forbidden]);
    }
}

extractor!([] SignedIn);

impl FromRequest for Staff {
    async fn read(req: &mut Request, depot: &mut Depot, arg: &str) -> Result<Self> {
        let SignedIn(principal) = SignedIn::read(req, depot, arg).await?;
        if principal.user.is_staff || principal.user.is_superuser {
            Ok(Self(principal))
        } else {
            Err(Code::PermissionDenied.into())
        }
    }

    fn describe(components: &mut Components, operation: &mut Operation, arg: &str) {
        SignedIn::describe(components, operation, arg);
    }
}

extractor!([] Staff);

impl FromRequest for Superuser {
    async fn read(req: &mut Request, depot: &mut Depot, arg: &str) -> Result<Self> {
        let SignedIn(principal) = SignedIn::read(req, depot, arg).await?;
        if principal.user.is_superuser {
            Ok(Self(principal))
        } else {
            Err(Code::PermissionDenied.into())
        }
    }

    fn describe(components: &mut Components, operation: &mut Operation, arg: &str) {
        SignedIn::describe(components, operation, arg);
    }
}

extractor!([] Superuser);

impl FromRequest for MaybeSignedIn {
    async fn read(req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        principal(req, depot).await.map(Self)
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        operation.securities.get_or_insert_default().extend([SecurityRequirement::default()]);
        require_bearer(operation);
        openapi::declare(components, operation, &[Kind::Unauthenticated, Kind::Forbidden]);
    }
}

extractor!([] MaybeSignedIn);

fn require_bearer(operation: &mut Operation) {
    let bearer = SecurityRequirement::new(openapi::BEARER, std::iter::empty::<String>());
    operation.securities.get_or_insert_default().extend([bearer]);
}

/// The person of the request's token, read once per request: the answer's language is theirs from then on.
async fn principal(req: &Request, depot: &mut Depot) -> Result<Option<Principal>> {
    if let Ok(known) = depot.get_typed::<Principal>() {
        return Ok(Some(known.clone()));
    }
    let Some(header) = req.headers().get(AUTHORIZATION) else { return Ok(None) };
    let token = header.to_str().ok().and_then(bearer).ok_or(Code::TokenInvalid)?;
    let app = AppState::of(depot)?;
    let claims = app.tokens.read_access(token)?;
    let principal = accounts::authenticate(&mut *app.db.read().await?, &claims).await?;
    sentry::on_behalf_of(principal.user.id);
    depot.insert_typed(principal.clone());
    Ok(Some(principal))
}

/// The token of an `Authorization: Bearer …` header.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn only_a_bearer_token_is_read() {
        for (header, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic abc", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(bearer(header), token, "{header:?}");
        }
    }
}
