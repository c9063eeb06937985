//! Outgoing SMS: handed to Eskiz by jobs, or kept as `.json` files on a developer's machine.
//!
//! A message is sent at least once: a crash between the provider's yes and our record sends the same text again.

mod eskiz;
mod files;
mod sender;

pub use sender::{Channel, Delivery, Sms, SmsSender};

/// What becomes of a message, for the metrics.
pub(crate) const OUTCOMES: [&str; 4] = ["sent", "refused", "unanswered", "expired"];
