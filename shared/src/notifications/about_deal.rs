//! Letters about deals.

use chrono::{DateTime, Utc};

use super::DealNews;
use crate::accounts::User;
use crate::error::Result;
use crate::escrow::{CloseReason, Escrow, EscrowStatus, Side};
use crate::ids::EscrowId;
use crate::mail::templates::deal_refunded::Undone;
use crate::mail::templates::deal_resolved::Shares;
use crate::mail::templates::{self, Subject};
use crate::mail::{Letter, Reader, local_time};
use crate::{App, Conn};

/// The letter to one person; none when the deal has moved on.
pub(super) async fn letter(
    conn: &mut Conn,
    app: &App,
    to: &User,
    (news, id): (DealNews, EscrowId),
) -> Result<Option<Letter>> {
    let Some((escrow, about)) = Escrow::with_subject(conn, app, id).await? else { return Ok(None) };
    if !news.is_still_so(&escrow) {
        return Ok(None);
    }
    let until = match news.until(&escrow) {
        Some(at) => local_time(conn, at, to).await?,
        None => String::new(),
    };
    Ok(news.write(to, &escrow, &about, &until))
}

impl DealNews {
    fn is_still_so(self, escrow: &Escrow) -> bool {
        match (self, escrow.status) {
            (Self::Paid, EscrowStatus::Paid) => escrow.handed_over_at.is_none(),
            (Self::CancelAsked, EscrowStatus::Paid) => {
                escrow.cancel_asked_at.is_some() && escrow.handed_over_at.is_none()
            }
            (Self::HandedOver, EscrowStatus::Paid) => escrow.handed_over_at.is_some(),
            (Self::Delivered, EscrowStatus::Delivered)
            | (Self::Confirmed, EscrowStatus::Confirmed)
            | (Self::Disputed, EscrowStatus::Disputed)
            | (Self::Resolved, EscrowStatus::Confirmed | EscrowStatus::Refunded)
            | (Self::Refunded, EscrowStatus::Refunded)
            | (Self::Cancelled | Self::Withdrawn, EscrowStatus::Cancelled) => true,
            (
                Self::Paid
                | Self::HandedOver
                | Self::Delivered
                | Self::Confirmed
                | Self::Disputed
                | Self::Resolved
                | Self::Refunded
                | Self::Cancelled
                | Self::CancelAsked
                | Self::Withdrawn,
                _,
            ) => false,
        }
    }

    /// The moment the letter speaks of.
    fn until(self, escrow: &Escrow) -> Option<DateTime<Utc>> {
        match self {
            Self::Paid | Self::CancelAsked => escrow.deliver_by,
            Self::HandedOver => escrow.receive_by,
            Self::Delivered => escrow.release_at,
            Self::Confirmed
            | Self::Disputed
            | Self::Resolved
            | Self::Refunded
            | Self::Cancelled
            | Self::Withdrawn => None,
        }
    }

    fn write(self, to: &User, escrow: &Escrow, about: &Subject, until: &str) -> Option<Letter> {
        let reader = &Reader::from(to);
        let side = escrow.side_of(to.id)?;
        Some(match self {
            Self::Paid => {
                templates::deal_paid::letter(reader, about, until, escrow.seller_earnings)
            }
            Self::HandedOver => templates::deal_handed_over::letter(reader, about, until),
            Self::Delivered => match side {
                Side::Seller => templates::deal_delivered::to_seller(reader, about, until),
                Side::Buyer => templates::deal_delivered::to_silent_buyer(reader, about, until),
            },
            Self::Confirmed => templates::deal_confirmed::letter(reader, about),
            Self::Disputed => {
                let reason = escrow.dispute_reason.as_deref().unwrap_or_default();
                match escrow.disputed_by.and_then(|who| escrow.side_of(who)) {
                    Some(_) => templates::deal_disputed::letter(reader, about, reason),
                    None => templates::deal_disputed::by_staff(reader, about, reason),
                }
            }
            Self::Resolved => {
                let shares = Shares { seller: escrow.seller_earnings, buyer: escrow.buyer_refund };
                templates::deal_resolved::letter(reader, about, shares, escrow.decision())
            }
            Self::Refunded => {
                templates::deal_refunded::letter(reader, about, undone(escrow.close_reason?)?)
            }
            Self::Cancelled => templates::deal_cancelled::letter(reader, about),
            Self::CancelAsked => templates::deal_cancel_asked::letter(reader, about, until),
            Self::Withdrawn => templates::deal_withdrawn::letter(reader, about),
        })
    }
}

/// Who undid the deal, as its seller is told; none when it was the seller, or nobody.
fn undone(why: CloseReason) -> Option<Undone> {
    match why {
        CloseReason::Undelivered => Some(Undone::Undelivered),
        CloseReason::BuyerCancelled => Some(Undone::ByBuyer),
        CloseReason::RefundedByStaff | CloseReason::Resolved => Some(Undone::ByStaff),
        CloseReason::Released
        | CloseReason::CompletedByStaff
        | CloseReason::SellerCancelled
        | CloseReason::Unpaid
        | CloseReason::ListingBlocked => None,
    }
}
