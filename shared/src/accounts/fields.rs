//! What a person writes about themselves, in the one form we store.

use validator::ValidateEmail as _;

use super::placeholder::is_placeholder;
use crate::error::{Error, texts};
use crate::language::Text;

/// What is wrong with a field: the sentence, and what fills its `{}`.
pub(super) type Issue = (Text, String);

const EMAIL_MAX: usize = 254;
pub(super) const FULL_NAME_MAX: usize = 150;
const USERNAME_MIN: usize = 3;
const USERNAME_MAX: usize = 30;
const TIMEZONE_MAX: usize = 64;
/// `998` and the nine digits of a subscriber.
const PHONE_DIGITS: usize = 12;

const USERNAME: Text = Text::new(
    "Foydalanuvchi nomi harf bilan boshlansin va faqat lotin harflari, raqamlar, _ . - belgilaridan iborat bo'lsin.",
    "Имя пользователя начинается с буквы и состоит из латинских букв, цифр и знаков _ . -",
    "A username starts with a letter and consists of Latin letters, digits and _ . -",
);
const USERNAME_RESERVED: Text =
    Text::new("Bu nom band qilib qo'yilgan.", "Это имя зарезервировано.", "This name is reserved.");
/// Names that would speak for the platform.
const RESERVED: &[&str] =
    &["admin", "administrator", "moderator", "support", "system", "wibestore"];

/// Gathers what is wrong with the fields of one form.
#[derive(Default)]
pub(super) struct Issues(Option<Error>);

impl Issues {
    /// The value of a field, or a note of what is wrong with it.
    pub(super) fn keep<T>(&mut self, field: &str, result: Result<T, Issue>) -> Option<T> {
        result.map_err(|issue| self.add(field, issue)).ok()
    }

    /// Notes what is wrong with a field.
    pub(super) fn add(&mut self, field: &str, (text, value): Issue) {
        let error = self.0.take().unwrap_or_else(|| crate::Code::ValidationError.into());
        self.0 = Some(error.and_field(field, text, value));
    }

    /// Whether anything was wrong.
    pub(super) fn into_result(self) -> crate::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// An address as we store and compare it: no spaces around it, lower case.
pub(super) fn canonical_email(raw: &str) -> String {
    raw.trim().to_ascii_lowercase()
}

/// An e-mail address: ASCII, because mail servers and the database must agree on its lower case.
pub(super) fn email(raw: &str) -> Result<String, Issue> {
    let email = canonical_email(raw);
    let dotted = email.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    let real = email.is_ascii() && dotted && email.validate_email() && !is_placeholder(&email);
    if email.len() <= EMAIL_MAX && real { Ok(email) } else { Err((texts::EMAIL, String::new())) }
}

/// A phone number in any spelling that means one Uzbek number: with or without `+`, spaces, dashes and brackets.
/// Nothing means none.
pub(super) fn phone_number(raw: &str) -> Result<Option<String>, Issue> {
    let raw = raw.trim();
    if raw.is_empty() {
        return Ok(None);
    }
    let written = raw.strip_prefix('+').unwrap_or(raw);
    let digits: String =
        written.chars().filter(|character| !matches!(character, ' ' | '-' | '(' | ')')).collect();
    let is_number =
        digits.len() == PHONE_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && digits.starts_with("998") {
        Ok(Some(format!("+{digits}")))
    } else {
        Err((texts::PHONE, String::new()))
    }
}

/// A username, which is also an address of the seller's page: never a number nor an id. Nothing means none.
pub(super) fn username(raw: &str) -> Result<Option<String>, Issue> {
    let name = raw.trim();
    if name.is_empty() {
        return Ok(None);
    }
    if name.chars().count() < USERNAME_MIN {
        return Err((texts::TOO_SHORT, USERNAME_MIN.to_string()));
    }
    if name.chars().count() > USERNAME_MAX {
        return Err((texts::TOO_LONG, USERNAME_MAX.to_string()));
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) || !name.bytes().all(known) {
        return Err((USERNAME, String::new()));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err((USERNAME_RESERVED, String::new()));
    }
    Ok(Some(name.to_owned()))
}

/// A person's name in any script, on one line.
pub(super) fn full_name(raw: &str) -> Result<String, Issue> {
    let name = raw.trim();
    if name.chars().count() > FULL_NAME_MAX {
        return Err((texts::TOO_LONG, FULL_NAME_MAX.to_string()));
    }
    if name.chars().any(char::is_control) {
        Err((texts::CONTROL, String::new()))
    } else {
        Ok(name.to_owned())
    }
}

/// Something that can be the name of a time zone; PostgreSQL knows whether it is one.
pub(super) fn timezone(raw: &str) -> Result<String, Issue> {
    let name = raw.trim();
    let known =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'-' | b'+');
    if name.is_empty() || name.len() > TIMEZONE_MAX || !name.bytes().all(known) {
        return Err((texts::INVALID, String::new()));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_stored_however_it_is_spelled() {
        for spelled in ["ali@mail.uz", " Ali@Mail.UZ ", "ALI@MAIL.UZ\t"] {
            assert_eq!(email(spelled).as_deref(), Ok("ali@mail.uz"), "{spelled:?}");
        }
        let long = format!("{}@mail.uz", "a".repeat(65));
        for bad in [
            "",
            "ali",
            "ali@",
            "@mail.uz",
            "ali@mail",
            "a li@mail.uz",
            "ali@mail..uz",
            "алі@mail.uz",
            "a@b@c.uz",
            "İ@mail.uz",
            "tg_42@telegram.wibestore.local",
            &long,
        ] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_phone_number_is_stored_however_it_is_spelled() {
        for spelled in ["+998901234567", "998901234567", " +998 90 123-45-67 ", "+998 (90) 1234567"]
        {
            assert_eq!(phone_number(spelled), Ok(Some("+998901234567".to_owned())), "{spelled:?}");
        }
        assert_eq!(phone_number(" "), Ok(None));
        for bad in [
            "+99890123456",
            "901234567",
            "+79012345678",
            "+9989012345678",
            "++998901234567",
            "+99890123456x",
            "+998９01234567",
        ] {
            assert!(phone_number(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_username_is_a_plain_word_and_never_ours() {
        for good in ["ali", "Ali_2026", "a.b-c"] {
            assert_eq!(username(good), Ok(Some(good.to_owned())));
        }
        assert_eq!(username("  "), Ok(None));
        let long = "a".repeat(31);
        for bad in [
            "al",
            "1ali",
            "ali ali",
            "аli",
            "ali@mail",
            "Admin",
            "wibestore",
            "0190a8f0-0000-7000-8000-000000000000",
            &long,
        ] {
            assert!(username(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_one_line_in_any_script() {
        assert_eq!(full_name("  Али Валиев ").as_deref(), Ok("Али Валиев"));
        assert_eq!(full_name("").as_deref(), Ok(""));
        assert!(full_name("Ali\nBcc: x").is_err());
        assert!(full_name(&"я".repeat(151)).is_err());
        assert!(full_name(&"я".repeat(150)).is_ok());
    }

    #[test]
    fn a_time_zone_is_a_name_and_nothing_else() {
        assert_eq!(timezone("Asia/Tashkent").as_deref(), Ok("Asia/Tashkent"));
        for bad in ["", "Asia Tashkent", "'; DROP TABLE users", "ж"] {
            assert!(timezone(bad).is_err(), "{bad:?}");
        }
    }
}
