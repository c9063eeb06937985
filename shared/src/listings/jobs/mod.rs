//! The kinds of job about listings: moderation and the scan behind its timer, the archive, the search index.

mod archive_old_listings;
mod auto_approve_if_timeout;
mod notify_admins_new_listing;
mod reconcile_listings;
mod update_search_index;

pub use archive_old_listings::ArchiveOldListings;
pub use auto_approve_if_timeout::AutoApproveIfTimeout;
pub use notify_admins_new_listing::NotifyAdminsNewListing;
pub use reconcile_listings::ReconcileListings;
pub use update_search_index::UpdateSearchIndex;
