//! What nobody buys leaves the market.

use chrono::{DateTime, Utc};
use diesel::dsl::auto_type;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Listing, ListingStatus};
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::ListingId;
use crate::jobs::Stretch;
use crate::schema::listings;
use crate::{Conn, Outcome, Tx};

/// Listings per batch.
const BATCH: i64 = 100;

/// Where a listing is among the old ones: when it was made, then its id.
pub type Age = (DateTime<Utc>, ListingId);

#[auto_type]
fn offered_before(instant: DateTime<Utc>) -> _ {
    let active: ListingStatus = ListingStatus::Active;
    listings::status.eq(active).and(listings::created_at.lt(instant)).and(
        listings::approved_at.is_null().or(listings::approved_at.assume_not_null().lt(instant)),
    )
}

/// How many listings are on the market since before an instant.
///
/// # Errors
/// The database's.
pub async fn count_old(conn: &mut Conn, instant: DateTime<Utc>) -> Result<i64> {
    Ok(listings::table.filter(offered_before(instant)).count().get_result(conn).await?)
}

/// Archives the next listings that are on the market since before an instant. One that somebody holds is being bought or
/// moderated: it is left to the next run.
///
/// # Errors
/// The database's.
pub async fn archive_old(
    tx: &mut Tx,
    instant: DateTime<Utc>,
    after: Option<Age>,
) -> Result<Stretch<Age>> {
    let (made_at, id) = after.unwrap_or((DateTime::UNIX_EPOCH, ListingId(Uuid::nil())));
    let follows = listings::created_at.gt(made_at).or(listings::id.gt(id));
    let old = Listing::query()
        .filter(offered_before(instant))
        .filter(listings::created_at.ge(made_at).and(follows))
        .order((listings::created_at, listings::id))
        .limit(BATCH)
        .for_no_key_update()
        .skip_locked()
        .load(tx.conn())
        .await?;
    let looked_at = old.iter().map(|listing| (listing.created_at, listing.id)).collect();
    let mut archived = 0;
    for mut listing in old {
        let from = listing.status;
        if listing.archive(instant) == Outcome::Done {
            listing.save(tx, Actor::System, from, Some("not sold for too long")).await?;
            archived += 1;
        }
    }
    if archived > 0 {
        tracing::info!(target: "listings", archived, before = %instant, "old listings archived");
    }
    Ok(Stretch::over(looked_at, BATCH, archived))
}

impl Listing {
    /// Takes it off the market if it is there since before an instant.
    fn archive(&mut self, instant: DateTime<Utc>) -> Outcome {
        if self.is_public() && self.approved_at.unwrap_or(self.created_at) < instant {
            self.status = ListingStatus::Archived;
            Outcome::Done
        } else {
            Outcome::AlreadyDone
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::model::tests::sample;
    use super::*;

    #[test]
    fn only_what_is_for_sale_since_before_then_leaves_the_market() {
        let later = DateTime::UNIX_EPOCH + TimeDelta::microseconds(1);
        for status in ListingStatus::ALL {
            let mut listing = sample(*status);
            let active = *status == ListingStatus::Active;
            assert_eq!(listing.archive(DateTime::UNIX_EPOCH), Outcome::AlreadyDone, "{status}");
            let expected = if active { Outcome::Done } else { Outcome::AlreadyDone };
            assert_eq!(listing.archive(later), expected, "{status}");
            let left = if active { ListingStatus::Archived } else { *status };
            assert_eq!(listing.status, left);
            assert_eq!(listing.archive(later), Outcome::AlreadyDone, "a repeat of {status}");
        }
    }

    #[test]
    fn the_time_on_the_market_begins_with_the_approval() {
        let approved_at = Some(DateTime::UNIX_EPOCH + TimeDelta::days(1));
        let mut listing = Listing { approved_at, ..sample(ListingStatus::Active) };
        let day = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        assert_eq!(listing.archive(day), Outcome::AlreadyDone);
        assert_eq!(listing.archive(day + TimeDelta::microseconds(1)), Outcome::Done);
    }
}
