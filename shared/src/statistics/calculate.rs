//! The numbers of one day.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::error::Result;
use crate::jobs::Stretch;
use crate::statement::statement;
use crate::{Conn, Tx};

/// The days to compute at `$1`: from the first person's to yesterday, those that have no row; yesterday and the day before
/// in any case, because facts may come late.
macro_rules! with_due_days {
    ($rest:literal) => {
        statement(concat!(
            "WITH days AS (
                 SELECT first + n AS day, last
                 FROM (SELECT (min(created_at) AT TIME ZONE 'Asia/Tashkent')::date AS first,
                              ($1 AT TIME ZONE 'Asia/Tashkent')::date - 1 AS last FROM users) AS life,
                      generate_series(0, last - first) AS n),
             due AS (
                 SELECT day FROM days
                 WHERE day >= last - 1 OR NOT EXISTS (SELECT FROM daily_statistics s WHERE s.day = days.day)) ",
            $rest
        ))
    };
}

/// How many days are to be computed at an instant.
///
/// # Errors
/// The database's.
pub async fn count_days(conn: &mut Conn, as_of: DateTime<Utc>) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        days: i64,
    }
    let count: Count = with_due_days!("SELECT count(*) AS days FROM due")
        .bind::<Timestamptz, _>(as_of)
        .get_result(conn)
        .await?;
    Ok(count.days)
}

/// Computes the next day that is to be computed at an instant. The same facts make the same row, however often.
///
/// # Errors
/// The database's.
pub async fn calculate_next(
    tx: &mut Tx,
    as_of: DateTime<Utc>,
    after: Option<NaiveDate>,
) -> Result<Stretch<NaiveDate>> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = Date)]
        day: NaiveDate,
    }
    let due: Vec<Due> =
        with_due_days!("SELECT day FROM due WHERE $2 IS NULL OR day > $2 ORDER BY day LIMIT 2")
            .bind::<Timestamptz, _>(as_of)
            .bind::<Nullable<Date>, _>(after)
            .load(tx.conn())
            .await?;
    let [Due { day }, others @ ..] = due.as_slice() else {
        return Ok(Stretch { done: 0, last: None });
    };
    calculate(tx, *day).await?;
    tracing::info!(target: "statistics", %day, "computed");
    Ok(Stretch { done: 1, last: (!others.is_empty()).then_some(*day) })
}

/// Computes one day in one statement, so that its numbers are of one instant.
///
/// Each event is counted where it was written down in the transaction that made it; money by its bookings, which the
/// ledger agrees with.
async fn calculate(tx: &mut Tx, day: NaiveDate) -> Result<()> {
    statement(
        "WITH day AS MATERIALIZED (
             SELECT $1::timestamp AT TIME ZONE 'Asia/Tashkent' AS begins,
                    ($1 + 1)::timestamp AT TIME ZONE 'Asia/Tashkent' AS ends),
         people AS (
             SELECT count(*) AS new FROM users, day WHERE created_at >= begins AND created_at < ends),
         proofs AS (
             SELECT count(DISTINCT object_id) AS verified FROM audit_log, day
             WHERE at >= begins AND at < ends AND action = 'auth.email_verified'),
         offers AS (
             SELECT count(*) AS created FROM listings, day WHERE created_at >= begins AND created_at < ends),
         listing_steps AS (
             SELECT count(*) FILTER (WHERE from_status = 'pending' AND to_status = 'active') AS approved,
                    count(*) FILTER (WHERE to_status = 'sold') AS sold,
                    count(*) FILTER (WHERE to_status = 'archived') AS archived
             FROM listing_status_history, day
             WHERE at >= begins AND at < ends AND from_status IS DISTINCT FROM to_status),
         deal_steps AS (
             SELECT count(*) FILTER (WHERE from_status IS NULL) AS opened,
                    count(*) FILTER (WHERE to_status = 'paid') AS paid,
                    count(*) FILTER (WHERE to_status = 'confirmed') AS confirmed,
                    count(*) FILTER (WHERE to_status = 'refunded') AS refunded,
                    count(*) FILTER (WHERE to_status = 'cancelled') AS cancelled,
                    count(*) FILTER (WHERE to_status = 'disputed') AS disputed
             FROM escrow_status_history, day
             WHERE at >= begins AND at < ends AND from_status IS DISTINCT FROM to_status),
         money AS (
             SELECT coalesce(sum(amount) FILTER (WHERE type = 'sale'), 0) AS turnover,
                    coalesce(sum(amount) FILTER (WHERE type = 'commission'), 0) AS commission,
                    coalesce(sum(amount) FILTER (WHERE type = 'refund' AND reverses_id IS NULL), 0) AS refunds,
                    count(*) FILTER (WHERE type = 'deposit') AS deposits,
                    coalesce(sum(amount) FILTER (WHERE type = 'deposit'), 0) AS deposited,
                    coalesce(sum(amount) FILTER (WHERE type = 'refund' AND reverses_id IS NOT NULL), 0) AS reversed
             FROM transactions, day
             WHERE status = 'completed' AND processed_at >= begins AND processed_at < ends)
         INSERT INTO daily_statistics AS s (
             day, new_users, verified_users, listings_created, listings_approved, listings_sold, listings_archived,
             deals_opened, deals_paid, deals_confirmed, deals_refunded, deals_cancelled, deals_disputed,
             turnover, commission, refunds, deposits_completed, deposits_amount, deposits_reversed)
         SELECT $1, people.new, verified, created, approved, sold, archived,
                opened, paid, confirmed, refunded, cancelled, disputed,
                turnover, commission, refunds, deposits, deposited, reversed
         FROM people, proofs, offers, listing_steps, deal_steps, money
         ON CONFLICT (day) DO UPDATE SET
             new_users = excluded.new_users, verified_users = excluded.verified_users,
             listings_created = excluded.listings_created, listings_approved = excluded.listings_approved,
             listings_sold = excluded.listings_sold, listings_archived = excluded.listings_archived,
             deals_opened = excluded.deals_opened, deals_paid = excluded.deals_paid,
             deals_confirmed = excluded.deals_confirmed, deals_refunded = excluded.deals_refunded,
             deals_cancelled = excluded.deals_cancelled, deals_disputed = excluded.deals_disputed,
             turnover = excluded.turnover, commission = excluded.commission, refunds = excluded.refunds,
             deposits_completed = excluded.deposits_completed, deposits_amount = excluded.deposits_amount,
             deposits_reversed = excluded.deposits_reversed, computed_at = app_now()",
    )
    .bind::<Date, _>(day)
    .execute(tx.conn())
    .await?;
    Ok(())
}
