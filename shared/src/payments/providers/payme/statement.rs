//! `GetStatement`: everything that was created in a period, by Payme's clock.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use super::errors::Refusal;
use super::row::Payment;
use super::rpc::{self, Answer};
use crate::Tx;
use crate::error::{Error, Result};
use crate::schema::payme_transactions;

/// More lines than this are refused: a statement that is cut short would pass for a complete one.
const LINES_MAX: i64 = 50_000;

/// The parameters: both ends are part of the period.
#[derive(Debug, PartialEq)]
pub(super) struct Params {
    from: i64,
    to: i64,
}

impl Params {
    pub(super) fn read(params: rpc::Params<'_>) -> std::result::Result<Self, Refusal> {
        let (from, to) = (params.integer("from")?, params.integer("to")?);
        if from > to { Err(Refusal::request("to")) } else { Ok(Self { from, to }) }
    }
}

pub(super) async fn run(tx: &mut Tx, params: &Params) -> Result<Answer> {
    let lines = Payment::query()
        .filter(payme_transactions::time_ms.between(params.from, params.to))
        .order((payme_transactions::time_ms, payme_transactions::seq))
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
    Ok(Ok(json!({ "transactions": lines })))
}
