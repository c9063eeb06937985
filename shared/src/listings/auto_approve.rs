//! No moderator decided in time: the listing becomes public by itself.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::moderate::follow_up;
use super::{Listing, ListingStatus};
use crate::accounts::User;
use crate::audit::Actor;
use crate::error::Result;
use crate::ids::ListingId;
use crate::jobs::after;
use crate::{Timed, Tx};

/// Approves a listing that nobody decided about within `window`, unless its seller is banned or gone: then it waits for
/// staff. The timer's command.
///
/// # Errors
/// The database's.
pub async fn auto_approve(tx: &mut Tx, window: Duration, id: ListingId) -> Result<Timed> {
    let mut listing = Listing::lock(tx, id).await?;
    let seller = User::find(tx, listing.seller_id).await?;
    let trades = seller.is_some_and(|seller| seller.may_sign_in());
    let from = listing.status;
    let timed = listing.auto_approve(trades, window, tx.now());
    if timed == Timed::Done {
        follow_up(tx, &mut listing, Actor::System, from, "listing.auto_approve", None).await?;
    }
    Ok(timed)
}

impl Listing {
    /// When it becomes public by itself.
    pub(crate) fn decides_itself_at(&self, window: Duration) -> DateTime<Utc> {
        after(self.created_at, window)
    }

    fn auto_approve(&mut self, trades: bool, window: Duration, now: DateTime<Utc>) -> Timed {
        let due = self.decides_itself_at(window);
        match self.status {
            ListingStatus::Pending if !trades || self.deleted_at.is_some() => Timed::AlreadyDone,
            ListingStatus::Pending if now < due => Timed::NotBefore(due),
            ListingStatus::Pending => {
                self.publish(None, now);
                Timed::Done
            }
            ListingStatus::Active
            | ListingStatus::Reserved
            | ListingStatus::Sold
            | ListingStatus::Rejected
            | ListingStatus::Blocked
            | ListingStatus::Archived => Timed::AlreadyDone,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::model::tests::sample;
    use super::*;

    const WINDOW: Duration = Duration::from_secs(48 * 3600);

    fn hours(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    #[test]
    fn a_waiting_listing_is_approved_when_its_window_closes() {
        let mut listing = sample(ListingStatus::Pending);
        assert_eq!(listing.auto_approve(true, WINDOW, hours(47)), Timed::NotBefore(hours(48)));
        assert_eq!(listing.status, ListingStatus::Pending);
        assert_eq!(listing.auto_approve(true, WINDOW, hours(48)), Timed::Done);
        assert_eq!(
            (listing.status, listing.approved_at, listing.moderated_by),
            (ListingStatus::Active, Some(hours(48)), None)
        );
        assert_eq!(listing.auto_approve(true, WINDOW, hours(49)), Timed::AlreadyDone);
    }

    #[test]
    fn nothing_of_a_banned_seller_and_nothing_removed_is_approved() {
        let mut banned = sample(ListingStatus::Pending);
        assert_eq!(banned.auto_approve(false, WINDOW, hours(99)), Timed::AlreadyDone);
        let mut removed = Listing { deleted_at: Some(hours(1)), ..sample(ListingStatus::Pending) };
        assert_eq!(removed.auto_approve(true, WINDOW, hours(99)), Timed::AlreadyDone);
        assert_eq!(
            (banned.status, removed.status),
            (ListingStatus::Pending, ListingStatus::Pending)
        );
    }

    #[test]
    fn what_was_decided_stays_decided() {
        for status in ListingStatus::ALL.iter().filter(|status| **status != ListingStatus::Pending)
        {
            let mut listing = sample(*status);
            assert_eq!(listing.auto_approve(true, WINDOW, hours(99)), Timed::AlreadyDone);
            assert_eq!((listing.status, listing.approved_at), (*status, None));
        }
    }
}
