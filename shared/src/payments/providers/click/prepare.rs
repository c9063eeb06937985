//! Prepare: a payer is about to pay. Several may be, for one deposit; the first who has paid counts.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::CODE;
use super::answer::{Accepted, Answer, Refusal};
use super::order::Order;
use super::request::Call;
use super::row::{Payment, State};
use crate::Tx;
use crate::audit::Actor;
use crate::error::Result;
use crate::payments::TransactionStatus;
use crate::schema::click_payments;

pub(super) async fn run(tx: &mut Tx, call: &Call) -> Result<Answer> {
    let Some(mut order) = Order::lock(tx, call.order).await? else {
        return Ok(Err(Refusal::NoOrder));
    };
    if call.error < 0 {
        return Ok(Err(Refusal::Cancelled));
    }
    if let Some(known) = Payment::find_by_click(tx, call.click_trans_id).await? {
        return Ok(replay(&known, &order, call));
    }
    match order.admits(call.amount, tx.now()) {
        Ok(()) => begin(tx, &mut order, call).await,
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// The same payment again: the same answer, as long as it waits.
fn replay(known: &Payment, order: &Order, call: &Call) -> Answer {
    if known.transaction_id != order.deposit.id {
        return Err(Refusal::Request);
    }
    match (known.state, order.deposit.status) {
        (State::Confirmed, _) | (_, TransactionStatus::Completed) => Err(Refusal::AlreadyPaid),
        (State::Cancelled, _) | (_, TransactionStatus::Cancelled | TransactionStatus::Failed) => {
            Err(Refusal::Cancelled)
        }
        (State::Prepared, TransactionStatus::Pending | TransactionStatus::Processing)
            if call.amount != known.amount =>
        {
            Err(Refusal::Amount)
        }
        (State::Prepared, TransactionStatus::Pending | TransactionStatus::Processing) => {
            Ok(Accepted::Prepared(known.prepare_id))
        }
    }
}

async fn begin(tx: &mut Tx, order: &mut Order, call: &Call) -> Result<Answer> {
    let inserted: Option<i64> = diesel::insert_into(click_payments::table)
        .values((
            click_payments::click_trans_id.eq(call.click_trans_id),
            click_payments::click_paydoc_id.eq(call.click_paydoc_id),
            click_payments::transaction_id.eq(order.deposit.id),
            click_payments::amount.eq(call.amount),
            click_payments::state.eq(State::Prepared),
            click_payments::sign_time.eq(&call.sign_time),
            click_payments::prepared_at.eq(tx.now()),
        ))
        // The number may be taken by a call for another deposit that commits right now; our deposit is locked.
        .on_conflict(click_payments::click_trans_id)
        .do_nothing()
        .returning(click_payments::prepare_id)
        .get_result(tx.conn())
        .await
        .optional()?;
    let Some(prepare_id) = inserted else { return Ok(Err(Refusal::Request)) };
    if order.deposit.begin(tx.now()).is_ok() {
        order.deposit.save(tx).await?;
        order.deposit.tell(tx, Actor::Provider(CODE), "deposit.process").await?;
    }
    Ok(Ok(Accepted::Prepared(prepare_id)))
}
