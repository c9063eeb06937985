//! Staff decide what is public.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::{Listing, ListingStatus};
use crate::audit::{self, Actor};
use crate::error::{Error, Result, texts};
use crate::ids::{ListingId, UserId};
use crate::notifications::{ListingNews, Notice, notify};
use crate::schema::listings;
use crate::{Outcome, Tx, escrow};

/// The longest reason.
const REASON_MAX: usize = 2_000;

/// A moderator lets a listing be seen. A repeat finds it done.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_STATE` when somebody decided otherwise before.
pub async fn approve(tx: &mut Tx, staff: UserId, id: ListingId) -> Result<Listing> {
    let (mut listing, from) = lock_present(tx, id).await?;
    if listing.approve(staff, tx.now())? == Outcome::Done {
        follow_up(tx, &mut listing, Actor::Staff(staff), from, "listing.approve", None).await?;
    }
    Ok(listing)
}

/// A moderator refuses a waiting listing. Without a reason it is also the UI's button that takes an active listing
/// down: it blocks it. (With a reason it judges a waiting listing only, so that of two moderators the first wins.)
///
/// # Errors
/// `NOT_FOUND`; `INVALID_STATE` when somebody decided otherwise before; `VALIDATION_ERROR` for a reason that is too long.
pub async fn reject(tx: &mut Tx, staff: UserId, id: ListingId, reason: &str) -> Result<Listing> {
    let reason = reason_of(reason)?;
    let seen: ListingStatus =
        listings::table.find(id).select(listings::status).get_result(tx.conn()).await?;
    let (mut listing, from) = lock_present(tx, id).await?;
    if from != seen && from == ListingStatus::Active {
        // Approved while this request waited for the lock: it spoke about a waiting listing.
        return Err(Error::invalid_state(from.as_str()));
    }
    let taking_down =
        reason.is_none() && matches!(from, ListingStatus::Active | ListingStatus::Blocked);
    let (outcome, action) = if taking_down {
        (listing.block(staff, None, tx.now())?, "listing.block")
    } else {
        (listing.reject(staff, reason, tx.now())?, "listing.reject")
    };
    if outcome == Outcome::Done {
        follow_up(tx, &mut listing, Actor::Staff(staff), from, action, reason).await?;
    }
    Ok(listing)
}

/// Staff take a listing down. The money of a deal on it stays held until staff decide; an unpaid deal ends.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_STATE` after it was sold; `PERMISSION_DENIED` for staff who are a party of its deal.
pub async fn block(tx: &mut Tx, staff: UserId, id: ListingId, reason: &str) -> Result<Listing> {
    let reason = reason_of(reason)?;
    let (mut listing, from) = lock_present(tx, id).await?;
    if listing.block(staff, reason, tx.now())? == Outcome::Done {
        if from == ListingStatus::Reserved {
            escrow::listing_blocked(tx, &listing, staff, reason).await?;
        }
        follow_up(tx, &mut listing, Actor::Staff(staff), from, "listing.block", reason).await?;
    }
    Ok(listing)
}

async fn lock_present(tx: &mut Tx, id: ListingId) -> Result<(Listing, ListingStatus)> {
    let listing = Listing::lock(tx, id).await?;
    if listing.deleted_at.is_some() {
        return Err(Error::new(crate::Code::NotFound));
    }
    let from = listing.status;
    Ok((listing, from))
}

fn reason_of(reason: &str) -> Result<Option<&str>> {
    let reason = reason.trim();
    if reason.chars().count() > REASON_MAX {
        return Err(Error::new(crate::Code::ValidationError).and_field(
            "reason",
            texts::TOO_LONG,
            REASON_MAX.to_string(),
        ));
    }
    Ok((!reason.is_empty()).then_some(reason))
}

/// Stores a decision with its history, its audit line, and the notice to the seller.
pub(super) async fn follow_up(
    tx: &mut Tx,
    listing: &mut Listing,
    actor: Actor,
    from: ListingStatus,
    action: &str,
    reason: Option<&str>,
) -> Result<()> {
    listing.save(tx, actor, from, reason).await?;
    let details = json!({ "from": from, "to": listing.status, "reason": reason });
    audit::record(tx, actor, action, ("listing", listing.id.to_string()), details).await?;
    match listing.news() {
        Some(news) => notify(tx, listing.seller_id, Notice::of_listing(news, listing)).await,
        None => Ok(()),
    }
}

impl Listing {
    fn approve(&mut self, staff: UserId, now: DateTime<Utc>) -> Result<Outcome> {
        match self.status {
            ListingStatus::Pending => {
                self.publish(Some(staff), now);
                Ok(Outcome::Done)
            }
            ListingStatus::Active => Ok(Outcome::AlreadyDone),
            other @ (ListingStatus::Reserved
            | ListingStatus::Sold
            | ListingStatus::Rejected
            | ListingStatus::Blocked
            | ListingStatus::Archived) => Err(Error::invalid_state(other.as_str())),
        }
    }

