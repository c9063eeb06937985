//! Cursors: where a feed goes on, in one opaque word. A cursor is for the ordering it was made in; it holds nothing but the
//! place of a row that its reader has seen, and what may be read is decided by the request, so it is checked and not signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::page::After;
use shared::{Code, Error, Result};
use uuid::Uuid;

/// What asks for the first part of a feed.
pub(super) const START: &str = "start";
/// Longer words are no cursor of ours.
const WORD_MAX: usize = 200;
/// Between the parts.
const SEPARATOR: char = '|';

/// The word for a place.
pub(super) fn write(ordering: &str, after: &After) -> String {
    let After { key, id } = after;
    URL_SAFE_NO_PAD.encode(format!("{ordering}{SEPARATOR}{key}{SEPARATOR}{}", id.simple()))
}

/// The place of a word; none for the beginning.
pub(super) fn read(ordering: &str, word: &str) -> Result<Option<After>> {
    if word == START {
        return Ok(None);
    }
    parse(ordering, word).map(Some).ok_or_else(|| Error::new(Code::InvalidCursor))
}

fn parse(ordering: &str, word: &str) -> Option<After> {
    if word.len() > WORD_MAX {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(word).ok()?).ok()?;
    let mut parts = text.split(SEPARATOR);
    let (made_in, key, id) = (parts.next()?, parts.next()?, parts.next()?);
    let id = Uuid::try_parse(id).ok()?;
    let ours = made_in == ordering && parts.next().is_none() && !key.chars().any(char::is_control);
    ours.then(|| After { key: key.to_owned(), id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_in_its_own_ordering() {
        let after = After { key: "1764000000123456".to_owned(), id: Uuid::from_u128(7) };
        let word = write("-created_at", &after);
        assert_eq!(read("-created_at", &word).ok(), Some(Some(after)));
        assert_eq!(read("-created_at", START).ok(), Some(None));
        for (ordering, word) in [
            ("", word.as_str()),
            ("amount", word.as_str()),
            ("-created_at", "x"),
            ("-created_at", "%%%"),
            ("-created_at", word.get(1..).unwrap_or_default()),
            ("-created_at", &format!("{word}AA")),
            ("-created_at", &"A".repeat(400)),
            ("-created_at", &URL_SAFE_NO_PAD.encode("-created_at|1|not-an-id")),
            ("-created_at", &URL_SAFE_NO_PAD.encode([0xff, 0xfe])),
        ] {
            let code = read(ordering, word).err().map(|error| error.code());
            assert_eq!(code, Some(Code::InvalidCursor), "{ordering} {word}");
        }
    }
}
