//! How often each route may be asked: one table of groups, next to the router. A test fails for a route without one.

use salvo::http::Method;
use shared::settings::{LimitSettings, Rate};

/// Routes that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Account,
    Admin,
    Auth,
    Bot,
    Catalogue,
    Chats,
    Community,
    Deals,
    Docs,
    Health,
    Jobs,
    Money,
    Password,
    Plans,
    Polled,
    Profile,
    Refresh,
    Reveal,
    Selling,
    Unmatched,
    Uploads,
    Webhooks,
}

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Everybody behind an address: who guesses passwords has a new account for each guess.
    Address,
    /// The person of the access token; without one, the address.
    Person,
    /// The session of the refresh token in body or cookie; without one, the address. The people behind one NAT refresh at their
    /// own pace.
    Session,
}

/// Which calls a line is about.
#[derive(Clone, Copy)]
enum Calls {
    All,
    Reads,
}

use Calls::{All, Reads};

/// Routes under `/api/v1/` by how they begin; the first line that fits decides. What strangers may call under `auth` is in
/// the strict group unless a line says otherwise.
const GROUPS: &[(Calls, &str, Group)] = &[
    (All, "health", Group::Health),
    (All, "docs", Group::Docs),
    (Reads, "media", Group::Catalogue),
    (All, "schema", Group::Docs),
    (All, "payments/webhooks", Group::Webhooks),
    (All, "auth/me", Group::Account),
    (All, "auth/sessions", Group::Account),
    (All, "auth/users", Group::Account),
    (All, "auth/logout", Group::Account),
    (All, "auth/ws-ticket", Group::Account),
    (All, "auth/refresh", Group::Refresh),
    (All, "auth/password/change", Group::Password),
    (All, "auth/account/delete", Group::Password),
    (All, "auth/telegram", Group::Bot),
    (All, "auth", Group::Auth),
    (All, "games", Group::Catalogue),
    (Reads, "listings", Group::Catalogue),
    (All, "listings", Group::Selling),
    (All, "profile", Group::Profile),
    (All, "upload", Group::Uploads),
    (All, "uploads", Group::Uploads),
    (All, "payments/escrow/{id}/credentials", Group::Reveal),
    (All, "payments/escrow", Group::Deals),
    (All, "payments/purchase", Group::Deals),
    (All, "payments", Group::Money),
    (All, "subscriptions", Group::Plans),
    (Reads, "chats", Group::Polled),
    (All, "chats", Group::Chats),
    (Reads, "notifications", Group::Polled),
    (All, "notifications", Group::Chats),
    (All, "reviews", Group::Community),
    (All, "reports", Group::Community),
    (All, "users", Group::Community),
    (All, "statistics", Group::Community),
    (All, "admin-panel/jobs", Group::Jobs),
    (All, "admin-panel", Group::Admin),
];

/// A person with three tabs, each in a chat of which three pages are loaded, asks so much more often than others.
const POLLED_FACTOR: u32 = 3;
/// One bot asks for everybody.
const BOT_FACTOR: u32 = 10;
/// Far above what a provider sends, whose refused call is a late payment; far below a flood.
const WEBHOOKS_FACTOR: u32 = 60;

impl Group {
    /// All groups.
    pub(crate) const ALL: [Self; 22] = [
        Self::Account,
        Self::Admin,
        Self::Auth,
        Self::Bot,
        Self::Catalogue,
        Self::Chats,
        Self::Community,
        Self::Deals,
        Self::Docs,
        Self::Health,
        Self::Jobs,
        Self::Money,
        Self::Password,
        Self::Plans,
        Self::Polled,
        Self::Profile,
        Self::Refresh,
        Self::Reveal,
        Self::Selling,
        Self::Unmatched,
        Self::Uploads,
        Self::Webhooks,
    ];

    /// The group of a route, by its template such as `api/v1/games/{slug}`.
    pub(crate) fn of(method: &Method, template: &str) -> Self {
        let route = relative(template);
        let reads = matches!(*method, Method::GET | Method::HEAD);
        GROUPS
            .iter()
            .find(|(calls, start, _)| begins(route, start) && (matches!(calls, All) || reads))
            .map_or(Self::Unmatched, |(_, _, group)| *group)
    }

