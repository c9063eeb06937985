//! Who is asking.

use std::ops::Deref;

use salvo::http::header::AUTHORIZATION;
use salvo::oapi::{Components, Operation, Response as ResponseDoc, SecurityRequirement};
use salvo::{Depot, Request};
use shared::accounts::{self, Principal, Right};
use shared::error::Kind;
use shared::telemetry::sentry;
use shared::{App, Code, Result};

use super::{FromRequest, extractor};
use crate::app::AppState;
use crate::openapi;

/// Longer paths are cut in the audit log.
const PATH_MAX: usize = 300;

/// A person with a live session; without one the answer is 401.
pub(crate) struct SignedIn(pub(crate) Principal);

/// A person, or nobody. A token that is sent must be good: the client then knows to refresh it.
pub(crate) struct MaybeSignedIn(pub(crate) Option<Principal>);

impl Deref for SignedIn {
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

/// A person with a live session who has proved who they are, as selling, buying and withdrawing take it; anybody else gets
/// 401 or 403.
pub(crate) struct Verified(pub(crate) Principal);

impl Deref for Verified {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl FromRequest for Verified {
    async fn read(req: &mut Request, depot: &mut Depot, arg: &str) -> Result<Self> {
        let SignedIn(principal) = SignedIn::read(req, depot, arg).await?;
        principal.verified()?;
        Ok(Self(principal))
    }

    fn describe(components: &mut Components, operation: &mut Operation, arg: &str) {
        SignedIn::describe(components, operation, arg);
    }
}

extractor!([] Verified);

/// People with a live session and a right; anybody else gets 401 or 403, and a 403 is in the audit log.
macro_rules! rights {
    ($($(#[$meta:meta])* $name:ident: $right:expr;)+) => { $(
        $(#[$meta])*
        pub(crate) struct $name(pub(crate) Principal);

        impl Deref for $name {
            type Target = Principal;

            fn deref(&self) -> &Principal {
                &self.0
            }
        }

        impl FromRequest for $name {
            async fn read(req: &mut Request, depot: &mut Depot, arg: &str) -> Result<Self> {
                let SignedIn(principal) = SignedIn::read(req, depot, arg).await?;
                require(&*AppState::of(depot)?, &principal, $right, &*req).await?;
                Ok(Self(principal))
            }

            fn describe(components: &mut Components, operation: &mut Operation, arg: &str) {
                let whom = format!("Forbidden: PERMISSION_DENIED, without the right `{}`", $right);
                operation.responses.insert("403", ResponseDoc::new(whom));
                SignedIn::describe(components, operation, arg);
            }
        }

        extractor!([] $name);
    )+ };
}

rights! {
    /// Somebody who works for the platform, be it to look.
    Staff: Right::Staff;
    /// Staff in any role, who decide about jobs.
    InAnyRole: Right::AnyRole;
    /// Staff who decide about listings, disputes and reports.
    Moderator: Right::Moderator;
    /// Staff who decide about people's money.
    Finance: Right::Finance;
    /// Somebody who may do everything.
    Superuser: Right::Superuser;
}

/// Lets people pass who have the right, and remembers those who have not: a handler whose other half is for staff asks here.
pub(crate) async fn require(
    app: &App,
    who: &Principal,
    right: Right,
    attempt: impl Into<Attempt>,
) -> Result<()> {
    if who.roles.may(right) {
        return Ok(());
    }
    let Attempt { route, path } = attempt.into();
    if let Err(error) = accounts::note_refusal(&app.db, who, right, &route, &path).await {
        tracing::error!(target: "http", error = %error.causes(), route, "a refusal is not in the audit log");
    }
    Err(Code::PermissionDenied.into())
}

/// What somebody asked for.
pub(crate) struct Attempt {
    route: String,
    path: String,
}

impl From<&Request> for Attempt {
    fn from(req: &Request) -> Self {
        let route = format!("{} /{}", req.method(), req.matched_path().trim_matches('/'));
        Self { route, path: req.uri().path().chars().take(PATH_MAX).collect() }
    }
}

impl FromRequest for Attempt {
    async fn read(req: &mut Request, _depot: &mut Depot, _arg: &str) -> Result<Self> {
        Ok(Self::from(&*req))
    }

    fn describe(_components: &mut Components, _operation: &mut Operation, _arg: &str) {}
}

extractor!([] Attempt);

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
