//! Our Telegram bot, and nobody else.

use salvo::oapi::{BasicType, Components, Object, Operation, Parameter, ParameterIn};
use salvo::{Depot, Request};
use serde::Deserialize;
use shared::accounts::codes::BotCall;
use shared::error::Kind;
use shared::{Code, Result};

use super::{FromRequest, extractor};
use crate::app::AppState;
use crate::openapi;

/// What the bot proves itself with.
const SECRET: &str = "x-bot-secret";
/// When it says it calls, seconds since the epoch: a recorded call is not worth much.
const TIMESTAMP: &str = "x-bot-timestamp";

/// A call of our bot; anybody else gets 401, as does everybody where no secret is set. The command looks at its time.
pub(crate) struct Bot(pub(crate) BotCall);

/// A body that carries the secret, as older bots send it.
#[derive(Deserialize)]
struct Secretive {
    secret_key: String,
}

impl FromRequest for Bot {
    async fn read(req: &mut Request, depot: &mut Depot, _arg: &str) -> Result<Self> {
        let app = AppState::of(depot)?;
        let secret = match header(req, SECRET)? {
            Some(secret) => secret,
            None => in_body(req, app.settings.http.max_body_bytes).await?,
        };
        if !app.settings.telegram.admits(&secret) {
            tracing::warn!(target: "accounts", "somebody who is not the bot called for it");
            return Err(Code::NotAuthenticated.into());
        }
        let sent_at = header(req, TIMESTAMP)?.map(|text| text.trim().parse::<i64>()).transpose();
        Ok(Self(BotCall { sent_at: sent_at.ok().ok_or(Code::NotAuthenticated)? }))
    }

    fn describe(components: &mut Components, operation: &mut Operation, _arg: &str) {
        for (name, about) in [
            (
                "X-Bot-Secret",
                "The bot's secret; an older bot may send it as `secret_key` in the body",
            ),
            (
                "X-Bot-Timestamp",
                "When the bot calls, seconds since the epoch; within a minute of our clock",
            ),
        ] {
            operation.parameters.insert(
                Parameter::new(name)
                    .location(ParameterIn::Header)
                    .required(false)
                    .description(about)
                    .schema(Object::with_type(BasicType::String)),
            );
        }
        openapi::declare(components, operation, &[Kind::Unauthenticated]);
    }
}

extractor!([] Bot);

/// A header that is there once.
fn header(req: &Request, name: &str) -> Result<Option<String>> {
    let mut given = req.headers().get_all(name).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let value = value.to_str().ok().filter(|_| given.next().is_none());
    value.map(|value| Some(value.to_owned())).ok_or_else(|| Code::NotAuthenticated.into())
}

/// The secret of the body, which the handler reads again.
async fn in_body(req: &mut Request, max: usize) -> Result<String> {
    let body = req.payload_with_max_size(max).await;
    let secretive = body.ok().and_then(|body| serde_json::from_slice::<Secretive>(body).ok());
    secretive.map(|body| body.secret_key).ok_or_else(|| Code::NotAuthenticated.into())
}
