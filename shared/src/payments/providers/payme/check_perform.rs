//! `CheckPerformTransaction`: may this account pay this amount now? Changes nothing.

use serde_json::json;

use super::errors::Refusal;
use super::order::{Account, Obstacle, Order};
use super::rpc::{self, Answer};
use crate::error::Result;
use crate::{App, Tx};

/// The parameters.
#[derive(Debug, PartialEq)]
pub(super) struct Params {
    /// Tiyin.
    amount: i64,
    account: Account,
}

impl Params {
    pub(super) fn read(params: rpc::Params<'_>) -> std::result::Result<Self, Refusal> {
        Ok(Self { amount: params.integer("amount")?, account: Account::read(params)? })
    }
}

pub(super) async fn run(tx: &mut Tx, app: &App, params: &Params) -> Result<Answer> {
    let Some(order) = Order::find(tx, &params.account).await? else {
        return Ok(Err(Refusal::no_order()));
    };
    Ok(match order.admits(params.amount, app.settings.payme.busy_code, tx.now()) {
        Ok(()) => Ok(json!({ "allow": true })),
        Err(Obstacle::Refused(refusal)) => Err(refusal),
        Err(Obstacle::WaitingExpired) => Err(Refusal::over()),
    })
}
