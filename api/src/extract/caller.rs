//! Where a request comes from, for sessions and the audit log.

use salvo::http::header::USER_AGENT;
use salvo::oapi::{Components, Operation};
use salvo::{Depot, Request};
use shared::Result;
use shared::accounts::Client;

use super::address::client_address;
use super::{FromRequest, extractor};
use crate::app::AppState;

/// Longer descriptions of a program are cut.
const USER_AGENT_MAX: usize = 300;

/// The other side of the connection, or whom our proxies saw there.
pub(crate) struct Caller(pub(crate) Client);

impl FromRequest for Caller {
    async fn read(req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        let app = AppState::of(depot)?;
        let address = client_address(req, &app.settings.http.trusted_proxies);
        let agent = req.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(Client {
            ip: address.map(|address| address.to_string()),
            user_agent: agent.map(|text| text.chars().take(USER_AGENT_MAX).collect()),
        }))
    }

    fn describe(_components: &mut Components, _operation: &mut Operation, _arg: &str) {}
}

extractor!([] Caller);
