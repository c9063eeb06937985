//! Reading the catalogue: always two or three statements, however many games there are.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Game;
use crate::Conn;
use crate::error::{Code, Result};
use crate::ids::GameId;
use crate::page::{Page, Window};
use crate::schema::{games, listings};

/// What the catalogue may be narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// A part of the name.
    pub search: Option<String>,
}

/// The order of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As staff arranged it.
    Catalogue,
    /// A to Z.
    Name,
    /// Z to A.
    NameDown,
    /// First added first.
    Oldest,
    /// Last added first.
    Newest,
}

/// A game with what is on offer for it.
#[derive(Clone, Debug)]
pub struct GameRow {
    /// The game.
    pub game: Game,
    /// Accounts that can be bought now.
    pub active_listings: i64,
}

/// One page of the games that are shown.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut Conn,
    filters: &Filters,
    order: Order,
    window: Window,
) -> Result<Page<GameRow>> {
    let count = shown(filters).count().get_result(conn).await?;
    let ordered = match order {
        Order::Catalogue => shown(filters).order(games::sort_order.asc()),
        Order::Name => shown(filters).order(games::name.asc()),
        Order::NameDown => shown(filters).order(games::name.desc()),
        Order::Oldest => shown(filters).order(games::created_at.asc()),
        Order::Newest => shown(filters).order(games::created_at.desc()),
    };
    let found: Vec<Game> = ordered
        .then_order_by(games::id)
        .limit(window.limit)
        .offset(window.offset)
        .select(Game::as_select())
        .load(conn)
        .await?;
    Ok(Page { rows: with_offers(conn, found).await?, count })
}

/// A game that is shown, by its slug or its id.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn find(conn: &mut Conn, slug_or_id: &str) -> Result<GameRow> {
    let named = match slug_or_id.parse::<Uuid>() {
        Ok(id) => shown(&Filters::default()).filter(games::id.eq(GameId(id))),
        Err(_) => shown(&Filters::default()).filter(games::slug.eq(slug_or_id)),
    };
    let game = named.select(Game::as_select()).first(conn).await?;
    with_offers(conn, vec![game]).await?.pop().ok_or(Code::NotFound.into())
}

fn shown(filters: &Filters) -> games::BoxedQuery<'static, Pg> {
    let shown = games::table.filter(games::is_active).into_boxed();
    match &filters.search {
        Some(part) => shown.filter(games::name.ilike(format!("%{}%", literal(part)))),
        None => shown,
    }
}

/// A text that means itself inside LIKE.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

async fn with_offers(conn: &mut Conn, found: Vec<Game>) -> Result<Vec<GameRow>> {
    let ids: Vec<GameId> = found.iter().map(|game| game.id).collect();
    let counts: HashMap<GameId, i64> = listings::table
        .filter(listings::game_id.eq_any(ids))
        .filter(listings::status.eq("active"))
        .filter(listings::deleted_at.is_null())
        .group_by(listings::game_id)
        .select((listings::game_id, count_star()))
        .load::<(GameId, i64)>(conn)
        .await?
        .into_iter()
        .collect();
    Ok(found
        .into_iter()
        .map(|game| GameRow { active_listings: counts.get(&game.id).copied().unwrap_or(0), game })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn a_search_for_a_wildcard_finds_the_character() {
        assert_eq!(literal(r"50%_\"), r"50\%\_\\");
    }
}
