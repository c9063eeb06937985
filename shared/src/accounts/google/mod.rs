//! Google's word for who somebody is.
//!
//! ```text
//!   ID token ──▶ signature by one of Google's keys ──▶ issuer, audience, nonce ─┐
//!   access token ──▶ tokeninfo: meant for us? ──▶ userinfo: whom does it mean? ─┴▶ Identity ──▶ a transaction
//! ```
//!
//! Only addresses of the settings are asked, outside of any transaction; what is known about a person elsewhere is
//! keyed by Google's `sub`, never by an address, because addresses change hands.

mod access_token;
mod client;
mod id_token;
mod identity;
mod keys;
mod link;
mod sign_in;

pub use client::{Google, GoogleToken};
pub use identity::Identity;
pub use link::{link_google, unlink_google};
pub use sign_in::sign_in_with_google;
