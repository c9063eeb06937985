//! What people are told: a notice is recorded in the transaction of its cause, and becomes a letter in a job.
//!
//! The rows are read when the letter is written. What is no longer so is not said, and nobody is called to do what is
//! no longer to be done.

mod about_deal;
mod about_listing;
mod about_subscription;
pub mod jobs;
mod notice;

pub(crate) use about_subscription::expiring_letter;
pub use notice::{DealNews, ListingNews, Notice, SubscriptionNews, notify};
