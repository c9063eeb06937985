//! What the platform did on each day, as the people who run it count: people, listings, deals and money by days in
//! Tashkent, which has no daylight-saving time. A row is computed from events, and again at will.

mod calculate;
pub mod jobs;

pub use calculate::{calculate_next, count_days};
