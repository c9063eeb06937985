//! The three postings of a withdrawal: held when it is asked for, and settled once, paid or released.

use super::model::Locked;
use crate::audit::Actor;
use crate::error::Result;
use crate::ledger::{self, Account, Posting};
use crate::payments::{Transaction, mail_receipt};
use crate::{Error, Outcome, Tx};

/// Takes the money from the balance.
///
/// # Errors
/// `INSUFFICIENT_FUNDS`: the database refuses it under the account's lock.
pub(super) async fn hold(tx: &mut Tx, transaction: &Transaction) -> Result<()> {
    let (user, amount) = (transaction.user_id, transaction.amount);
    ledger::open_account(tx, Account::Available(user)).await?;
    ledger::open_account(tx, Account::WithdrawalHold(user)).await?;
    let reference = format!("withdraw_hold:{}", transaction.id);
    let posting = Posting::new(reference, "withdraw_hold", Actor::User(user))
        .leg(Account::Available(user), -amount)
        .leg(Account::WithdrawalHold(user), amount);
    once(tx, &posting).await
}

/// Gives the money back to the balance and stores how it ended.
pub(super) async fn release(tx: &mut Tx, locked: &mut Locked, actor: Actor) -> Result<()> {
    let (user, amount) = (locked.transaction.user_id, locked.transaction.amount);
    let posting = Posting::new(settlement_of(locked), "withdraw_released", actor)
        .leg(Account::WithdrawalHold(user), -amount)
        .leg(Account::Available(user), amount);
    end(tx, locked, &posting).await
}

/// The money has left, through this provider, and stores how it ended.
pub(super) async fn pay_out(
    tx: &mut Tx,
    locked: &mut Locked,
    provider: &'static str,
) -> Result<()> {
    let (user, amount) = (locked.transaction.user_id, locked.transaction.amount);
    let posting = Posting::new(settlement_of(locked), "withdraw_paid", Actor::Provider(provider))
        .leg(Account::WithdrawalHold(user), -amount)
        .leg(Account::Provider(provider), amount);
    end(tx, locked, &posting).await
}

fn settlement_of(locked: &Locked) -> String {
    format!("withdraw_settle:{}", locked.transaction.id)
}

async fn end(tx: &mut Tx, locked: &mut Locked, posting: &Posting) -> Result<()> {
    locked.withdrawal.settled_at = Some(tx.now());
    locked.save(tx).await?;
    once(tx, posting).await?;
    mail_receipt(tx, &locked.transaction).await
}

/// The rows are locked and said that it had not happened.
async fn once(tx: &mut Tx, posting: &Posting) -> Result<()> {
    if ledger::post(tx, posting).await? == Outcome::AlreadyDone {
        let what = posting.reference();
        return Err(Error::internal(format!(
            "{what} was posted before, but its row did not say so"
        )));
    }
    Ok(())
}
