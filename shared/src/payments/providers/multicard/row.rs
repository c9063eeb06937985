//! `multicard_invoices`: the page that a deposit is paid on, and what was heard of its payment.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::calls::Invoice;
use crate::error::{Error, Result};
use crate::ids::TransactionId;
use crate::schema::multicard_invoices;
use crate::{Conn, Tx};

/// A row of `multicard_invoices`.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = multicard_invoices)]
pub(super) struct Checkout {
    /// Multicard's id of the invoice.
    pub uuid: String,
    /// Where the payer goes.
    pub checkout_url: String,
    /// The payment that was heard of last and not confirmed.
    pub payment_uuid: Option<String>,
    /// Questions in a row that brought no answer.
    pub unanswered: i32,
    /// Taken back at: nobody can pay it any more.
    pub closed_at: Option<DateTime<Utc>>,
}

impl Checkout {
    /// The page of a deposit.
    pub(super) async fn find(conn: &mut Conn, deposit: TransactionId) -> Result<Option<Self>> {
        Ok(Self::query()
            .filter(multicard_invoices::transaction_id.eq(deposit))
            .first(conn)
            .await
            .optional()?)
    }

    /// Keeps a new page, unless there is one: the first stays. Says whether it is the new one.
    pub(super) async fn keep(
        tx: &mut Tx,
        deposit: TransactionId,
        invoice: &Invoice,
    ) -> Result<(Self, bool)> {
        let inserted = diesel::insert_into(multicard_invoices::table)
            .values((
                multicard_invoices::transaction_id.eq(deposit),
                multicard_invoices::uuid.eq(&invoice.uuid),
                multicard_invoices::checkout_url.eq(&invoice.checkout_url),
                multicard_invoices::created_at.eq(tx.now()),
                multicard_invoices::updated_at.eq(tx.now()),
            ))
            .on_conflict(multicard_invoices::transaction_id)
            .do_nothing()
            .execute(tx.conn())
            .await?;
        let kept = Self::find(tx, deposit).await?;
        let kept = kept.ok_or_else(|| Error::internal("an invoice that was kept is gone"))?;
        Ok((kept, inserted == 1))
    }

    /// Notes a payment that nobody could confirm. False when the deposit has no page of ours.
    pub(super) async fn heard_of(
        tx: &mut Tx,
        deposit: TransactionId,
        payment: &str,
    ) -> Result<bool> {
        let now = tx.now();
        let noted = diesel::update(multicard_invoices::table.find(deposit))
            .set((
                multicard_invoices::payment_uuid.eq(payment),
                multicard_invoices::updated_at.eq(now),
            ))
            .execute(tx.conn())
            .await?;
        Ok(noted == 1)
    }

    /// Counts questions without an answer; an answer clears the count.
    pub(super) async fn count(
        tx: &mut Tx,
        deposit: TransactionId,
        unanswered: i32,
        closed: bool,
    ) -> Result<()> {
        let now = tx.now();
        diesel::update(multicard_invoices::table.find(deposit))
            .set((
                multicard_invoices::unanswered.eq(unanswered),
                multicard_invoices::closed_at.eq(closed.then_some(now)),
                multicard_invoices::updated_at.eq(now),
            ))
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    /// Notes that Multicard's history listed the payments that these deposits were credited for.
    pub(super) async fn reported(tx: &mut Tx, deposits: &[TransactionId]) -> Result<()> {
        if deposits.is_empty() {
            return Ok(());
        }
        let listed =
            multicard_invoices::table.filter(multicard_invoices::transaction_id.eq_any(deposits));
        diesel::update(listed)
            .set(multicard_invoices::reported_at.eq(tx.now()))
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}
