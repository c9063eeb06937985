//! Reading listings: a page of them in two statements, one of them in one. No query here can reach the credentials.

use diesel::dsl::{IntoBoxed, array, auto_type, exists, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Listing, ListingStatus};
use crate::accounts::User;
use crate::db::app_now;
use crate::error::{Code, Error, Result};
use crate::ids::{GameId, ListingId, UserId};
use crate::page::{Page, Window};
use crate::schema::{
    games, listing_search, listings, subscription_plans, user_subscriptions, users,
};
use crate::{Conn, Money};

/// Whose listings, and who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What anybody may see.
    Public,
    /// A seller's own, in any status.
    Of(UserId),
    /// All that were not removed: for staff.
    Everything,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A game's slug or id.
    pub game: Option<String>,
    /// A seller's username or id.
    pub seller: Option<String>,
    /// In this status.
    pub status: Option<ListingStatus>,
    /// Not cheaper.
    pub min_price: Option<Money>,
    /// Not dearer.
    pub max_price: Option<Money>,
    /// Words of the title or the description, a part of the title, or a listing's code. Once the listing is indexed, also
    /// words of its game's name, and all of them in another alphabet or without accents.
    pub search: Option<String>,
    /// Highlighted, or not.
    pub is_premium: Option<bool>,
    /// With pictures, or without. Nothing has pictures yet.
    pub has_images: Option<bool>,
    /// With a warranty, or without. Nothing has a warranty yet.
    pub has_warranty: Option<bool>,
}

/// In which order; equals follow their id, so that pages never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Highlighted ones first, then the newest.
    Recommended,
    /// By age.
    Newest,
    /// By age.
    Oldest,
    /// By price.
    Cheapest,
    /// By price.
    Dearest,
    /// By views.
    MostViewed,
    /// By views.
    LeastViewed,
    /// By the seller's rating.
    BestRated,
    /// By the seller's rating.
    WorstRated,
    /// By the seller's finished sales.
    MostSales,
    /// By the seller's finished sales.
    LeastSales,
}

/// The game of a listing.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = games)]
pub struct GameOf {
    /// Its id.
    pub id: GameId,
    /// As it stands in addresses.
    pub slug: String,
    /// As people call it.
    pub name: String,
}

/// The seller of a listing.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct SellerOf {
    /// Their id.
    pub id: UserId,
    /// For staff only.
    pub email: String,
    /// As it stands in addresses.
    pub username: Option<String>,
    /// As they wrote it.
    pub full_name: String,
    /// Absolute URL.
    pub avatar: Option<String>,
    /// Mean of the reviews.
    pub rating: Decimal,
    /// Deals they sold.
    pub total_sales: i32,
    /// Whether they are neither banned nor closed.
    #[diesel(select_expression = users::is_active.and(users::deleted_at.is_null()))]
    pub is_active: bool,
}

/// What the seller's plan shows.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = subscription_plans)]
pub struct PlanOf {
    /// `premium` or `pro`.
    pub slug: String,
    /// Premium or better.
    pub is_premium: bool,
    /// Pro.
    pub is_pro: bool,
}

/// A listing with all that its page shows.
#[derive(Clone, Debug)]
pub struct ListingView {
    /// The row.
    pub listing: Listing,
    /// Its game.
    pub game: GameOf,
    /// Its seller.
    pub seller: SellerOf,
    /// The seller's plan; none for the free one.
    pub plan: Option<PlanOf>,
}

type Row = (Listing, GameOf, SellerOf, Option<PlanOf>);

diesel::define_sql_function! {
    fn lower(text: Nullable<Text>) -> Nullable<Text>;
}

/// Highlighted by staff, by a promotion, or by the seller's plan.
const HIGHLIGHTED: &str = "(listings.is_premium OR coalesce(subscription_plans.is_premium, false))";

#[auto_type]
fn joined() -> _ {
    listings::table
        .inner_join(games::table.on(games::id.eq(listings::game_id)))
        .inner_join(users::table.on(users::id.eq(listings::seller_id)))
        .left_join(
            user_subscriptions::table.on(user_subscriptions::user_id
                .eq(listings::seller_id)
                .and(user_subscriptions::status.ne("expired"))
                .and(user_subscriptions::rights_until.gt(app_now()))),
        )
        .left_join(
            subscription_plans::table
                .on(subscription_plans::id.nullable().eq(user_subscriptions::plan_id.nullable())),
        )
}

