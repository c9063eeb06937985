//! A payment at Click: the row, and what a Complete comes to.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::ids::TransactionId;
use crate::payments::TransactionStatus;
use crate::schema::click_payments;
use crate::text_enum::text_enum;
use crate::{Conn, Money, Tx};

text_enum! {
    /// Where a payment is.
    State {
        /// The payer may pay.
        Prepared = "prepared",
        /// The payer has paid, and was credited.
        Confirmed = "confirmed",
        /// Click gave it up, or nobody heard of it any more.
        Cancelled = "cancelled",
    }
}

/// A row of `click_payments`.
#[derive(Clone, Debug, HasQuery, AsChangeset)]
#[diesel(table_name = click_payments, primary_key(prepare_id), treat_none_as_null = true)]
pub(in crate::payments) struct Payment {
    /// Our number.
    pub prepare_id: i64,
    /// Click's number.
    pub click_trans_id: i64,
    /// The number that the payer is shown.
    pub click_paydoc_id: Option<i64>,
    /// The deposit that its payer was asked for.
    pub transaction_id: TransactionId,
    /// The deposit that it paid.
    pub credited_id: Option<TransactionId>,
    /// Soum.
    pub amount: Money,
    /// Where it is.
    pub state: State,
    /// The Prepare's time, by Click's clock.
    pub sign_time: String,
    /// Why Click gave it up; none when its time was over here.
    pub error: Option<i32>,
    /// When we heard of it.
    pub prepared_at: DateTime<Utc>,
    /// When its payer was credited.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub cancelled_at: Option<DateTime<Utc>>,
}

/// What a Complete comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The payer was debited: credit the deposit.
    Credit,
    /// The payer was debited for a deposit that was cancelled here meanwhile: credit them by another one.
    CreditLate,
    /// It was confirmed before.
    Replay,
    /// The payer was debited, and another payment has paid the deposit.
    PaidTwice,
    /// Click says that it succeeded, after it said that it failed.
    PaidAfterFailure,
    /// Click gives it up.
    GiveUp,
    /// It was given up before.
    GivenUp,
    /// Click says that it failed, after it was confirmed.
    FailedAfterPayment,
}

impl Payment {
    /// What a Complete with this `error` comes to, by the deposit's status.
    pub(super) fn step(&self, error: i32, deposit: TransactionStatus) -> Step {
        match (self.state, error < 0) {
            (State::Prepared, true) => Step::GiveUp,
            (State::Cancelled, true) => Step::GivenUp,
            (State::Confirmed, true) => Step::FailedAfterPayment,
            (State::Confirmed, false) => Step::Replay,
            (State::Cancelled, false) if self.error.is_some() => Step::PaidAfterFailure,
            (State::Prepared | State::Cancelled, false) => match deposit {
                TransactionStatus::Pending | TransactionStatus::Processing => Step::Credit,
                TransactionStatus::Completed => Step::PaidTwice,
                TransactionStatus::Cancelled | TransactionStatus::Failed => Step::CreditLate,
            },
        }
    }

    /// Its payer was credited by this deposit.
    pub(super) fn confirm(&mut self, credited: TransactionId, now: DateTime<Utc>) {
        self.state = State::Confirmed;
        self.credited_id = Some(credited);
        self.confirmed_at = Some(now);
    }

    /// It comes to nothing: Click's reason, or none when its time is over here. The first time stays.
    pub(super) fn cancel(&mut self, error: Option<i32>, now: DateTime<Utc>) {
        self.state = State::Cancelled;
        self.error = error;
        self.cancelled_at = self.cancelled_at.or(Some(now));
    }

    /// By our number, not locked.
    pub(super) async fn find(conn: &mut Conn, prepare_id: i64) -> Result<Option<Self>> {
        Ok(Self::query()
            .filter(click_payments::prepare_id.eq(prepare_id))
            .first(conn)
            .await
            .optional()?)
    }

