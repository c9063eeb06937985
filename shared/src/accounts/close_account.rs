//! A person closes their account: at once for everybody, for good after `CLOSED_ACCOUNTS_KEEP`.
//!
//! Nobody closes an account that has money, or to which money is on its way. What could bring some (a deposit, a payout, a
//! deal, a correction, an offer) takes a share of its person's row first ([`User::hold_open`]), so it is either seen here or
//! refused there.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::confirm_identity::Confirmed;
use super::jobs::{News, SendAccountNotice};
use super::model::User;
use super::{email_change, roles, session};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result};
use crate::ids::UserId;
use crate::schema::users;
use crate::statement::statement;
use crate::{Outcome, Tx, jobs, listings, subscriptions};

/// Why an account stays open, counted at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
struct Obstacles {
    /// Accounts of the ledger that are not empty: what can be spent, and what is held.
    #[diesel(sql_type = BigInt)]
    balances: i64,
    #[diesel(sql_type = BigInt)]
    deals: i64,
    #[diesel(sql_type = BigInt)]
    deposits: i64,
    #[diesel(sql_type = BigInt)]
    withdrawals: i64,
    /// Offered since they were archived a moment ago.
    #[diesel(sql_type = BigInt)]
    offers: i64,
}

impl Obstacles {
    /// One statement, so one instant: money that moves between two of these is seen in one of them.
    async fn of(tx: &mut Tx, user: UserId) -> Result<Self> {
        let found = statement(
            "SELECT (SELECT count(*) FROM ledger.account WHERE owner_id = $1 AND balance <> 0) AS balances,
                    (SELECT count(*) FROM escrows WHERE buyer_id = $1 AND status IN ('pending_payment', 'paid', 'delivered', 'disputed'))
                    + (SELECT count(*) FROM escrows WHERE seller_id = $1 AND status IN ('pending_payment', 'paid', 'delivered', 'disputed')) AS deals,
                    (SELECT count(*) FROM transactions WHERE user_id = $1 AND type = 'deposit' AND status IN ('pending', 'processing')) AS deposits,
                    (SELECT count(*) FROM transactions WHERE user_id = $1 AND type = 'withdrawal' AND status IN ('pending', 'processing')) AS withdrawals,
                    (SELECT count(*) FROM listings WHERE seller_id = $1 AND status IN ('pending', 'active') AND deleted_at IS NULL) AS offers",
        )
        .bind::<SqlUuid, _>(user)
        .get_result(tx.conn())
        .await?;
        Ok(found)
    }

    fn judge(self) -> Result<()> {
        let Self { balances, deals, deposits, withdrawals, offers } = self;
        if balances + deals + deposits + withdrawals > 0 {
            return Err(Error::new(Code::AccountInUse)
                .fact("has_money", (balances > 0).into())
                .fact("open_deals", deals.into())
                .fact("open_deposits", deposits.into())
                .fact("open_withdrawals", withdrawals.into()));
        }
        // Listings are locked before people, so one that was made in between is for the next attempt.
        if offers > 0 { Err(Code::Busy.into()) } else { Ok(()) }
    }
}

/// Closes a person's account: their offers leave the market, their plan is not renewed, their sessions end. Their address,
/// username and number are free from then on; what is personal is erased later. A repeat finds it closed.
///
/// # Errors
/// `REAUTH_REQUIRED` when what they showed is not theirs any more; `ACCOUNT_IN_USE` while there is money, a deal, a deposit
/// or a payout, or for the last superuser; `BUSY` when they offered something at the same moment.
pub async fn close_account(tx: &mut Tx, id: UserId, confirmed: &Confirmed) -> Result<Outcome> {
    // The turn comes before the row, so it is taken for who looks like a superuser.
    let has_turn = User::find(tx, id).await?.is_some_and(|user| user.is_superuser);
    if has_turn {
        roles::take_turn(tx).await?;
    }
    let archived = listings::archive_all(tx, id).await?;
    stop_renewing(tx, id).await?;
    let user = User::lock(tx, id).await?.ok_or(Code::NotFound)?;
    if user.deleted_at.is_some() {
        return Ok(Outcome::AlreadyDone);
    }
    confirmed.check(&user)?;
    if user.is_superuser {
        if !has_turn {
            // They became one in this very moment.
            return Err(Code::Busy.into());
        }
        roles::keep_a_superuser(tx, id).await?;
    }
    Obstacles::of(tx, id).await?.judge()?;
    let now = tx.now();
    diesel::update(users::table.find(id))
        .set((users::is_active.eq(false), users::deleted_at.eq(now), users::updated_at.eq(now)))
        .execute(tx.conn())
        .await?;
    let sessions = session::revoke(tx, id, None, "account_closed").await?;
    email_change::withdraw(tx, id).await?;
    let details = json!({ "listings": archived, "sessions": sessions });
    let object = ("user", id.to_string());
    audit::record(tx, Actor::User(id), "user.closed", object, details).await?;
    let news = News::AccountClosed;
    jobs::enqueue(tx, &SendAccountNotice { user_id: id, news, at: now, email_change_id: None })
        .await?;
    tracing::info!(target: "accounts", user = %id, archived, sessions, "account closed by its owner");
    Ok(Outcome::Done)
}

/// What was paid is not paid back; nothing more will be taken.
async fn stop_renewing(tx: &mut Tx, id: UserId) -> Result<()> {
    let current = subscriptions::Which::Current;
    match subscriptions::cancel(tx, id, current, "account closed").await {
        Ok(_cancelled) => Ok(()),
        Err(error) if matches!(error.code(), Code::NotFound | Code::InvalidState) => Ok(()),
        Err(error) => Err(error),
    }
}

impl User {
    /// The same as [`User::hold_open`] for what staff do: a ban does not hinder it, the end of the account does.
    ///
    /// # Errors
    /// `INVALID_STATE` when it is closed by now.
    pub(crate) async fn hold_unclosed(tx: &mut Tx, id: UserId) -> Result<()> {
        let there = users::id.eq(id).and(users::deleted_at.is_null());
        let held =
            users::table.filter(there).select(users::id).for_share().first::<UserId>(tx.conn());
        held.await.optional()?.map(|_held| ()).ok_or_else(|| Error::invalid_state("closed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_what_may_bring_some_keep_an_account_open() {
        let none = Obstacles { balances: 0, deals: 0, deposits: 0, withdrawals: 0, offers: 0 };
        let code = |found: Obstacles| found.judge().err().map(|error| error.code());
        assert_eq!(code(none), None);
        for found in [
            Obstacles { balances: 1, ..none },
            Obstacles { deals: 1, offers: 1, ..none },
            Obstacles { deposits: 1, ..none },
            Obstacles { withdrawals: 2, ..none },
        ] {
            assert_eq!(code(found), Some(Code::AccountInUse), "{found:?}");
        }
        assert_eq!(code(Obstacles { offers: 1, ..none }), Some(Code::Busy));
    }
}
