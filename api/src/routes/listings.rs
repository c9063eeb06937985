//! Game accounts for sale: the market, a seller's own, and making one.

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::accounts::User;
use shared::error::texts;
use shared::ids::{GameId, ListingId, UserId};
use shared::listings::queries::{self, Filter, GameOf, ListingView, Order, Scope};
use shared::listings::{self, Created as Made, Listing, ListingStatus, LoginMethod, NewListing};
use shared::{Money, Outcome};

use crate::prelude::*;

/// The game of a listing.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListingGameOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: GameId,
    slug: String,
    name: String,
}

/// The seller of a listing.
#[derive(Serialize, ToSchema)]
pub(crate) struct SellerOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: UserId,
    username: Option<String>,
    display_name: String,
    /// The same.
    name: String,
    avatar: Option<String>,
    /// `free`, `premium` or `pro`.
    plan: String,
    is_premium: bool,
    is_pro: bool,
    /// Mean of the reviews, 0 to 5, two decimals.
    rating: String,
    total_sales: i32,
    /// The same.
    sales_count: i32,
    /// For staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// For staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<String>,
}

/// A picture of a listing.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListingImageOut {
    image: String,
    is_primary: bool,
    sort_order: i32,
}

/// A game account for sale. How to sign in to it is never part of this.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListingOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: ListingId,
    /// What people call it: `WB-000123`.
    listing_code: String,
    /// Always `sell`.
    listing_type: &'static str,
    title: String,
    description: String,
    #[salvo(schema(value_type = String))]
    price: Money,
    #[salvo(schema(value_type = Option<String>))]
    original_price: Option<Money>,
    /// `pending`, `active`, `reserved`, `sold`, `rejected`, `blocked` or `archived`.
    #[salvo(schema(value_type = String))]
    status: ListingStatus,
    game: ListingGameOut,
    game_name: String,
    game_slug: String,
    seller: SellerOut,
    level: String,
    rank: String,
    skins_count: i32,
    /// A list of texts.
    #[salvo(schema(value_type = Vec<String>))]
    features: Value,
    /// `email`, `phone`, `username` or `social`.
    #[salvo(schema(value_type = String))]
    login_method: LoginMethod,
    images: Vec<ListingImageOut>,
    primary_image: Option<String>,
    is_premium: bool,
    is_favorited: bool,
    has_video: bool,
    warranty_days: i32,
    views_count: i32,
    favorites_count: i32,
    /// For the seller and staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejection_reason: Option<String>,
    /// For the seller and staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    moderated_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    approved_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = Option<String>, format = DateTime))]
    sold_at: Option<DateTime<Utc>>,
    #[salvo(schema(value_type = String, format = DateTime))]
    created_at: DateTime<Utc>,
    #[salvo(schema(value_type = String, format = DateTime))]
    updated_at: DateTime<Utc>,
}

impl Shown for ListingOut {
    const EXPAND: &'static [&'static str] = &["game", "seller"];
}

/// Who reads a listing: everybody sees the same, its seller and staff a little more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    Anybody,
    Seller,
    Staff,
}

impl Reader {
    fn of(viewer: Option<&User>, listing: &Listing) -> Self {
        match viewer {
            Some(viewer) if viewer.id == listing.seller_id => Self::Seller,
            Some(viewer) if viewer.is_staff || viewer.is_superuser => Self::Staff,
            Some(_) | None => Self::Anybody,
        }
    }
}

impl ListingOut {
    /// A listing as this reader sees it.
    pub(crate) fn new(view: ListingView, reader: Reader) -> Self {
        let seller = SellerOut::new(&view, reader);
        let is_premium = view.is_highlighted();
        let ListingView { listing, game: GameOf { id, slug, name }, .. } = view;
        let inside = reader != Reader::Anybody;
        Self {
            id: listing.id,
            listing_code: listing.listing_code,
            listing_type: "sell",
            title: listing.title,
            description: listing.description,
            price: listing.price,
            original_price: listing.original_price,
            status: listing.status,
            game_name: name.clone(),
            game_slug: slug.clone(),
            game: ListingGameOut { id, slug, name },
            seller,
            level: listing.level,
            rank: listing.rank,
            skins_count: listing.skins_count,
            features: listing.features,
            login_method: listing.login_method,
            images: Vec::new(),
            primary_image: None,
            is_premium,
            is_favorited: false,
            has_video: false,
            warranty_days: 0,
            views_count: listing.views_count,
            favorites_count: listing.favorites_count,
            rejection_reason: listing.rejection_reason.filter(|_| inside),
            moderated_at: listing.moderated_at.filter(|_| inside),
            approved_at: listing.approved_at,
            sold_at: listing.sold_at,
            created_at: listing.created_at,
            updated_at: listing.updated_at,
        }
    }

