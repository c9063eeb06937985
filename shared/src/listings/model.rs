//! The row of a listing.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::audit::Actor;
use crate::error::Result;
use crate::ids::{GameId, ListingId, UserId};
use crate::schema::{listing_status_history, listings};
use crate::text_enum::text_enum;
use crate::{Conn, Money, Tx};

/// The lowest price, in UZS.
pub const PRICE_MIN: i64 = 1_000;
/// The highest price, in UZS.
pub const PRICE_MAX: i64 = 1_000_000_000;

text_enum! {
    /// Where a listing is in its life.
    ListingStatus {
        /// Waits for a moderator.
        Pending = "pending",
        /// Public, for sale.
        Active = "active",
        /// In a deal.
        Reserved = "reserved",
        /// Sold and paid out.
        Sold = "sold",
        /// A moderator said no.
        Rejected = "rejected",
        /// Taken down by staff.
        Blocked = "blocked",
        /// Taken down by its seller, after a deal that was undone too late, or because nobody bought it for too long.
        Archived = "archived",
    }
}

text_enum! {
    /// How one signs in to the game account.
    LoginMethod { Email = "email", Phone = "phone", Username = "username", Social = "social" }
}

/// The UI's names of login methods and what the specification calls them.
const LOGIN_ALIASES: [(&str, LoginMethod); 2] =
    [("google", LoginMethod::Social), ("facebook", LoginMethod::Social)];

impl LoginMethod {
    /// Every name a client may send.
    pub const NAMES: &'static str = "email, phone, username, social, google, facebook";

    /// Reads a method by its own name or by the UI's.
    #[must_use]
    pub fn from_input(text: &str) -> Option<Self> {
        let alias =
            LOGIN_ALIASES.iter().find(|(alias, _)| *alias == text).map(|(_, method)| *method);
        Self::parse(text).or(alias)
    }
}

/// A game account for sale.
#[derive(Clone, Debug, HasQuery, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = listings, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Listing {
    /// Its id.
    pub id: ListingId,
    /// What people call it: `WB-000123`. The database numbers it.
    #[diesel(skip_insertion, skip_update)]
    pub listing_code: String,
    /// Who sells.
    pub seller_id: UserId,
    /// Of which game.
    pub game_id: GameId,
    /// One line.
    pub title: String,
    /// Some paragraphs.
    pub description: String,
    /// What the buyer pays.
    pub price: Money,
    /// What it cost before a discount.
    pub original_price: Option<Money>,
    /// Where it is in its life.
    pub status: ListingStatus,
    /// Highlighted by staff or by a promotion.
    pub is_premium: bool,
    /// People who looked at it.
    pub views_count: i32,
    /// People who keep it.
    pub favorites_count: i32,
    /// How one signs in.
    pub login_method: LoginMethod,
    /// The account's level, as the seller wrote it.
    pub level: String,
    /// The account's rank, as the seller wrote it.
    pub rank: String,
    /// How many skins it has.
    pub skins_count: i32,
    /// A list of texts.
    pub features: Value,
    /// Who moderated it last.
    pub moderated_by: Option<UserId>,
    /// When.
    pub moderated_at: Option<DateTime<Utc>>,
    /// When it became public.
    pub approved_at: Option<DateTime<Utc>>,
    /// When a moderator said no.
    pub rejected_at: Option<DateTime<Utc>>,
    /// Why.
    pub rejection_reason: Option<String>,
    /// When its seller was paid.
    pub sold_at: Option<DateTime<Utc>>,
    /// Counts the edits.
    pub version: i32,
    /// Made at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
    /// Removed by its seller at.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Listing {
    /// The listing as it is now, not locked.
    pub(crate) async fn find(conn: &mut Conn, id: ListingId) -> Result<Option<Self>> {
        Ok(Self::query().filter(listings::id.eq(id)).first(conn).await.optional()?)
    }

    /// The listing, locked until the transaction ends. First in the order of locks.
    ///
    /// # Errors
    /// `NOT_FOUND`; `BUSY` when somebody holds it for too long.
    pub(crate) async fn lock(tx: &mut Tx, id: ListingId) -> Result<Self> {
        let listing = Self::query()
            .filter(listings::id.eq(id))
            .for_no_key_update()
            .get_result(tx.conn())
            .await?;
        Ok(listing)
    }

    /// Writes a locked listing back, and its step from `from` into the history.
    pub(crate) async fn save(
        &mut self,
        tx: &mut Tx,
        actor: Actor,
        from: ListingStatus,
        reason: Option<&str>,
    ) -> Result<()> {
        self.version = self.version.saturating_add(1);
        self.updated_at = tx.now();
        diesel::update(listings::table.find(self.id)).set(&*self).execute(tx.conn()).await?;
        record(tx, self, actor, Some(from), reason).await
    }

    /// Whether anybody may see it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.status == ListingStatus::Active && self.deleted_at.is_none()
    }
}

/// Writes one step of a listing's life; `from` is `None` for the first.
pub(super) async fn record(
    tx: &mut Tx,
    listing: &Listing,
    actor: Actor,
    from: Option<ListingStatus>,
    reason: Option<&str>,
) -> Result<()> {
    use listing_status_history as history;
    diesel::insert_into(history::table)
        .values((
            history::listing_id.eq(listing.id),
            history::actor.eq(actor.to_string()),
            history::from_status.eq(from.map(ListingStatus::as_str)),
            history::to_status.eq(listing.status),
            history::reason.eq(reason),
        ))
        .execute(tx.conn())
        .await?;
    let was = from.map_or("none", ListingStatus::as_str);
    tracing::info!(target: "listings", action = "listing.status", listing = %listing.id, %actor, from = %was, to = %listing.status, "listing.status");
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    /// A listing of 100,000 UZS in this status.
    pub(crate) fn sample(status: ListingStatus) -> Listing {
        Listing {
            id: ListingId::new(),
            listing_code: "WB-000001".to_owned(),
            seller_id: UserId::new(),
            game_id: GameId::new(),
            title: "PUBG Mobile, 70 skins".to_owned(),
            description: "Season 12, all skins.".to_owned(),
            price: Money::from_soum(100_000),
            original_price: None,
            status,
            is_premium: false,
            views_count: 0,
            favorites_count: 0,
            login_method: LoginMethod::Email,
            level: String::new(),
            rank: String::new(),
            skins_count: 70,
            features: json!([]),
            moderated_by: None,
            moderated_at: None,
            approved_at: None,
            rejected_at: None,
            rejection_reason: None,
            sold_at: None,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
        }
    }

    #[test]
    fn the_ui_names_social_logins_by_the_network() {
        assert_eq!(LoginMethod::from_input("google"), Some(LoginMethod::Social));
        assert_eq!(LoginMethod::from_input("facebook"), Some(LoginMethod::Social));
        for method in LoginMethod::ALL {
            assert_eq!(LoginMethod::from_input(method.as_str()), Some(*method));
            assert!(LoginMethod::NAMES.contains(method.as_str()));
        }
        assert_eq!(LoginMethod::from_input("Email"), None);
        assert_eq!(LoginMethod::from_input(""), None);
    }

    #[test]
    fn only_an_active_listing_is_public() {
        for status in ListingStatus::ALL {
            assert_eq!(sample(*status).is_public(), *status == ListingStatus::Active, "{status}");
        }
        let removed =
            Listing { deleted_at: Some(DateTime::UNIX_EPOCH), ..sample(ListingStatus::Active) };
        assert!(!removed.is_public());
    }
}
