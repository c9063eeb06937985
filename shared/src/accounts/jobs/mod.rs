//! The jobs of accounts.

mod send_email_verification;

pub use send_email_verification::SendEmailVerification;
