//! The kinds of job about listings: moderation, and the scan behind its timer.

mod auto_approve_if_timeout;
mod notify_admins_new_listing;
mod reconcile_listings;

pub use auto_approve_if_timeout::AutoApproveIfTimeout;
pub use notify_admins_new_listing::NotifyAdminsNewListing;
pub use reconcile_listings::ReconcileListings;
