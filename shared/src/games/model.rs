//! The row of a game.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::ids::GameId;
use crate::schema::games;

/// A game of the catalogue.
#[derive(Clone, Debug, HasQuery, Identifiable)]
#[diesel(table_name = games)]
pub struct Game {
    /// Its id.
    pub id: GameId,
    /// As players know it.
    pub name: String,
    /// Part of addresses; stable.
    pub slug: String,
    /// For the game's page.
    pub description: String,
    /// An emoji, or the address of a small picture.
    pub icon: String,
    /// Absolute URL.
    pub image: Option<String>,
    /// `#rrggbb`.
    pub color: String,
    /// Whether it is shown and sold.
    pub is_active: bool,
    /// Its place in the catalogue.
    pub sort_order: i32,
    /// Added at.
    pub created_at: DateTime<Utc>,
    /// Changed at.
    pub updated_at: DateTime<Utc>,
}