    fn for_viewer(view: ListingView, viewer: Option<&User>) -> Self {
        let reader = Reader::of(viewer, &view.listing);
        Self::new(view, reader)
    }
}

impl SellerOut {
    fn new(view: &ListingView, reader: Reader) -> Self {
        let (seller, plan) = (&view.seller, view.plan.as_ref());
        let staff = reader == Reader::Staff;
        Self {
            id: seller.id,
            username: seller.username.clone(),
            display_name: seller.display_name().to_owned(),
            name: seller.display_name().to_owned(),
            avatar: seller.avatar.clone(),
            plan: plan.map_or_else(|| "free".to_owned(), |plan| plan.slug.clone()),
            is_premium: plan.is_some_and(|plan| plan.is_premium),
            is_pro: plan.is_some_and(|plan| plan.is_pro),
            rating: seller.rating.to_string(),
            total_sales: seller.total_sales,
            sales_count: seller.total_sales,
            email: staff.then(|| seller.email.clone()),
            full_name: staff.then(|| seller.full_name.clone()),
        }
    }
}

/// The market.
pub(crate) struct Market;

impl Listed for Market {
    type Item = ListingOut;
    type Order = Order;
    type Filters = Filter;
    const ORDERINGS: &'static [(&'static str, Order)] = &[
        ("created_at", Order::Oldest),
        ("-created_at", Order::Newest),
        ("price", Order::Cheapest),
        ("-price", Order::Dearest),
        ("views_count", Order::LeastViewed),
        ("-views_count", Order::MostViewed),
        ("rating", Order::WorstRated),
        ("-rating", Order::BestRated),
        ("seller__sales_count", Order::LeastSales),
        ("-seller__sales_count", Order::MostSales),
    ];
    const DEFAULT_ORDER: Order = Order::Recommended;

    fn filters(query: &mut Query) -> Filter {
        let filter = Filter {
            game: query.text("game"),
            seller: query.text("seller"),
            status: query.one_of("status", ListingStatus::ALL, ListingStatus::as_str),
            min_price: query.money("min_price"),
            max_price: query.money("max_price"),
            search: query.text("search"),
            is_premium: query.flag("is_premium"),
            has_images: query.flag("has_images"),
            has_warranty: query.flag("has_warranty"),
        };
        if let (Some(min), Some(max)) = (filter.min_price, filter.max_price)
            && min > max
        {
            query.wrong("max_price", texts::TOO_SMALL, min.to_string());
        }
        filter
    }
}

/// A seller's own listings.
pub(crate) struct OwnListings;

impl Listed for OwnListings {
    type Item = ListingOut;
    type Order = Order;
    type Filters = Filter;
    const ORDERINGS: &'static [(&'static str, Order)] = &[
        ("created_at", Order::Oldest),
        ("-created_at", Order::Newest),
        ("price", Order::Cheapest),
        ("-price", Order::Dearest),
    ];
    const DEFAULT_ORDER: Order = Order::Newest;
    // The profile shows all and never pages.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> Filter {
        let status = query.one_of("status", ListingStatus::ALL, ListingStatus::as_str);
        Filter { status, search: query.text("search"), ..Filter::default() }
    }
}

/// Lists what is for sale. Without an ordering, premium offers come first, then the newest.
#[endpoint(tags("listings"))]
pub(crate) async fn list_listings(
    app: AppState,
    list: List<Market>,
) -> ApiResult<Paged<ListingOut>> {
    let conn = &mut app.db.read().await?;
    let page = queries::list(conn, Scope::Public, &list.filters, list.order, list.window).await?;
    Ok(list.page(page.map(|view| ListingOut::new(view, Reader::Anybody))))
}

