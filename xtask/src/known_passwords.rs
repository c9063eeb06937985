//! The list of passwords that the platform refuses, made of files with one password a line.

use std::collections::BTreeSet;
use std::fs;

use sha2::{Digest as _, Sha256};

use crate::checkout::Checkout;
use crate::console::say;
use crate::failure::{Attempt as _, Result};

/// Bytes of a print, as `shared/src/accounts/known_passwords.rs` reads them.
const PRINT: usize = 5;
const OURS: &str = "shared/src/accounts/common_passwords.txt";
const LIST: &str = "shared/src/accounts/known_passwords.bin";

/// Writes the list of our own words and those of the given files. What the other rules refuse anyway is left out.
pub(crate) fn make(checkout: &Checkout, files: &[String]) -> Result<()> {
    let ours = checkout.root.join(OURS);
    let mut prints = BTreeSet::new();
    let paths = std::iter::once(ours).chain(files.iter().map(Into::into));
    for path in paths {
        let bytes = fs::read(&path).attempt(format_args!("cannot read {}", path.display()))?;
        for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.starts_with("# ")) {
            let lower = line.to_lowercase();
            if passes_the_other_rules(&lower) {
                prints.extend(Sha256::digest(lower.as_bytes()).first_chunk::<PRINT>().copied());
            }
        }
    }
    let list: Vec<u8> = prints.iter().flatten().copied().collect();
    let path = checkout.root.join(LIST);
    fs::write(&path, list).attempt(format_args!("cannot write {}", path.display()))?;
    say(format_args!("{} passwords in {LIST}", prints.len()));
    Ok(())
}

/// At least eight characters, a letter and a digit.
fn passes_the_other_rules(lower: &str) -> bool {
    lower.chars().count() >= 8
        && lower.chars().any(char::is_alphabetic)
        && lower.chars().any(char::is_numeric)
}
