//! What people are told: a notice is recorded in the transaction of its cause, and becomes a letter in a job.
//!
//! The rows are read when the letter is written. What is no longer so is not said, and nobody is called to do what is
//! no longer to be done.

mod about_deal;
mod about_listing;
pub mod jobs;
mod notice;

pub use notice::{DealNews, ListingNews, Notice, notify};
