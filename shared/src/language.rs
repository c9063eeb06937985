//! The three languages people read, and texts in all of them.

use crate::text_enum::text_enum;

text_enum! {
    /// A language a person reads. Uzbek is the default.
    Language { Uz = "uz", Ru = "ru", En = "en" }
}

impl Language {
    /// The first language of an `Accept-Language` header that we speak, by its weights; Uzbek when there is none.
    #[must_use]
    pub fn negotiate(accept_language: &str) -> Self {
        let mut wanted: Vec<(u32, Self)> = accept_language
            .split(',')
            .filter_map(|entry| {
                let (tag, weight) = entry.split_once(";q=").unwrap_or((entry, "1"));
                let primary = tag.trim().split('-').next()?.to_ascii_lowercase();
                Some((thousandths(weight.trim())?, Self::parse(&primary)?))
            })
            .filter(|(weight, _)| *weight > 0)
            .collect();
        wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        wanted.first().map_or(Self::Uz, |(_, language)| *language)
    }
}

/// A quality value (`0`, `0.8`, `1.000`) in thousandths.
fn thousandths(weight: &str) -> Option<u32> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, "0"));
    let padded = format!("{fraction:0<3}");
    let fraction: u32 = padded.get(..3)?.parse().ok()?;
    Some((whole.parse::<u32>().ok()?.min(1) * 1000 + fraction).min(1000))
}

/// One text in three languages; `{}` is filled in by [`Text::with`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Uzbek.
    pub uz: &'static str,
    /// Russian.
    pub ru: &'static str,
    /// English.
    pub en: &'static str,
}

impl Text {
    /// A text in Uzbek, Russian and English.
    #[must_use]
    pub const fn new(uz: &'static str, ru: &'static str, en: &'static str) -> Self {
        Self { uz, ru, en }
    }

    /// The text in one language.
    #[must_use]
    pub const fn get(self, language: Language) -> &'static str {
        match language {
            Language::Uz => self.uz,
            Language::Ru => self.ru,
            Language::En => self.en,
        }
    }

    /// The text in one language with its `{}` filled in.
    #[must_use]
    pub fn with(self, language: Language, value: &str) -> String {
        self.get(language).replacen("{}", value, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_heaviest_known_language_wins() {
        for (header, language) in [
            ("", Language::Uz),
            ("en", Language::En),
            ("en-US,en;q=0.9", Language::En),
            ("de,ru;q=0.4,en;q=0.7", Language::En),
            ("de, ru;q=0.4", Language::Ru),
            ("ru;q=0, en;q=0.1", Language::En),
            ("*;q=nonsense", Language::Uz),
        ] {
            assert_eq!(Language::negotiate(header), language, "{header}");
        }
    }
}
