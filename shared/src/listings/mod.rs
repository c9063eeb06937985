//! Game accounts offered for sale.
//!
//! ```text
//!         approve, or 48 h       purchase            release
//!  pending ──────────▶ active ──────────▶ reserved ──────────▶ sold
//!     │ reject            │ ▲   deal undone,  │
//!     ▼                   │ └── nothing seen ─┤
//!  rejected               │ block             │ deal undone after the credentials were handed over
//!                         ▼                   ▼
//!                      blocked             archived ◀── removed by the seller (from anything but reserved and sold)
//!                                                   ◀── active for 180 days without a sale
//! ```
//!
//! Only `active` is public. The credentials are in a table of their own, sealed, and in no list and no detail.

mod archive;
mod archive_all;
mod auto_approve;
mod change_credentials;
mod create;
pub(crate) mod credentials;
mod index;
pub mod jobs;
mod measure;
mod model;
mod moderate;
mod notify_staff;
pub mod queries;
mod reconcile;
mod remove;
mod reserve;

#[cfg(test)]
pub(crate) use model::tests;

pub use archive::{Age, archive_old, count_old};
pub(crate) use archive_all::archive_all;
pub use auto_approve::auto_approve;
pub use change_credentials::CredentialsChange;
pub use create::{Created, NewListing, create};
pub use credentials::{Credentials, NewCredentials};
pub use index::{Mark, count_stale, index_stale};
pub(crate) use measure::measure;
pub use model::{Listing, ListingStatus, LoginMethod, PRICE_MAX, PRICE_MIN};
pub use moderate::{approve, block, reject};
pub use notify_staff::notify_staff;
pub(crate) use reconcile::SWEEP;
pub use reconcile::reconcile;
pub use remove::remove;
