//! The jobs of accounts.

mod cleanup_unverified_users;
mod send_email_verification;
mod send_sms_code;
mod send_welcome_email;

pub use cleanup_unverified_users::CleanupUnverifiedUsers;
pub use send_email_verification::SendEmailVerification;
pub use send_sms_code::SendSmsCode;
pub use send_welcome_email::SendWelcomeEmail;
