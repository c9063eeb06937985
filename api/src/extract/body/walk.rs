//! One walk over a body's text before it is read into a type: is it JSON at all, is it an object, does a name come
//! twice, does a text hold characters that have no business in one.
#![expect(
    clippy::disallowed_types,
    reason = "serde hands numbers to a visitor as floats; they are not kept"
)]

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use shared::error::texts;
use shared::language::Text;
use shared::{Code, Error, Result};

use super::wrong;

/// Checks a body and returns its top-level names.
pub(super) fn check(text: &str) -> Result<BTreeSet<String>> {
    let mut notes = Notes::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let walked =
        Walk { path: String::new(), depth: 0, notes: &mut notes }.deserialize(&mut deserializer);
    // Also what is nested too deep (128) is not JSON to us.
    if walked.and_then(|()| deserializer.end()).is_err() {
        return Err(Code::MalformedJson.into());
    }
    if !notes.object {
        return Err(Error::field("body", texts::OBJECT));
    }
    if notes.problems.is_empty() {
        return Ok(notes.names);
    }
    Err(notes
        .problems
        .into_iter()
        .fold(wrong(), |error, (path, text)| error.and_field(path, text, "")))
}

#[derive(Default)]
struct Notes {
    object: bool,
    names: BTreeSet<String>,
    problems: Vec<(String, Text)>,
}

/// The walk at one value.
struct Walk<'n> {
    path: String,
    depth: usize,
    notes: &'n mut Notes,
}

impl Walk<'_> {
    fn look_at(&mut self, text: &str) {
        let forbidden =
            |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
        if text.chars().any(forbidden) {
            let path = if self.path.is_empty() { "body" } else { &self.path };
            self.notes.problems.push((path.to_owned(), texts::CONTROL));
        }
    }

    fn step(&mut self, path: String) -> Walk<'_> {
        Walk { path, depth: self.depth + 1, notes: self.notes }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.look_at(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            let path = format!("{}[{index}]", self.path);
            if items.next_element_seed(self.step(path))?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            self.look_at(&name);
            let path =
                if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            if !names.insert(name) {
                self.notes.problems.push((path.clone(), texts::TWICE));
            }
            fields.next_value_seed(self.step(path))?;
        }
        if self.depth == 0 {
            self.notes.object = true;
            self.notes.names = names;
        }
        Ok(())
    }
}