    /// Its name in `RateLimit`, in the documentation and in the metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Admin => "admin",
            Self::Auth => "auth",
            Self::Bot => "bot",
            Self::Catalogue => "catalogue",
            Self::Chats => "chats",
            Self::Community => "community",
            Self::Deals => "deals",
            Self::Docs => "docs",
            Self::Health => "health",
            Self::Jobs => "jobs",
            Self::Money => "money",
            Self::Password => "password",
            Self::Plans => "plans",
            Self::Polled => "polled",
            Self::Profile => "profile",
            Self::Refresh => "refresh",
            Self::Reveal => "reveal",
            Self::Selling => "selling",
            Self::Unmatched => "unmatched",
            Self::Uploads => "uploads",
            Self::Webhooks => "webhooks",
        }
    }

    /// Its limit; none when it is off. Health has none: a load balancer that is refused takes a good instance away.
    pub(crate) fn rate(self, limits: &LimitSettings) -> Option<Rate> {
        match self {
            Self::Auth | Self::Password | Self::Refresh | Self::Reveal => limits.auth,
            Self::Account
            | Self::Admin
            | Self::Catalogue
            | Self::Chats
            | Self::Community
            | Self::Deals
            | Self::Docs
            | Self::Jobs
            | Self::Money
            | Self::Plans
            | Self::Profile
            | Self::Selling
            | Self::Unmatched
            | Self::Uploads => limits.api,
            Self::Polled => limits.api.map(|rate| rate.times(POLLED_FACTOR)),
            Self::Bot => limits.api.map(|rate| rate.times(BOT_FACTOR)),
            Self::Webhooks => limits.api.map(|rate| rate.times(WEBHOOKS_FACTOR)),
            Self::Health => None,
        }
    }

    /// Who is counted in it.
    pub(crate) fn by(self) -> By {
        match self {
            Self::Auth
            | Self::Bot
            | Self::Docs
            | Self::Health
            | Self::Unmatched
            | Self::Webhooks => By::Address,
            Self::Refresh => By::Session,
            Self::Account
            | Self::Admin
            | Self::Catalogue
            | Self::Chats
            | Self::Community
            | Self::Deals
            | Self::Jobs
            | Self::Money
            | Self::Password
            | Self::Plans
            | Self::Polled
            | Self::Profile
            | Self::Reveal
            | Self::Selling
            | Self::Uploads => By::Person,
        }
    }
}

/// A template without `api/v1`, which the UI's admin pages say twice.
pub(crate) fn relative(template: &str) -> &str {
    let mut route = template.trim_matches('/');
    while let Some(rest) = route.strip_prefix("api/v1/") {
        route = rest;
    }
    route
}

/// Whether a route is `start` or below it.
pub(crate) fn begins(route: &str, start: &str) -> bool {
    route.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use salvo::oapi::PathItemType;

    use super::*;
    use crate::openapi;
    use crate::router::routes;

    #[test]
    fn every_route_has_a_group() {
        let document = openapi::document(&routes(), "http://127.0.0.1:8000");
        let mut seen = 0;
        for (path, item) in document.paths.iter() {
            for (method, _) in item.operations.iter() {
                let reads = matches!(method, PathItemType::Get | PathItemType::Head);
                let method = if reads { Method::GET } else { Method::POST };
                let group = Group::of(&method, path);
                assert_ne!(group, Group::Unmatched, "{method} {path}: add a line to GROUPS");
                seen += 1;
            }
        }
        assert!(seen > 80, "the routes are read");
    }

    #[test]
    fn the_first_line_that_fits_decides() {
        let (get, post) = (Method::GET, Method::POST);
        for (method, template, group) in [
            (&post, "api/v1/auth/login", Group::Auth),
            (&post, "api/v1/auth/whatever/comes", Group::Auth),
            (&get, "api/v1/auth/me", Group::Account),
            (&get, "api/v1/auth/meander", Group::Auth),
            (&post, "api/v1/auth/refresh", Group::Refresh),
            (&get, "api/v1/listings/{id}", Group::Catalogue),
            (&Method::HEAD, "/api/v1/listings/", Group::Catalogue),
            (&post, "api/v1/listings", Group::Selling),
            (&get, "api/v1/chats/{id}/messages", Group::Polled),
            (&post, "api/v1/chats/{id}/send", Group::Chats),
            (&get, "api/v1/payments/escrow/{id}/credentials", Group::Reveal),
            (&get, "api/v1/payments/escrow/{id}", Group::Deals),
            (&post, "api/v1/payments/webhooks/payme", Group::Webhooks),
            (&post, "api/v1/api/v1/admin-panel/trades/{id}/refund", Group::Admin),
            (&get, "api/v1/admin-panel/jobs/{id}", Group::Jobs),
            (&get, "health/ready", Group::Health),
            (&get, "api/v1/docs/{**}", Group::Docs),
            (&get, "", Group::Unmatched),
            (&get, "api/v1/nothing", Group::Unmatched),
        ] {
            assert_eq!(Group::of(method, template), group, "{method} {template}");
        }
    }

    #[test]
    fn groups_have_names_of_their_own() {
        let names: HashSet<_> = Group::ALL.into_iter().map(Group::name).collect();
        assert_eq!(names.len(), Group::ALL.len());
        for bucket in [shared::limits::WS, shared::limits::PICTURES] {
            assert!(!names.contains(bucket), "{bucket}");
        }
    }
}
