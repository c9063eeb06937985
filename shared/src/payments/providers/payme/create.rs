//! `CreateTransaction`: a payer has begun. The deposit waits for them, and for nobody else.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::errors::Refusal;
use super::locked::{BY, Locked, Reach};
use super::order::{Account, Obstacle, Order};
use super::row::{Payment, State, TIMEOUT_MS, deadline};
use super::rpc::{self, Answer};
use crate::error::Result;
use crate::schema::payme_transactions;
use crate::{App, Tx};

/// The longest id the table takes; Payme's have 24 characters.
const ID_MAX: usize = 64;

/// The parameters.
#[derive(Debug, PartialEq)]
pub(super) struct Params {
    /// Payme's id of the transaction.
    pub id: String,
    /// Payme's clock, milliseconds.
    time: i64,
    /// Tiyin.
    amount: i64,
    account: Account,
}

impl Params {
    pub(super) fn read(params: rpc::Params<'_>) -> std::result::Result<Self, Refusal> {
        let id = params.text("id")?;
        if id.is_empty() || id.chars().count() > ID_MAX {
            return Err(Refusal::request("id"));
        }
        let time = params.integer("time")?;
        if time <= 0 {
            return Err(Refusal::request("time"));
        }
        Ok(Self {
            id: id.to_owned(),
            time,
            amount: params.integer("amount")?,
            account: Account::read(params)?,
        })
    }

    /// What a repeated call must agree with; none when it does.
    fn mismatch(&self, known: &Payment) -> Option<Refusal> {
        if self.account.order != Some(known.transaction_id) {
            Some(Refusal::no_order())
        } else if self.amount != known.amount_tiyin {
            Some(Refusal::amount())
        } else {
            None
        }
    }

    /// How long ago it was at Payme, by real clocks on both sides.
    fn age_ms(&self, tx: &Tx) -> i64 {
        tx.real_now().timestamp_millis().saturating_sub(self.time)
    }
}

pub(super) async fn run(tx: &mut Tx, app: &App, params: &Params) -> Result<Answer> {
    if let Some(known) = Payment::find(tx, &params.id).await? {
        return replay(tx, &known, params).await;
    }
    let Some(mut order) = Order::lock(tx, &params.account).await? else {
        return Ok(Err(Refusal::no_order()));
    };
    // A twin of this call may have created it while we waited for the lock.
    if let Some(known) = Payment::find(tx, &params.id).await? {
        return replay(tx, &known, params).await;
    }
    match order.admits(params.amount, app.settings.payme.busy_code, tx.now()) {
        Ok(()) if params.age_ms(tx) > TIMEOUT_MS => Ok(Err(Refusal::state())),
        Ok(()) => begin(tx, &mut order, params).await,
        Err(Obstacle::Refused(refusal)) => Ok(Err(refusal)),
        Err(Obstacle::WaitingExpired) => {
            if let Some(waiting) = order.waiting {
                expire(tx, &waiting.id).await?;
            }
            Ok(Err(Refusal::over()))
        }
    }
}

/// The same id again: the same answer, as long as it waits.
async fn replay(tx: &mut Tx, known: &Payment, params: &Params) -> Result<Answer> {
    if let Some(refusal) = params.mismatch(known) {
        return Ok(Err(refusal));
    }
    let Some(mut locked) = Locked::find(tx, &params.id, Reach::Deposit).await? else {
        return Ok(Err(Refusal::state()));
    };
    if locked.payment.is_expired(tx.now().timestamp_millis()) {
        locked.expire(tx).await?;
    }
    Ok(match locked.payment.state {
        State::Created => locked.payment.created(),
        State::Performed | State::Cancelled | State::Reversed => Err(Refusal::state()),
    })
}

async fn expire(tx: &mut Tx, id: &str) -> Result<()> {
    if let Some(mut locked) = Locked::find(tx, id, Reach::Deposit).await?
        && locked.payment.is_expired(tx.now().timestamp_millis())
    {
        locked.expire(tx).await?;
    }
    Ok(())
}

async fn begin(tx: &mut Tx, order: &mut Order, params: &Params) -> Result<Answer> {
    let inserted: Option<Payment> = diesel::insert_into(payme_transactions::table)
        .values((
            payme_transactions::id.eq(&params.id),
            payme_transactions::transaction_id.eq(order.deposit.id),
            payme_transactions::account.eq(Value::Object(params.account.sent.clone())),
            payme_transactions::amount_tiyin.eq(params.amount),
            payme_transactions::time_ms.eq(params.time),
            payme_transactions::create_time_ms.eq(tx.now().timestamp_millis()),
            payme_transactions::expires_ms
                .eq(deadline(tx.now().timestamp_millis(), params.age_ms(tx))),
            payme_transactions::state.eq(State::Created),
        ))
        // The id may be taken by a call for another deposit that commits right now; our deposit is locked.
        .on_conflict_do_nothing()
        .returning(Payment::as_returning())
        .get_result(tx.conn())
        .await
        .optional()?;
    let Some(payment) = inserted else { return Ok(Err(Refusal::no_order())) };
    if order.deposit.begin(tx.now()).is_ok() {
        order.deposit.save(tx).await?;
        order.deposit.tell(tx, BY, "deposit.process").await?;
    }
    Ok(payment.created())
}
