//! The timer of a period's end, the hourly look at all of them, and the reminder.

mod auto_renew_subscription;
mod check_subscription_expirations;
mod send_subscription_expiring_soon;

pub use auto_renew_subscription::AutoRenewSubscription;
pub use check_subscription_expirations::CheckSubscriptionExpirations;
pub use send_subscription_expiring_soon::SendSubscriptionExpiringSoon;