    fn reject(
        &mut self,
        staff: UserId,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        match self.status {
            ListingStatus::Pending => {
                self.status = ListingStatus::Rejected;
                self.rejected_at = Some(now);
                self.rejection_reason = reason.map(str::to_owned);
                self.moderated(Some(staff), now);
                Ok(Outcome::Done)
            }
            ListingStatus::Rejected => Ok(Outcome::AlreadyDone),
            other @ (ListingStatus::Active
            | ListingStatus::Reserved
            | ListingStatus::Sold
            | ListingStatus::Blocked
            | ListingStatus::Archived) => Err(Error::invalid_state(other.as_str())),
        }
    }

    fn block(
        &mut self,
        staff: UserId,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        match self.status {
            ListingStatus::Pending
            | ListingStatus::Active
            | ListingStatus::Reserved
            | ListingStatus::Rejected
            | ListingStatus::Archived => {
                self.status = ListingStatus::Blocked;
                self.rejection_reason = reason.map(str::to_owned);
                self.moderated(Some(staff), now);
                Ok(Outcome::Done)
            }
            ListingStatus::Blocked => Ok(Outcome::AlreadyDone),
            other @ ListingStatus::Sold => Err(Error::invalid_state(other.as_str())),
        }
    }

    /// Public from now on, by a moderator's word or by nobody's.
    pub(super) fn publish(&mut self, by: Option<UserId>, now: DateTime<Utc>) {
        self.status = ListingStatus::Active;
        self.approved_at = Some(now);
        self.moderated(by, now);
    }

    fn moderated(&mut self, by: Option<UserId>, now: DateTime<Utc>) {
        self.moderated_by = by;
        self.moderated_at = Some(now);
    }

    /// What its seller is told about the decision it carries.
    fn news(&self) -> Option<ListingNews> {
        match self.status {
            ListingStatus::Active => Some(ListingNews::Approved),
            ListingStatus::Rejected => Some(ListingNews::Rejected),
            ListingStatus::Blocked => Some(ListingNews::TakenDown),
            ListingStatus::Pending
            | ListingStatus::Reserved
            | ListingStatus::Sold
            | ListingStatus::Archived => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::sample;
    use super::*;
    use crate::Code;

    type Decision = fn(&mut Listing, UserId) -> Result<Outcome>;

    /// What a decision does in every status: the new status, `None` for "done already"; anything else is refused.
    fn check(decide: Decision, allowed: &[(ListingStatus, Option<ListingStatus>)]) {
        for status in ListingStatus::ALL {
            let staff = UserId::new();
            let mut listing = sample(*status);
            let decided = decide(&mut listing, staff);
            match allowed.iter().find(|(from, _)| from == status) {
                Some((_, Some(to))) => {
                    assert_eq!(decided.expect("allowed"), Outcome::Done, "{status}");
                    assert_eq!((listing.status, listing.moderated_by), (*to, Some(staff)));
                }
                Some((_, None)) => {
                    assert_eq!(decided.expect("a repeat"), Outcome::AlreadyDone, "{status}");
                    assert_eq!((listing.status, listing.moderated_by), (*status, None));
                }
                None => {
                    assert_eq!(
                        decided.expect_err("forbidden").code(),
                        Code::InvalidState,
                        "{status}"
                    );
                    assert_eq!(listing.status, *status);
                }
            }
        }
    }

    #[test]
    fn a_waiting_listing_is_approved_once() {
        use ListingStatus::{Active, Pending};
        check(
            |listing, staff| listing.approve(staff, DateTime::UNIX_EPOCH),
            &[(Pending, Some(Active)), (Active, None)],
        );
    }

    #[test]
    fn a_waiting_listing_is_rejected_with_its_reason() {
        use ListingStatus::{Pending, Rejected};
        check(
            |listing, staff| listing.reject(staff, Some("stolen"), DateTime::UNIX_EPOCH),
            &[(Pending, Some(Rejected)), (Rejected, None)],
        );
        let mut listing = sample(Pending);
        assert_eq!(
            listing.reject(UserId::new(), Some("stolen"), DateTime::UNIX_EPOCH).expect("waiting"),
            Outcome::Done
        );
        assert_eq!(listing.rejection_reason.as_deref(), Some("stolen"));
    }

    #[test]
    fn everything_but_a_sold_listing_is_blocked() {
        use ListingStatus::{Active, Archived, Blocked, Pending, Rejected, Reserved};
        let blocked = Some(Blocked);
        check(
            |listing, staff| listing.block(staff, None, DateTime::UNIX_EPOCH),
            &[
                (Pending, blocked),
                (Active, blocked),
                (Reserved, blocked),
                (Rejected, blocked),
                (Archived, blocked),
                (Blocked, None),
            ],
        );
    }

    #[test]
    fn a_reason_is_trimmed_and_has_a_limit() {
        assert_eq!(reason_of("  ").expect("empty"), None);
        assert_eq!(reason_of(" stolen ").expect("short"), Some("stolen"));
        assert!(reason_of(&"я".repeat(REASON_MAX)).is_ok());
        assert!(reason_of(&"я".repeat(REASON_MAX + 1)).is_err());
    }
}
