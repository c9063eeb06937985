//! The kinds of job about notices.

mod send_notification_email;

pub use send_notification_email::SendNotificationEmail;
