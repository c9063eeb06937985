//! Builders of valid, realistic rows, a clock that moves, and the people of the demo. Nothing here runs in production.

mod builders;
pub mod clock;
mod demo;

pub use builders::{NewGame, NewListing, NewSubscription, NewUser, PASSWORD, a_user, deposit};
pub use demo::{DemoPeople, DemoPerson, seed_demo};
