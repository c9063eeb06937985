//! The catalogue of games.

use shared::games::{self, Filters, Game, GameRow, Order};
use shared::ids::GameId;

use crate::prelude::*;

/// A game of the catalogue. The frontend knows its number of offers under three names.
#[derive(Serialize, ToSchema)]
pub(crate) struct GameOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    id: GameId,
    name: String,
    /// Part of addresses; stable.
    slug: String,
    description: String,
    /// An emoji, or the address of a small picture.
    icon: String,
    image: Option<String>,
    logo: Option<String>,
    banner: Option<String>,
    /// `#rrggbb`.
    color: String,
    /// Accounts of this game that can be bought now.
    active_listings_count: i64,
    /// The same.
    listings_count: i64,
    /// The same.
    #[serde(rename = "accountCount")]
    account_count: i64,
}

impl From<GameRow> for GameOut {
    fn from(row: GameRow) -> Self {
        let GameRow {
            game: Game { id, name, slug, description, icon, image, color, .. },
            active_listings,
        } = row;
        Self {
            id,
            name,
            slug,
            description,
            icon,
            logo: image.clone(),
            banner: image.clone(),
            image,
            color,
            active_listings_count: active_listings,
            listings_count: active_listings,
            account_count: active_listings,
        }
    }
}

impl Shown for GameOut {}

/// The list of games.
pub(crate) struct GameList;

impl Listed for GameList {
    type Item = GameOut;
    type Order = Order;
    type Filters = Filters;
    const ORDERINGS: &'static [(&'static str, Order)] = &[
        ("sort_order", Order::Catalogue),
        ("name", Order::Name),
        ("-name", Order::NameDown),
        ("created_at", Order::Oldest),
        ("-created_at", Order::Newest),
    ];
    const DEFAULT_ORDER: Order = Order::Catalogue;
    // The sell form shows all games and never pages.
    const DEFAULT_LIMIT: i64 = 100;

    fn filters(query: &mut Query) -> Filters {
        Filters { search: query.text("search") }
    }
}

/// Lists the games that accounts are sold for.
#[endpoint(tags("games"))]
pub(crate) async fn list_games(app: AppState, list: List<GameList>) -> ApiResult<Paged<GameOut>> {
    let conn = &mut app.db.read().await?;
    let page = games::list(conn, &list.filters, list.order, list.window).await?;
    Ok(list.page(page.map(GameOut::from)))
}

/// Shows one game, by its slug or its id.
#[endpoint(tags("games"))]
pub(crate) async fn show_game(
    app: AppState,
    slug: Slug,
    view: View<GameOut>,
) -> ApiResult<Viewed<GameOut>> {
    let game = games::find(&mut *app.db.read().await?, &slug).await?;
    Ok(view.show(GameOut::from(game)))
}
