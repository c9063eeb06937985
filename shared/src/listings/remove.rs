//! The seller takes a listing back.

use chrono::{DateTime, Utc};

use super::{Listing, ListingStatus};
use crate::audit::Actor;
use crate::error::{Code, Error, Result};
use crate::ids::{ListingId, UserId};
use crate::{Outcome, Tx};

/// Removes a listing of this seller; the row stays, nobody sees it. A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND`, or `PERMISSION_DENIED` for somebody else's public listing; `INVALID_STATE` while it is in a deal or sold.
pub async fn remove(tx: &mut Tx, seller: UserId, id: ListingId) -> Result<Outcome> {
    let mut listing = Listing::lock(tx, id).await?;
    let from = listing.status;
    let outcome = listing.remove(seller, tx.now())?;
    if outcome == Outcome::Done {
        listing.save(tx, Actor::User(seller), from, Some("removed by the seller")).await?;
    }
    Ok(outcome)
}

impl Listing {
    fn remove(&mut self, seller: UserId, now: DateTime<Utc>) -> Result<Outcome> {
        if self.seller_id != seller {
            return Err(Error::new(if self.is_public() {
                Code::PermissionDenied
            } else {
                Code::NotFound
            }));
        }
        if self.deleted_at.is_some() {
            return Ok(Outcome::AlreadyDone);
        }
        match self.status {
            ListingStatus::Reserved | ListingStatus::Sold => {
                return Err(Error::invalid_state(self.status.as_str()));
            }
            ListingStatus::Pending
            | ListingStatus::Active
            | ListingStatus::Rejected
            | ListingStatus::Archived => {
                self.status = ListingStatus::Archived;
            }
            // What staff took down stays marked as such.
            ListingStatus::Blocked => {}
        }
        self.deleted_at = Some(now);
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::sample;
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn a_seller_removes_what_is_not_in_a_deal_once() {
        for status in ListingStatus::ALL {
            let mut listing = sample(*status);
            let removed = listing.remove(listing.seller_id, NOW);
            if matches!(status, ListingStatus::Reserved | ListingStatus::Sold) {
                assert_eq!(removed.expect_err("in a deal").code(), Code::InvalidState);
                assert_eq!((listing.status, listing.deleted_at), (*status, None));
            } else {
                assert_eq!(removed.expect("may go"), Outcome::Done);
                let left = if *status == ListingStatus::Blocked {
                    ListingStatus::Blocked
                } else {
                    ListingStatus::Archived
                };
                assert_eq!((listing.status, listing.deleted_at), (left, Some(NOW)));
                assert_eq!(
                    listing.remove(listing.seller_id, NOW).expect("a repeat"),
                    Outcome::AlreadyDone
                );
            }
        }
    }

    #[test]
    fn nobody_removes_what_is_not_theirs() {
        for status in ListingStatus::ALL {
            let mut listing = sample(*status);
            let code = listing.remove(UserId::new(), NOW).expect_err("a stranger").code();
            let expected = if *status == ListingStatus::Active {
                Code::PermissionDenied
            } else {
                Code::NotFound
            };
            assert_eq!(code, expected, "{status}");
        }
    }
}
