//! Which passwords are good enough: the specification's rules, and nothing that is known to everybody.
//!
//! A password is taken exactly as it comes: no trimming, no case folding, no truncation.

use super::fields::Issue;
use super::known_passwords;
use super::model::User;
use crate::error::texts;
use crate::language::Text;

const LENGTH_MIN: usize = 8;
/// Longer is refused before it is hashed.
pub(super) const LENGTH_MAX: usize = 128;
/// A shorter word of the person's own (`ali@…`) may be part of a password by chance.
const OWN_WORD_MIN: usize = 4;

const COMPOSITION: Text = Text::new(
    "Parolda kamida bitta harf va bitta raqam bo'lishi kerak.",
    "Пароль должен содержать хотя бы одну букву и одну цифру.",
    "The password needs at least one letter and one digit.",
);
const COMMON: Text = Text::new(
    "Bu parol juda keng tarqalgan.",
    "Этот пароль слишком распространён.",
    "This password is too common.",
);
const PERSONAL: Text = Text::new(
    "Parolda email, foydalanuvchi nomi, telefon raqami yoki WibeStore bo'lmasin.",
    "Пароль не должен содержать email, имя пользователя, номер телефона или WibeStore.",
    "The password must not contain your e-mail, username, phone number or WibeStore.",
);

/// Letters of the platform's name that nobody hides behind.
const PLATFORM: &str = "wibestore";

/// What an attacker tries first for this person.
#[derive(Clone, Copy, Default)]
pub(super) struct Owner<'a> {
    pub(super) email: &'a str,
    pub(super) username: Option<&'a str>,
    pub(super) phone_number: Option<&'a str>,
}

/// What is wrong with a password, everything at once.
pub(super) fn issues(password: &str, owner: Owner<'_>) -> Vec<Issue> {
    let length = password.chars().count();
    let mut issues = Vec::new();
    if length < LENGTH_MIN {
        issues.push((texts::TOO_SHORT, LENGTH_MIN.to_string()));
    }
    if length > LENGTH_MAX {
        issues.push((texts::TOO_LONG, LENGTH_MAX.to_string()));
    }
    if !password.chars().any(char::is_alphabetic) || !password.chars().any(char::is_numeric) {
        issues.push((COMPOSITION, String::new()));
    }
    let lower = password.to_lowercase();
    if known_passwords::contains(&lower) {
        issues.push((COMMON, String::new()));
    }
    if owner.words().any(|word| lower.contains(&word)) {
        issues.push((PERSONAL, String::new()));
    }
    issues
}

impl<'a> From<&'a User> for Owner<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            email: &user.email,
            username: user.username.as_deref(),
            phone_number: user.phone_number.as_deref(),
        }
    }
}

impl Owner<'_> {
    /// The words that belong to this person, and the platform's, in lower case.
    fn words(self) -> impl Iterator<Item = String> {
        let local_part = self.email.split('@').next();
        let phone = self.phone_number.and_then(|number| number.strip_prefix("+998"));
        let words = [Some(self.email), local_part, self.username, phone, Some(PLATFORM)];
        words
            .into_iter()
            .flatten()
            .filter(|word| word.len() >= OWN_WORD_MIN)
            .map(str::to_lowercase)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner<'_> = Owner {
        email: "jasur.k@mail.uz",
        username: Some("Sniper77"),
        phone_number: Some("+998901234567"),
    };

    fn texts_of(password: &str) -> Vec<Text> {
        issues(password, OWNER).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn good_passwords_are_taken_as_they_come() {
        for good in [
            "tulip-7-river",
            " spaced 1 out ",
            "пароль-из-7-слов",
            "日本語日本語日本1",
            &format!("{}1", "x".repeat(127)),
        ] {
            assert!(texts_of(good).is_empty(), "{good}: {:?}", texts_of(good));
        }
    }

    #[test]
    fn bad_passwords_are_refused_with_every_reason() {
        assert_eq!(texts_of("a1b2c3d"), [texts::TOO_SHORT]);
        assert_eq!(texts_of(""), [texts::TOO_SHORT, COMPOSITION]);
        assert_eq!(texts_of(&format!("{}1", "x".repeat(128))), [texts::TOO_LONG]);
        assert_eq!(texts_of("onlyletters"), [COMPOSITION]);
        assert_eq!(texts_of("73519042685"), [COMPOSITION]);
        for common in [
            "password1",
            "Password1",
            "QWERTY123",
            "parol123",
            "toshkent2020",
            "p@ssw0rd",
            "1q2w3e4r5t",
        ] {
            assert_eq!(texts_of(common), [COMMON], "{common}");
        }
        for own in ["jasur.k@mail.uz1", "xJASUR.K9", "sniper77!", "mine901234567", "my-WibeStore-5"]
        {
            assert_eq!(texts_of(own), [PERSONAL], "{own}");
        }
    }
}
