//! Staff learn that a listing waits for them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Listing, ListingStatus};
use crate::error::Result;
use crate::ids::{ListingId, UserId};
use crate::notifications::{ListingNews, Notice, notify};
use crate::schema::users;
use crate::{Outcome, Tx};

/// Records a notice for everybody who may moderate, unless the listing does not wait any more.
///
/// # Errors
/// The database's.
pub async fn notify_staff(tx: &mut Tx, id: ListingId) -> Result<Outcome> {
    let listing = Listing::find(tx, id).await?;
    let waiting = listing
        .filter(|listing| listing.status == ListingStatus::Pending && listing.deleted_at.is_none());
    let Some(listing) = waiting else { return Ok(Outcome::AlreadyDone) };
    let notice = Notice::of_listing(ListingNews::New, &listing);
    for person in staff(tx).await? {
        notify(tx, person, notice).await?;
    }
    Ok(Outcome::Done)
}

/// Everybody who may moderate and can be written to. The seller of a listing may be among them.
async fn staff(tx: &mut Tx) -> Result<Vec<UserId>> {
    let staff = users::table
        .filter(users::is_staff.and(users::is_active).and(users::is_verified))
        .filter(users::deleted_at.is_null())
        .order(users::id)
        .select(users::id)
        .load(tx.conn())
        .await?;
    Ok(staff)
}