/// One page of listings.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Conn,
    scope: Scope,
    filter: &Filter,
    order: Order,
    window: Window,
) -> Result<Page<ListingView>> {
    let rows: Vec<Row> = ordered(matching(scope, filter), order)
        .select((
            Listing::as_select(),
            GameOf::as_select(),
            SellerOf::as_select(),
            Option::<PlanOf>::as_select(),
        ))
        .limit(window.limit)
        .offset(window.offset)
        .load(conn)
        .await?;
    let count = matching(scope, filter).count().get_result(conn).await?;
    Ok(Page { rows: rows.into_iter().map(ListingView::from).collect(), count })
}

/// A listing as this viewer may see it: anybody an active one, its seller and staff any.
///
/// # Errors
/// `NOT_FOUND` when it is not there, or not for this viewer.
pub async fn find(conn: &mut Conn, id: ListingId, viewer: Option<&User>) -> Result<ListingView> {
    let view: ListingView = joined()
        .filter(listings::id.eq(id).and(listings::deleted_at.is_null()))
        .select((
            Listing::as_select(),
            GameOf::as_select(),
            SellerOf::as_select(),
            Option::<PlanOf>::as_select(),
        ))
        .first::<Row>(conn)
        .await?
        .into();
    let public = view.listing.is_public() && view.seller.is_active;
    let theirs = viewer.is_some_and(|viewer| {
        viewer.id == view.listing.seller_id || viewer.is_staff || viewer.is_superuser
    });
    if public || theirs { Ok(view) } else { Err(Error::new(Code::NotFound)) }
}

/// Whether the catalogue has this game, by its slug or its id.
///
/// # Errors
/// `NOT_FOUND` when it has not.
pub async fn require_game(conn: &mut Conn, slug_or_id: &str) -> Result<()> {
    let id = Uuid::parse_str(slug_or_id).ok().map(GameId);
    let named = games::slug.eq(slug_or_id).or(games::id.nullable().eq(id));
    let known = exists(games::table.filter(games::is_active).filter(named.assume_not_null()));
    if diesel::select(known).get_result(conn).await? {
        Ok(())
    } else {
        Err(Error::new(Code::NotFound))
    }
}

fn matching(scope: Scope, filter: &Filter) -> IntoBoxed<'static, joined, Pg> {
    let mut wanted = joined().filter(listings::deleted_at.is_null()).into_boxed();
    match scope {
        Scope::Public => {
            let public = listings::status
                .eq(ListingStatus::Active)
                .and(users::is_active)
                .and(users::deleted_at.is_null());
            wanted = wanted.filter(public);
        }
        Scope::Of(seller) => wanted = wanted.filter(listings::seller_id.eq(seller)),
        Scope::Everything => {}
    }
    if let Some(game) = filter.game.clone() {
        wanted = match Uuid::parse_str(&game) {
            Ok(id) => wanted.filter(listings::game_id.eq(GameId(id))),
            Err(_not_an_id) => wanted.filter(games::slug.eq(game)),
        };
    }
    if let Some(seller) = filter.seller.clone() {
        wanted = match Uuid::parse_str(&seller) {
            Ok(id) => wanted.filter(listings::seller_id.eq(UserId(id))),
            Err(_not_an_id) => wanted.filter(lower(users::username).eq(seller.to_lowercase())),
        };
    }
    if let Some(status) = filter.status {
        wanted = wanted.filter(listings::status.eq(status));
    }
    if let Some(price) = filter.min_price {
        wanted = wanted.filter(listings::price.ge(price));
    }
    if let Some(price) = filter.max_price {
        wanted = wanted.filter(listings::price.le(price));
    }
    if let Some(highlighted) = filter.is_premium {
        wanted = wanted.filter(sql::<Bool>(HIGHLIGHTED).eq(highlighted));
    }
    if filter.has_images == Some(true) || filter.has_warranty == Some(true) {
        wanted = wanted.filter(sql::<Bool>("false"));
    }
    if let Some(words) = filter.search.clone() {
        let found = sql::<Bool>("to_tsvector('simple', listings.title || ' ' || listings.description) @@ websearch_to_tsquery('simple', ")
            .bind::<Text, _>(words.clone())
            .sql(")");
        // What the index does not know yet is found by its own words; what it knows, it knows better.
        let not_indexed = array(
            listing_search::table
                .select(listing_search::listing_id)
                .filter(listing_search::stale_at.is_not_null()),
        );
        let found = found.and(listings::id.eq_any(not_indexed));
        // An array and not a subquery of `IN`: found once, then looked up beside the other indexes.
        let document =
            sql::<Bool>("listing_search.document @@ websearch_to_tsquery('simple', search_words(")
                .bind::<Text, _>(words.clone())
                .sql("))");
        let indexed =
            array(listing_search::table.select(listing_search::listing_id).filter(document));
        let in_title = listings::title.ilike(format!("%{}%", escape_like(&words)));
        let by_code = listings::listing_code.eq(words.to_uppercase());
        let in_index = listings::id.eq_any(indexed);
        wanted = wanted.filter(found.or(in_title).or(by_code).or(in_index));
    }
    wanted
}

