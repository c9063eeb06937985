//! Outgoing mail: letters in three languages, sent by jobs over SMTP, or kept as `.eml` files on a developer's machine.
//!
//! A letter is sent at least once and is always the same mail: its Message-ID is made of its permanent reference.

mod job;
mod letter;
mod local_time;
mod mailer;
mod message;
mod smtp;
pub(crate) mod templates;

pub use job::{Addressed, MailJob};
pub use letter::{Letter, Reader, escape};
pub(crate) use local_time::local_time;
pub use mailer::{Delivery, Mailer};
