//! People: registration, proof of e-mail, sign-in, sessions.
//!
//! ```text
//!   register ──▶ unverified ── verify_email ──▶ verified          log_in refuses: banned (403), closed (401)
//!                    └── 7 days, and nothing left behind ──▶ closed ── 30 days ──▶ erased
//!                              close_account, without money ──▶ ↑
//!
//!   sign_in_with_google: a known `sub` ──▶ its person      a new one ──▶ a new person, or the one whose proved address it is
//!
//!   register, log_in ──▶ session ──▶ refresh: generation 1, 2, 3, …
//!                           │
//!                           └──▶ ended: signed out, idle for JWT_REFRESH_TOKEN_LIFETIME, older than
//!                                SESSION_LIFETIME, or a token of an old generation came back (a copy is about)
//! ```
//!
//! Besides e-mail and password, a code proves a phone, or an account with Telegram: see [`codes`]. Such people have no
//! address, and no letter goes to the one that stands in for it.
//!
//! ```text
//!   a password is guessed at ──▶ counted (attempts), then looked at; ten are free, then the next one waits
//!   request_password_reset ──▶ link, 30 minutes, once ──▶ reset_password ─┬─▶ every session ends, links die, a letter
//!   change_password (with the present one) ──────────────────────────────┘    (changing keeps the session it came from)
//! ```
//!
//! Sessions are rows, so ending one ends its tokens at once and no loss of Redis revives them. A refresh token is
//! derived from session and generation, a mailed token from its row: nothing that opens an account is stored.

mod attempts;
mod authenticate;
mod change_password;
mod close_account;
mod close_unproven;
pub mod codes;
mod confirm_identity;
mod create_superuser;
mod dashboard;
mod devices;
mod email_change;
mod email_token;
mod erase_closed;
mod fields;
mod forget_sign_ins;
mod google;
pub mod jobs;
mod known_passwords;
mod log_in;
mod log_out;
mod model;
mod password_policy;
mod password_reset;
mod placeholder;
mod profile;
mod refresh;
mod refused;
mod register;
mod request_password_reset;
mod resend_verification;
mod reset_password;
mod roles;
mod security_news;
mod session;
mod sessions;
mod set_password;
mod sign_in;
mod social;
mod typed_address;
mod update_profile;
mod verify_email;

pub use authenticate::authenticate;
pub use change_password::{PasswordChange, PasswordChangeForm, change_password};
pub use close_account::close_account;
pub use close_unproven::{Registered, close_unproven, count_unproven};
pub use confirm_identity::{Confirmed, IdentityProof, confirm_identity};
pub use create_superuser::{Known, create_superuser, find_known, random_password};
pub use dashboard::{Dashboard, dashboard};
pub use erase_closed::{Closed, count_to_erase, erase_closed};
pub use forget_sign_ins::{count_forgotten, forget_sign_ins};
pub use google::{Google, GoogleToken, Identity, link_google, sign_in_with_google, unlink_google};
pub use log_in::{Recognised, log_in, recognise};
pub use log_out::{log_out, log_out_everywhere};
pub use model::{Principal, User};
pub(crate) use placeholder::is_placeholder;
pub use profile::{Profile, profile};
pub use refresh::{Refreshed, refresh};
pub(crate) use register::insert;
pub use register::{Registration, RegistrationForm, register};
pub use request_password_reset::request_password_reset;
pub use resend_verification::{Addressee, resend_verification};
pub use reset_password::{PasswordReset, PasswordResetForm, reset_password};
pub(crate) use roles::begin_as_staff;
pub use roles::{Right, Role, Roles, Turn, change_role, note_refusal, roles_of};
pub use security_news::SecurityNews;
pub use session::{Client, TokenPair};
pub use sessions::{SessionView, end_session, list_sessions};
pub use sign_in::{Means, SignIn};
pub use update_profile::{Avatar, ProfileForm, count_email_wish, update_profile};
pub use verify_email::verify_email;

/// Shows what may be counted.
pub(crate) fn show_zeros() {
    codes::show_zeros();
}
