//! Addresses of people who gave none: each holds a place in a column, and no letter ever goes there.

use crate::ids::UserId;

/// No mail server answers for it, and nobody registers under it.
const DOMAIN: &str = "wibestore.local";

/// Whether an address is one of ours, and nobody reads it.
#[must_use]
pub(crate) fn is_placeholder(email: &str) -> bool {
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
    domain.strip_suffix(DOMAIN).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The address of a person who came through Telegram. The frontend knows it by its beginning.
pub(super) fn of_telegram(telegram_id: i64) -> String {
    format!("tg_{telegram_id}@telegram.{DOMAIN}")
}

/// The address of a person who came with a phone. It does not give the number away.
pub(super) fn of_phone(user: UserId) -> String {
    format!("phone_{}@phone.{DOMAIN}", user.0.simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_addresses() {
        for ours in [
            &of_telegram(42),
            &of_phone(UserId::new()),
            "x@wibestore.local",
            "X@Telegram.WibeStore.LOCAL",
        ] {
            assert!(is_placeholder(ours), "{ours}");
        }
        for theirs in ["ali@mail.uz", "tg_42@mail.uz", "a@wibestore.uz", "a@notwibestore.local", ""]
        {
            assert!(!is_placeholder(theirs), "{theirs}");
        }
    }
}
