//! People: registration, sign-in, sessions, proof of e-mail, profile.

mod close;
mod codes;
mod confirm_page;
mod email;
mod google;
mod issued;
mod me;
mod passwords;
mod sessions;
mod sign_in;
mod telegram;

pub(crate) use close::close_account;
pub(crate) use codes::{request_code, verify_code, verify_phone};
pub(crate) use confirm_page::{confirm_email, confirm_email_page};
pub(crate) use email::{resend_verification, verify_email};
pub(crate) use google::{link_google, log_in_with_google, unlink_google};
pub(crate) use me::{show_me, update_me};
pub(crate) use passwords::{change_password, request_password_reset, reset_password};
pub(crate) use sessions::{end_session, list_sessions, log_out_everywhere};
pub(crate) use sign_in::{log_in, log_out, refresh, register};
pub(crate) use telegram::{create_telegram_code, register_by_telegram};

use crate::prelude::*;

/// It is done.
#[derive(Serialize, ToSchema)]
pub(crate) struct DoneOut {
    /// Always true.
    success: bool,
}

impl DoneOut {
    fn json() -> Json<Self> {
        Json(Self { success: true })
    }
}
