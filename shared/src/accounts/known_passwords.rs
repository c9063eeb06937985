//! Passwords that everybody who guesses knows: those of published breaches, and the words of this region.
//!
//! The list is kept as prints, the first 40 bits of SHA-256 in order: nobody reads it, and one password in four million
//! is refused for another's sake. `cargo xtask known-passwords` makes it; how, and of what, is told in ARCHITECTURE.md.

use sha2::{Digest as _, Sha256};

/// Bytes of a print.
const PRINT: usize = 5;

static PRINTS: &[u8] = include_bytes!("known_passwords.bin");

/// Whether a password, in lower case, is known.
pub(super) fn contains(lower: &str) -> bool {
    let digest = Sha256::digest(lower.as_bytes());
    let (prints, _) = PRINTS.as_chunks::<PRINT>();
    digest.first_chunk::<PRINT>().is_some_and(|print| prints.binary_search(print).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_whole_and_in_order() {
        let (prints, rest) = PRINTS.as_chunks::<PRINT>();
        assert!(rest.is_empty());
        assert!(prints.len() > 250_000, "{} passwords", prints.len());
        assert!(prints.is_sorted_by(|before, after| before < after));
    }

    #[test]
    fn our_own_words_are_on_it_and_good_passwords_are_not() {
        let ours = include_str!("common_passwords.txt");
        for word in ours.lines().filter(|line| !line.starts_with("# ")) {
            assert!(contains(word), "{word}");
        }
        for good in ["tulip-7-river", "пароль-из-7-слов", "correct-horse-7", ""] {
            assert!(!contains(good), "{good}");
        }
    }
}
