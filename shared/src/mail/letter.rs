//! A letter, whom it is written to, and what becomes of a person's words in it.

use crate::accounts::User;
use crate::language::Language;

/// A person's words inside one line are cut here, in characters.
const LINE_MAX: usize = 200;
/// A person's quoted words are cut here, in characters.
const QUOTE_MAX: usize = 2_000;

/// A mail in its two forms. Not for logs: its link may be a key.
#[derive(Clone)]
pub struct Letter {
    /// The recipient's address.
    pub to: String,
    /// The subject: ours, never a person's words.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML; whatever a person wrote is escaped in it.
    pub html: String,
}

/// Whom a letter is written to.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Their address.
    pub to: &'a str,
    /// What they read.
    pub language: Language,
    /// How they are greeted.
    pub name: &'a str,
}

impl<'a> From<&'a User> for Reader<'a> {
    fn from(user: &'a User) -> Self {
        Self { to: &user.email, language: user.language, name: user.display_name() }
    }
}

/// A person's text inside HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A person's words on one line: they cannot begin a line, a header or another direction of writing.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if is_unseen(c) { ' ' } else { c }).collect();
    cut(&spaced.split_whitespace().collect::<Vec<_>>().join(" "), LINE_MAX)
}

/// A person's words as a quote: their lines, and nothing that cannot be seen.
pub(super) fn quoted(text: &str) -> Vec<String> {
    let seen: String = text.chars().filter(|c| *c == '\n' || !is_unseen(*c)).collect();
    cut(seen.trim(), QUOTE_MAX).lines().map(|line| line.trim().to_owned()).collect()
}

/// Control characters, and those that turn the direction of writing around.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_words_stay_on_their_line() {
        for (written, shown) in [
            ("Ali Valiev", "Ali Valiev"),
            ("Ali\r\nBcc: evil@mail.uz", "Ali Bcc: evil@mail.uz"),
            (" \u{202e}ilA\u{0}\u{85}x\u{2028}y ", "ilA x y"),
            ("", ""),
        ] {
            assert_eq!(one_line(written), shown, "{written:?}");
        }
        assert_eq!(one_line(&"я".repeat(LINE_MAX)).chars().count(), LINE_MAX);
        assert_eq!(one_line(&"я".repeat(9_999)).chars().count(), LINE_MAX + 1);
    }

    #[test]
    fn a_quote_keeps_its_lines_and_has_an_end() {
        assert_eq!(quoted(" one\r\ntwo\u{0} \n\n three "), ["one", "two", "", "three"]);
        assert!(quoted("\n \n").is_empty());
        assert_eq!(quoted(&"x".repeat(9_999)).concat().chars().count(), QUOTE_MAX + 1);
    }

    #[test]
    fn html_shows_what_was_written() {
        assert_eq!(escape(r#"<b class="x">'&"#), "&lt;b class=&quot;x&quot;&gt;&#39;&amp;");
    }
}
