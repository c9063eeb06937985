//! The search index: changed listings are indexed again, removed ones leave it. Triggers mark what changed
//! (`migrations/*_create_upkeep`).

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::Result;
use crate::ids::ListingId;
use crate::jobs::Stretch;
use crate::schema::listing_search;
use crate::statement::statement;
use crate::{Conn, Tx};

/// Listings per batch.
const BATCH: i64 = 200;

/// Where a listing is among the stale ones: since when it is, then its id.
pub type Mark = (DateTime<Utc>, ListingId);

/// How many listings changed before an instant and wait to be indexed.
///
/// # Errors
/// The database's.
pub async fn count_stale(conn: &mut Conn, instant: DateTime<Utc>) -> Result<i64> {
    let stale = listing_search::table.filter(listing_search::stale_at.le(instant));
    Ok(stale.count().get_result(conn).await?)
}

/// Indexes the next listings that changed before an instant. One that is just being changed is left to the next run.
///
/// # Errors
/// The database's.
pub async fn index_stale(
    tx: &mut Tx,
    instant: DateTime<Utc>,
    after: Option<Mark>,
) -> Result<Stretch<Mark>> {
    use listing_search::{listing_id, stale_at};
    let (since, id) = after.unwrap_or((DateTime::UNIX_EPOCH, ListingId(Uuid::nil())));
    let marks: Vec<Mark> = listing_search::table
        .select((stale_at.assume_not_null(), listing_id))
        .filter(stale_at.is_not_null().and(stale_at.le(instant)))
        .filter(stale_at.ge(since).and(stale_at.gt(since).or(listing_id.gt(id))))
        .order((stale_at, listing_id))
        .limit(BATCH)
        .for_no_key_update()
        .skip_locked()
        .load(tx.conn())
        .await?;
    // Under the locks and in a statement of its own: it sees every change that was committed with its mark.
    let ids: Vec<ListingId> = marks.iter().map(|(_, id)| *id).collect();
    let indexed = index(tx, &ids).await?;
    if !marks.is_empty() {
        let left = marks.len().saturating_sub(indexed);
        tracing::info!(target: "listings", indexed, left, "search index updated");
    }
    Ok(Stretch::over(marks, BATCH, ids.len()))
}

/// Writes the documents of marked listings, and takes the removed ones out. Returns how many are in the index now.
async fn index(tx: &mut Tx, ids: &[ListingId]) -> Result<usize> {
    #[derive(QueryableByName)]
    struct Indexed {
        #[diesel(sql_type = BigInt)]
        indexed: i64,
    }
    let row: Indexed = statement(
        "WITH gone AS (
             DELETE FROM listing_search s USING listings l
             WHERE s.listing_id = ANY ($1) AND l.id = s.listing_id AND l.deleted_at IS NOT NULL),
         indexed AS (
             UPDATE listing_search s SET stale_at = NULL, indexed_at = app_now(), document =
                 setweight(to_tsvector('simple', search_words(l.title || ' ' || l.listing_code)), 'A') ||
                 setweight(to_tsvector('simple', search_words(g.name)), 'B') ||
                 setweight(to_tsvector('simple', search_words(l.description)), 'C')
             FROM listings l JOIN games g ON g.id = l.game_id
             WHERE s.listing_id = ANY ($1) AND l.id = s.listing_id AND l.deleted_at IS NULL
             RETURNING s.listing_id)
         SELECT count(*) AS indexed FROM indexed",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .get_result(tx.conn())
    .await?;
    Ok(usize::try_from(row.indexed).unwrap_or_default())
}
