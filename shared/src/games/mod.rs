//! The catalogue of games that accounts are sold for.

mod model;
mod queries;

pub use model::Game;
pub use queries::{Filters, GameRow, Order, find, list};
