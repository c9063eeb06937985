//! The notices, and recording one for a person.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::jobs::SendNotificationEmail;
use super::{about_deal, about_listing, about_subscription};
use crate::accounts::User;
use crate::error::Result;
use crate::escrow::Escrow;
use crate::ids::{EscrowId, ListingId, SubscriptionId, UserId};
use crate::jobs::enqueue;
use crate::listings::Listing;
use crate::mail::Letter;
use crate::subscriptions::{Subscription, stamp};
use crate::text_enum::text_enum;
use crate::{App, Conn, Tx};

text_enum! {
    /// What happened to a listing.
    ListingNews {
        /// To staff: it waits for a decision.
        New = "new",
        /// To the seller: it is public.
        Approved = "approved",
        /// To the seller: a moderator said no.
        Rejected = "rejected",
        /// To the seller: staff took it down.
        TakenDown = "taken_down",
    }
}

text_enum! {
    /// What happened to a deal.
    DealNews {
        /// To the seller: the money is held, the account is awaited.
        Paid = "paid",
        /// To the buyer: the credentials can be seen.
        HandedOver = "handed_over",
        /// To the seller, and to a buyer who kept silent: the account counts as received.
        Delivered = "delivered",
        /// To the buyer: it is complete.
        Confirmed = "confirmed",
        /// To the other side: staff were called.
        Disputed = "disputed",
        /// To both: staff decided.
        Resolved = "resolved",
        /// To the seller: the buyer has the money back.
        Refunded = "refunded",
        /// To the buyer: the reservation ran out.
        Cancelled = "cancelled",
        /// To the seller: the buyer wishes to cancel.
        CancelAsked = "cancel_asked",
        /// To the buyer: staff blocked what they had reserved.
        Withdrawn = "withdrawn",
    }
}

text_enum! {
    /// What happened to a subscription, told to its owner.
    SubscriptionNews {
        /// A plan was bought.
        Purchased = "purchased",
        /// The next period was paid from the balance.
        Renewed = "renewed",
        /// The balance did not cover the next period.
        Unpaid = "unpaid",
        /// It is over.
        Expired = "expired",
    }
}

/// What happened to what, by ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Notice {
    /// A listing; it can be decided about again after an edit, so the version that was decided about belongs to it.
    Listing {
        /// What happened.
        news: ListingNews,
        /// To which listing.
        listing_id: ListingId,
        /// In which version.
        version: i32,
    },
    /// A deal.
    Deal {
        /// What happened.
        news: DealNews,
        /// To which deal.
        escrow_id: EscrowId,
    },
    /// A subscription; it has many periods.
    Subscription {
        /// What happened.
        news: SubscriptionNews,
        /// To which subscription.
        subscription_id: SubscriptionId,
        /// The start of the period that was paid, or the end of the one that was not.
        period: DateTime<Utc>,
    },
}

impl Notice {
    /// News of a listing as it is now.
    #[must_use]
    pub fn of_listing(news: ListingNews, listing: &Listing) -> Self {
        Self::Listing { news, listing_id: listing.id, version: listing.version }
    }

    /// News of a deal.
    #[must_use]
    pub fn of_deal(news: DealNews, escrow: &Escrow) -> Self {
        Self::Deal { news, escrow_id: escrow.id }
    }

    /// News of a subscription as it is now.
    #[must_use]
    pub fn of_subscription(news: SubscriptionNews, subscription: &Subscription) -> Self {
        let period = match news {
            SubscriptionNews::Purchased | SubscriptionNews::Renewed => subscription.start_date,
            SubscriptionNews::Unpaid | SubscriptionNews::Expired => subscription.end_date,
        };
        Self::Subscription { news, subscription_id: subscription.id, period }
    }

    /// The permanent name of what happened: it happened once.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Listing { news, listing_id, version } => {
                format!("listing_{news}:{listing_id}:{version}")
            }
            Self::Deal { news, escrow_id } => format!("deal_{news}:{escrow_id}"),
            Self::Subscription { news, subscription_id, period } => {
                format!("subscription_{news}:{subscription_id}:{}", stamp(period))
            }
        }
    }

    /// The letter to one person; none when it is no longer so.
    pub(super) async fn letter(
        self,
        conn: &mut Conn,
        app: &App,
        to: &User,
    ) -> Result<Option<Letter>> {
        match self {
            Self::Listing { news, listing_id, .. } => {
                about_listing::letter(conn, app, to, (news, listing_id)).await
            }
            Self::Deal { news, escrow_id } => {
                about_deal::letter(conn, app, to, (news, escrow_id)).await
            }
            Self::Subscription { news, subscription_id, period } => {
                about_subscription::letter(conn, app, to, (news, subscription_id, period)).await
            }
        }
    }
}

/// Records that a person is to be told. Last in a transaction: job rows come last in the order of locks.
///
/// # Errors
/// The database's.
pub async fn notify(tx: &mut Tx, person: UserId, notice: Notice) -> Result<()> {
    let mail = SendNotificationEmail { user_id: person, notification_data: notice };
    enqueue(tx, &mail).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_notice_is_stored_by_its_ids_and_has_a_permanent_name() {
        let (listing_id, escrow_id) = (ListingId(Uuid::nil()), EscrowId(Uuid::nil()));
        let zero = "00000000-0000-0000-0000-000000000000";
        for (notice, stored, key) in [
            (
                Notice::Listing { news: ListingNews::TakenDown, listing_id, version: 2 },
                json!({ "about": "listing", "news": "taken_down", "listing_id": zero, "version": 2 }),
                format!("listing_taken_down:{zero}:2"),
            ),
            (
                Notice::Deal { news: DealNews::HandedOver, escrow_id },
                json!({ "about": "deal", "news": "handed_over", "escrow_id": zero }),
                format!("deal_handed_over:{zero}"),
            ),
            (
                Notice::Subscription {
                    news: SubscriptionNews::Renewed,
                    subscription_id: SubscriptionId(Uuid::nil()),
                    period: DateTime::UNIX_EPOCH,
                },
                json!({ "about": "subscription", "news": "renewed", "subscription_id": zero, "period": "1970-01-01T00:00:00Z" }),
                format!("subscription_renewed:{zero}:1970-01-01T00:00:00.000000Z"),
            ),
        ] {
            assert_eq!(serde_json::to_value(notice).expect("stores"), stored);
            assert_eq!(serde_json::from_value::<Notice>(stored).expect("reads"), notice);
            assert_eq!(notice.key(), key);
        }
    }
}
