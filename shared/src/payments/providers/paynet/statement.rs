//! `GetStatement`: what was paid in a period and not paid back, in the order it was paid.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::row::{Payment, State};
use super::rpc::{self, Answer};
use super::times;
use crate::Tx;
use crate::error::{Error, Result};
use crate::schema::paynet_transactions;

/// More lines than this are refused: a statement that is cut short would pass for a complete one.
const LINES_MAX: i64 = 50_000;

/// The parameters: both ends are part of the period.
#[derive(Debug, PartialEq)]
pub(super) struct Params {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Params {
    pub(super) fn read(params: rpc::Params<'_>) -> std::result::Result<Self, Refusal> {
        let (from, to) = (moment(params, "dateFrom")?, moment(params, "dateTo")?);
        if from > to { Err(Refusal::date("dateTo")) } else { Ok(Self { from, to }) }
    }
}

fn moment(params: rpc::Params<'_>, name: &str) -> std::result::Result<DateTime<Utc>, Refusal> {
    params.get(name)?.as_str().and_then(times::parse).ok_or_else(|| Refusal::date(name))
}

pub(super) async fn run(tx: &mut Tx, params: &Params) -> Result<Answer> {
    let lines = Payment::query()
        .filter(paynet_transactions::state.eq(State::Performed))
        .filter(paynet_transactions::performed_at.between(params.from, params.to))
        .order((paynet_transactions::performed_at, paynet_transactions::seq))
        .limit(LINES_MAX + 1)
        .load(tx.conn())
        .await?;
    if i64::try_from(lines.len()).unwrap_or(i64::MAX) > LINES_MAX {
        return Err(Error::internal(format!(
            "a statement from {} to {} has more than {LINES_MAX} lines",
            params.from, params.to
        )));
    }
    let lines: Vec<Value> = lines.iter().map(Payment::statement_line).collect();
    Ok(Ok(json!({ "statements": lines })))
}
