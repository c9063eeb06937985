//! `PerformTransaction`: the payer has paid. The money is on their balance when this is answered, once.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::PROVIDER;
use super::errors::Refusal;
use super::order::{Account, Order};
use super::row::{Payment, State};
use super::rpc::{self, Answer};
use super::times;
use crate::error::Result;
use crate::payments::credit::complete_deposit;
use crate::schema::paynet_transactions;
use crate::{App, Tx};

/// The parameters. Paynet's own `timestamp` decides nothing.
#[derive(Debug, PartialEq)]
pub(super) struct Params {
    /// Paynet's number of the transaction.
    pub id: i64,
    /// Tiyin.
    amount: i64,
    account: Account,
}

impl Params {
    pub(super) fn read(params: rpc::Params<'_>) -> std::result::Result<Self, Refusal> {
        Ok(Self {
            id: params.transaction_id()?,
            amount: params.integer("amount")?,
            account: Account::read(params)?,
        })
    }
}

pub(super) async fn run(tx: &mut Tx, app: &App, params: &Params) -> Result<Answer> {
    // A known number is never a success again, whatever else the call says: Paynet then asks `CheckTransaction`.
    if Payment::find(tx, params.id).await?.is_some() {
        return Ok(Err(Refusal::exists()));
    }
    let Some(order) = Order::lock(tx, &params.account).await? else {
        return Ok(Err(Refusal::no_order()));
    };
    // A twin of this call may have paid it while we waited for the lock.
    if Payment::find(tx, params.id).await?.is_some() {
        return Ok(Err(Refusal::exists()));
    }
    match order.admits(tx.now()).and_then(|()| order.costs(params.amount)) {
        Ok(()) => credit(tx, app, order, params).await,
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Begins the deposit and completes it: credits the payer, and pays the deal it was made for.
async fn credit(tx: &mut Tx, app: &App, order: Order, params: &Params) -> Result<Answer> {
    let mut deposit = order.deposit;
    let inserted: Option<Payment> = diesel::insert_into(paynet_transactions::table)
        .values((
            paynet_transactions::id.eq(params.id),
            paynet_transactions::transaction_id.eq(deposit.id),
            paynet_transactions::fields.eq(params.account.typed()),
            paynet_transactions::amount_tiyin.eq(params.amount),
            paynet_transactions::state.eq(State::Performed),
            paynet_transactions::performed_at.eq(times::whole_seconds(tx.now())),
        ))
        // The number may be taken by a call for another deposit that commits right now; our deposit is locked.
        .on_conflict(paynet_transactions::id)
        .do_nothing()
        .returning(Payment::as_returning())
        .get_result(tx.conn())
        .await
        .optional()?;
    let Some(payment) = inserted else { return Ok(Err(Refusal::exists())) };
    deposit.begin(tx.now())?;
    let _done =
        complete_deposit(tx, app, &mut deposit, (PROVIDER, &payment.id.to_string())).await?;
    Ok(payment.performed())
}