    /// By Click's number, not locked.
    pub(super) async fn find_by_click(
        conn: &mut Conn,
        click_trans_id: i64,
    ) -> Result<Option<Self>> {
        Ok(Self::query()
            .filter(click_payments::click_trans_id.eq(click_trans_id))
            .first(conn)
            .await
            .optional()?)
    }

    /// By our number, locked to the end of the transaction; after its deposit.
    pub(super) async fn lock(tx: &mut Tx, prepare_id: i64) -> Result<Self> {
        Ok(Self::query()
            .filter(click_payments::prepare_id.eq(prepare_id))
            .for_no_key_update()
            .first(tx.conn())
            .await?)
    }

    /// Our number of the payment that a deposit was credited for.
    pub(in crate::payments) async fn credited_to(
        tx: &mut Tx,
        deposit: TransactionId,
    ) -> Result<Option<i64>> {
        Ok(click_payments::table
            .filter(click_payments::credited_id.eq(deposit))
            .select(click_payments::prepare_id)
            .first(tx.conn())
            .await
            .optional()?)
    }

    /// Whether a payer may still pay a locked deposit.
    pub(super) async fn any_waits(tx: &mut Tx, deposit: TransactionId) -> Result<bool> {
        let waiting = click_payments::table.filter(
            click_payments::transaction_id
                .eq(deposit)
                .and(click_payments::state.eq(State::Prepared)),
        );
        Ok(diesel::select(diesel::dsl::exists(waiting)).get_result(tx.conn()).await?)
    }

    /// Stores a changed row that this transaction has locked.
    pub(super) async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(
            click_payments::table.filter(click_payments::prepare_id.eq(self.prepare_id)),
        )
        .set(self)
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Payment, State, Step};
    use crate::Money;
    use crate::ids::TransactionId;
    use crate::payments::TransactionStatus;

    fn payment() -> Payment {
        Payment {
            prepare_id: 901,
            click_trans_id: 2_100_000_000,
            click_paydoc_id: None,
            transaction_id: TransactionId::new(),
            credited_id: None,
            amount: Money::from_soum(1000),
            state: State::Prepared,
            sign_time: "2026-10-08 12:00:00".to_owned(),
            error: None,
            prepared_at: DateTime::<Utc>::UNIX_EPOCH,
            confirmed_at: None,
            cancelled_at: None,
        }
    }

    #[test]
    fn what_a_complete_comes_to_depends_on_both_rows() {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(1);
        let prepared = payment();
        let (mut confirmed, mut failed, mut expired) = (payment(), payment(), payment());
        confirmed.confirm(confirmed.transaction_id, now);
        failed.cancel(Some(-5017), now);
        expired.cancel(None, now);
        let (open, paid, over) = (
            TransactionStatus::Processing,
            TransactionStatus::Completed,
            TransactionStatus::Cancelled,
        );
        for (row, deposit, on_success, on_failure) in [
            (&prepared, open, Step::Credit, Step::GiveUp),
            (&prepared, paid, Step::PaidTwice, Step::GiveUp),
            (&prepared, over, Step::CreditLate, Step::GiveUp),
            (&confirmed, paid, Step::Replay, Step::FailedAfterPayment),
            (&confirmed, over, Step::Replay, Step::FailedAfterPayment),
            (&failed, open, Step::PaidAfterFailure, Step::GivenUp),
            (&failed, paid, Step::PaidAfterFailure, Step::GivenUp),
            (&failed, over, Step::PaidAfterFailure, Step::GivenUp),
            (&expired, open, Step::Credit, Step::GivenUp),
            (&expired, paid, Step::PaidTwice, Step::GivenUp),
            (&expired, over, Step::CreditLate, Step::GivenUp),
        ] {
            let shown = (row.state, row.error, deposit);
            assert_eq!(row.step(0, deposit), on_success, "{shown:?}");
            assert_eq!(row.step(-5017, deposit), on_failure, "{shown:?}");
        }
    }
}
