//! The jobs of accounts.

mod send_email_verification;
mod send_welcome_email;

pub use send_email_verification::SendEmailVerification;
pub use send_welcome_email::SendWelcomeEmail;
