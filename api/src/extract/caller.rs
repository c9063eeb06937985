//! Where a request comes from, for sessions and the audit log.

use salvo::http::header::USER_AGENT;
use salvo::oapi::{Components, Operation};
use salvo::{Depot, Request};
use shared::Result;
use shared::accounts::Client;

use super::{FromRequest, extractor};

/// Longer descriptions of a program are cut.
const USER_AGENT_MAX: usize = 300;

/// The other side of the connection.
pub(crate) struct Caller(pub(crate) Client);

impl FromRequest for Caller {
    async fn read(req: &mut Request, _depot: &mut Depot, _arg: &str) -> Result<Self> {
        let agent = req.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(Client {
            ip: req.remote_addr().clone().into_std().map(|address| address.ip().to_string()),
            user_agent: agent.map(|text| text.chars().take(USER_AGENT_MAX).collect()),
        }))
    }

    fn describe(_components: &mut Components, _operation: &mut Operation, _arg: &str) {}
}

extractor!([] Caller);
