//! What a deal does to its listing. The deal's commands hold the lock and save.

use chrono::{DateTime, Utc};

use super::{Listing, ListingStatus};
use crate::error::{Code, Error, Result};

impl Listing {
    /// A buyer takes it out of the market.
    pub(crate) fn reserve(&mut self) -> Result<()> {
        if !self.is_public() {
            return Err(Error::new(Code::ListingUnavailable));
        }
        self.status = ListingStatus::Reserved;
        Ok(())
    }

    /// The deal was undone: back to the market, unless the buyer may know the password.
    /// Says whether anything changed: a listing that staff blocked meanwhile stays as it is.
    pub(crate) fn give_back(&mut self, handed_over: bool) -> bool {
        let reserved = self.status == ListingStatus::Reserved;
        if reserved {
            self.status = if handed_over { ListingStatus::Archived } else { ListingStatus::Active };
        }
        reserved
    }

    /// The seller was paid. A listing that staff blocked meanwhile stays as it is.
    pub(crate) fn sell(&mut self, now: DateTime<Utc>) -> bool {
        let reserved = self.status == ListingStatus::Reserved;
        if reserved {
            self.status = ListingStatus::Sold;
            self.sold_at = Some(now);
        }
        reserved
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::sample;
    use super::*;

    #[test]
    fn only_an_active_listing_is_taken() {
        for status in ListingStatus::ALL {
            let mut listing = sample(*status);
            let taken = listing.reserve();
            if *status == ListingStatus::Active {
                taken.expect("for sale");
                assert_eq!(listing.status, ListingStatus::Reserved);
            } else {
                assert_eq!(
                    taken.expect_err("not for sale").code(),
                    Code::ListingUnavailable,
                    "{status}"
                );
                assert_eq!(listing.status, *status);
            }
        }
    }

    #[test]
    fn an_undone_deal_gives_the_listing_back_unless_the_password_is_out() {
        let mut listing = sample(ListingStatus::Reserved);
        assert!(listing.give_back(false));
        assert_eq!(listing.status, ListingStatus::Active);
        let mut listing = sample(ListingStatus::Reserved);
        assert!(listing.give_back(true));
        assert_eq!(listing.status, ListingStatus::Archived);
        let mut listing = sample(ListingStatus::Blocked);
        assert!(!listing.give_back(false));
        assert_eq!(listing.status, ListingStatus::Blocked);
    }

    #[test]
    fn a_reserved_listing_is_sold_once() {
        let mut listing = sample(ListingStatus::Reserved);
        assert!(listing.sell(DateTime::UNIX_EPOCH));
        assert_eq!(
            (listing.status, listing.sold_at),
            (ListingStatus::Sold, Some(DateTime::UNIX_EPOCH))
        );
        assert!(!listing.sell(DateTime::UNIX_EPOCH));
    }
}
