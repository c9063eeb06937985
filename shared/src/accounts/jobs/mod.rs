//! The jobs of accounts.

mod cleanup_unverified_users;
mod erase_closed_accounts;
mod prune_sign_in_records;
mod send_account_notice;
mod send_email_change_proof;
mod send_email_verification;
mod send_password_reset_email;
mod send_security_email;
mod send_sms_code;
mod send_welcome_email;

pub use cleanup_unverified_users::CleanupUnverifiedUsers;
pub use erase_closed_accounts::EraseClosedAccounts;
pub use prune_sign_in_records::PruneSignInRecords;
pub use send_account_notice::{News, SendAccountNotice};
pub use send_email_change_proof::SendEmailChangeProof;
pub use send_email_verification::SendEmailVerification;
pub use send_password_reset_email::SendPasswordResetEmail;
pub use send_security_email::SendSecurityEmail;
pub use send_sms_code::SendSmsCode;
pub use send_welcome_email::SendWelcomeEmail;