fn ordered(wanted: IntoBoxed<'static, joined, Pg>, order: Order) -> IntoBoxed<'static, joined, Pg> {
    let (newest, oldest) = (listings::id.desc(), listings::id.asc());
    match order {
        Order::Recommended => {
            wanted.order((sql::<Bool>(HIGHLIGHTED).desc(), listings::created_at.desc(), newest))
        }
        Order::Newest => wanted.order((listings::created_at.desc(), newest)),
        Order::Oldest => wanted.order((listings::created_at.asc(), oldest)),
        Order::Cheapest => wanted.order((listings::price.asc(), newest)),
        Order::Dearest => wanted.order((listings::price.desc(), newest)),
        Order::MostViewed => wanted.order((listings::views_count.desc(), newest)),
        Order::LeastViewed => wanted.order((listings::views_count.asc(), newest)),
        Order::BestRated => wanted.order((users::rating.desc(), newest)),
        Order::WorstRated => wanted.order((users::rating.asc(), newest)),
        Order::MostSales => wanted.order((users::total_sales.desc(), newest)),
        Order::LeastSales => wanted.order((users::total_sales.asc(), newest)),
    }
}

/// A text as a literal part of a LIKE pattern.
pub(crate) fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

impl From<Row> for ListingView {
    fn from((listing, game, seller, plan): Row) -> Self {
        Self { listing, game, seller, plan }
    }
}

impl ListingView {
    /// Whether it is shown as premium: by staff, by a promotion, or by the seller's plan.
    #[must_use]
    pub fn is_highlighted(&self) -> bool {
        self.listing.is_premium || self.plan.as_ref().is_some_and(|plan| plan.is_premium)
    }
}

impl SellerOf {
    /// The name others see.
    #[must_use]
    pub fn display_name(&self) -> &str {
        display_name(&self.full_name, self.username.as_deref(), &self.email)
    }
}

/// The name others see: what a person wrote, or what their address begins with.
pub(crate) fn display_name<'a>(
    full_name: &'a str,
    username: Option<&'a str>,
    email: &'a str,
) -> &'a str {
    let local_part = || email.split('@').next().unwrap_or_default();
    Some(full_name).filter(|name| !name.is_empty()).or(username).unwrap_or_else(local_part)
}

#[cfg(test)]
mod tests {
    use super::{display_name, escape_like};

    #[test]
    fn a_search_text_is_never_a_pattern() {
        assert_eq!(escape_like(r"100%_\"), r"100\%\_\\");
        assert_eq!(escape_like("skins"), "skins");
    }

    #[test]
    fn a_person_always_has_a_name() {
        assert_eq!(display_name("Ali Valiyev", Some("ali"), "a@b.uz"), "Ali Valiyev");
        assert_eq!(display_name("", Some("ali"), "a@b.uz"), "ali");
        assert_eq!(display_name("", None, "a@b.uz"), "a");
    }
}