/// Lists what is for sale of one game, named by its slug or its id.
#[endpoint(tags("listings"))]
pub(crate) async fn list_game_listings(
    app: AppState,
    slug: Slug,
    mut list: List<Market>,
) -> ApiResult<Paged<ListingOut>> {
    let conn = &mut app.db.read().await?;
    queries::require_game(conn, &slug).await?;
    list.filters.game = Some(slug.0);
    let page = queries::list(conn, Scope::Public, &list.filters, list.order, list.window).await?;
    Ok(list.page(page.map(|view| ListingOut::new(view, Reader::Anybody))))
}

/// Shows one listing: anybody an active one, its seller and staff any.
#[endpoint(tags("listings"))]
pub(crate) async fn show_listing(
    app: AppState,
    viewer: MaybeSignedIn,
    id: Id<ListingId>,
    view: View<ListingOut>,
) -> ApiResult<Viewed<ListingOut>> {
    let viewer = viewer.0.map(|principal| principal.user);
    let listing = queries::find(&mut *app.db.read().await?, *id, viewer.as_ref()).await?;
    Ok(view.show(ListingOut::for_viewer(listing, viewer.as_ref())))
}

/// Lists the caller's own listings, in any status.
#[endpoint(tags("profile"))]
pub(crate) async fn list_own_listings(
    app: AppState,
    user: SignedIn,
    list: List<OwnListings>,
) -> ApiResult<Paged<ListingOut>> {
    let conn = &mut app.db.read().await?;
    let page = queries::list(conn, Scope::Of(user.user.id), &list.filters, list.order, list.window)
        .await?;
    Ok(list.page(page.map(|view| ListingOut::new(view, Reader::Seller))))
}

/// What a seller offers.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListingBody {
    #[salvo(schema(value_type = String, format = Uuid))]
    game_id: GameId,
    /// 3 to 200 characters.
    title: String,
    /// 10 to 10,000 characters.
    description: String,
    /// From 1,000.00 to 1,000,000,000.00 UZS.
    #[salvo(schema(value_type = String))]
    price: Money,
    /// What it cost before a discount.
    #[salvo(schema(value_type = Option<String>))]
    original_price: Option<Money>,
    level: Option<String>,
    rank: Option<String>,
    skins_count: Option<i32>,
    /// At most 50 texts.
    features: Option<Vec<String>>,
    /// `email`, `phone`, `username` or `social`; `google` and `facebook` are social.
    login_method: String,
    /// The address, phone number or name one signs in with. Stored sealed; only the buyer ever reads it.
    account_email: String,
    /// Stored sealed; only the buyer ever reads it.
    account_password: String,
    /// An object or a text. Stored sealed; only the buyer ever reads it.
    #[salvo(schema(value_type = Option<Object>))]
    account_additional_info: Option<Value>,
}

impl From<ListingBody> for NewListing {
    fn from(body: ListingBody) -> Self {
        Self {
            game_id: body.game_id,
            title: body.title,
            description: body.description,
            price: body.price,
            original_price: body.original_price,
            login_method: body.login_method,
            level: body.level.unwrap_or_default(),
            rank: body.rank.unwrap_or_default(),
            skins_count: body.skins_count.unwrap_or_default(),
            features: body.features.unwrap_or_default(),
            account_email: body.account_email,
            account_password: body.account_password,
            account_additional_info: body.account_additional_info.unwrap_or_default(),
        }
    }
}

/// Offers an account; a moderator looks at it first. The same form again within a minute is the same listing.
#[endpoint(tags("listings"))]
pub(crate) async fn create_listing(
    app: AppState,
    user: Verified,
    body: Body<ListingBody>,
) -> ApiResult<NewOrSame<ListingOut>> {
    let new = NewListing::from(body.0);
    let (outcome, view) = app
        .db
        .transaction(async |tx| {
            let Made { listing, outcome } = listings::create(tx, &app, &user, new).await?;
            Ok((outcome, queries::find(tx, listing.id, Some(&user.user)).await?))
        })
        .await?;
    let listing = ListingOut::new(view, Reader::Seller);
    Ok(match outcome {
        Outcome::Done => NewOrSame::New(listing),
        Outcome::AlreadyDone => NewOrSame::Same(listing),
    })
}

/// Removes one of the caller's own listings. Not while it is in a deal, and not after it was sold.
#[endpoint(tags("listings"))]
pub(crate) async fn remove_listing(
    app: AppState,
    user: SignedIn,
    id: Id<ListingId>,
) -> ApiResult<NoContent> {
    let _repeated =
        app.db.transaction(async |tx| listings::remove(tx, user.user.id, *id).await).await?;
    Ok(NoContent)
}
