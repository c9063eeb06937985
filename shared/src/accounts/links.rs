//! A person's accounts elsewhere, as their profile shows them.

use super::model::User;

/// A person's accounts elsewhere: how else they sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Telegram's number of them.
    pub telegram_id: Option<i64>,
    /// Their name at Telegram, without the `@`.
    pub telegram_username: Option<String>,
    /// Google's name of them (`sub`).
    pub google_id: Option<String>,
}

/// What a person has linked. Sign-in by Telegram and by Google fill it: until they are there, nobody has linked anything.
pub(super) fn links(_user: &User) -> Links {
    Links::default()
}
