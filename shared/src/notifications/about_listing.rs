//! Letters about listings.

use super::ListingNews;
use crate::accounts::User;
use crate::error::Result;
use crate::ids::ListingId;
use crate::listings::{Listing, ListingStatus};
use crate::mail::templates::{self, Subject};
use crate::mail::{Letter, Reader, local_time};
use crate::{App, Conn};

/// The letter to one person; none when the listing has moved on.
pub(super) async fn letter(
    conn: &mut Conn,
    app: &App,
    to: &User,
    (news, id): (ListingNews, ListingId),
) -> Result<Option<Letter>> {
    let Some(listing) = Listing::find(conn, id).await? else { return Ok(None) };
    if !news.is_still_so(&listing) {
        return Ok(None);
    }
    let reader = &Reader::from(to);
    let about = &Subject {
        link: news.link(&app.settings.http.frontend_url, id),
        code: listing.listing_code.clone(),
        title: listing.title.clone(),
        price: listing.price,
    };
    let reason = listing.rejection_reason.as_deref().unwrap_or_default();
    Ok(Some(match news {
        ListingNews::New => {
            let decided_at = listing.decides_itself_at(app.settings.windows.auto_approve_after);
            let decided_at = local_time(conn, decided_at, to).await?;
            templates::new_listing::letter(reader, about, &decided_at)
        }
        ListingNews::Approved => templates::listing_approved::letter(reader, about),
        ListingNews::Rejected => templates::listing_rejected::letter(reader, about, reason),
        ListingNews::TakenDown => templates::listing_taken_down::letter(reader, about, reason),
    }))
}

impl ListingNews {
    fn is_still_so(self, listing: &Listing) -> bool {
        let statuses: &[ListingStatus] = match self {
            Self::New => &[ListingStatus::Pending],
            Self::Approved => {
                &[ListingStatus::Active, ListingStatus::Reserved, ListingStatus::Sold]
            }
            Self::Rejected => &[ListingStatus::Rejected],
            Self::TakenDown => &[ListingStatus::Blocked],
        };
        listing.deleted_at.is_none() && statuses.contains(&listing.status)
    }

    /// The page of the UI to go to.
    fn link(self, frontend_url: &str, id: ListingId) -> String {
        match self {
            Self::New => format!("{frontend_url}/amirxon/accounts"),
            Self::Approved => format!("{frontend_url}/account/{id}"),
            Self::Rejected | Self::TakenDown => format!("{frontend_url}/profile"),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::listings::tests::sample;

    #[test]
    fn nothing_is_said_that_is_no_longer_so() {
        for (news, still) in [
            (ListingNews::New, vec![ListingStatus::Pending]),
            (
                ListingNews::Approved,
                vec![ListingStatus::Active, ListingStatus::Reserved, ListingStatus::Sold],
            ),
            (ListingNews::Rejected, vec![ListingStatus::Rejected]),
            (ListingNews::TakenDown, vec![ListingStatus::Blocked]),
        ] {
            for status in ListingStatus::ALL {
                let listing = sample(*status);
                assert_eq!(news.is_still_so(&listing), still.contains(status), "{news} {status}");
                let removed = Listing { deleted_at: Some(DateTime::UNIX_EPOCH), ..listing };
                assert!(!news.is_still_so(&removed), "{news} {status}");
            }
        }
    }
}
