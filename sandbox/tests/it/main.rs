//! The sandbox over real HTTP, with a platform that answers as it is told.

mod browser;
mod callbacks;
mod merchant_api;
mod pages;
mod payments;
mod payouts;
mod platform;
