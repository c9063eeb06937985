//! One walk over a body's text before it is read into a type: is it JSON at all, is it an object, does a name come
//! twice, does a text hold characters that have no business in one. It costs what the text is long, whatever is in it.
#![expect(
    clippy::disallowed_types,
    reason = "serde hands numbers to a visitor as floats; they are not kept"
)]

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use shared::error::texts;
use shared::language::Text;
use shared::{Code, Error, Result};

use super::{PROBLEMS_MAX, shortened, wrong};

/// The names of our own fields are far shorter, in bytes.
const NAME_MAX: usize = 200;
/// A path that is told ends after so many bytes, or a name later.
const PATH_MAX: usize = 300;

/// Checks a body and returns its top-level names.
pub(super) fn check(text: &str) -> Result<BTreeSet<String>> {
    let mut notes = Notes::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let walked = Walk { at: Place::Body, notes: &mut notes }.deserialize(&mut deserializer);
    // Also what is nested too deep (128) is not JSON to us. What was given up half way may be anything.
    if !notes.given_up && walked.and_then(|()| deserializer.end()).is_err() {
        return Err(Code::MalformedJson.into());
    }
    if !notes.given_up && !notes.object {
        return Err(Error::field("body", texts::OBJECT));
    }
    if notes.problems.is_empty() {
        return Ok(notes.names);
    }
    Err(notes
        .problems
        .into_iter()
        .fold(wrong(), |error, Problem { path, text, value }| error.and_field(path, text, value)))
}

#[derive(Default)]
struct Notes {
    object: bool,
    names: BTreeSet<String>,
    problems: Vec<Problem>,
    given_up: bool,
}

struct Problem {
    path: String,
    text: Text,
    value: String,
}

/// Where the walk is: a step and those before it, on the stack. It becomes a text only for a problem.
#[derive(Clone, Copy)]
enum Place<'p> {
    Body,
    Field(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl Place<'_> {
    fn path(self) -> String {
        let mut path = String::new();
        self.write(&mut path);
        if path.is_empty() { "body".to_owned() } else { path }
    }

    fn write(self, path: &mut String) {
        let before = match self {
            Self::Body => return,
            Self::Field(before, _) | Self::Item(before, _) => before,
        };
        before.write(path);
        if path.len() > PATH_MAX {
            return;
        }
        match self {
            Self::Body => {}
            Self::Field(_, name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&shortened(name));
            }
            Self::Item(_, index) => {
                let _written = write!(path, "[{index}]");
            }
        }
    }
}

/// The walk at one value.
struct Walk<'p, 'n> {
    at: Place<'p>,
    notes: &'n mut Notes,
}

impl Walk<'_, '_> {
    /// Notes a problem; fails when these are enough, which ends the walk.
    fn note<E: serde::de::Error>(
        &mut self,
        at: Place<'_>,
        problem: (Text, String),
    ) -> Result<(), E> {
        let (text, value) = problem;
        self.notes.problems.push(Problem { path: at.path(), text, value });
        self.notes.given_up = self.notes.problems.len() >= PROBLEMS_MAX;
        if self.notes.given_up { Err(E::custom("enough")) } else { Ok(()) }
    }

    fn look_at<E: serde::de::Error>(&mut self, text: &str) -> Result<(), E> {
        let forbidden =
            |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
        if text.chars().any(forbidden) {
            self.note(self.at, (texts::CONTROL, String::new()))?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
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

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        self.look_at(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            let step = Walk { at: Place::Item(&self.at, index), notes: &mut *self.notes };
            if items.next_element_seed(step)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let here = self.at;
        let mut names = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            let at = Place::Field(&here, &name);
            if name.len() > NAME_MAX {
                self.note::<A::Error>(at, (texts::TOO_LONG, NAME_MAX.to_string()))?;
                // No field of ours: the rest may be as absurd.
                self.notes.given_up = true;
                return Err(A::Error::custom("an absurd name"));
            }
            self.look_at(&name)?;
            if names.contains(&name) {
                self.note(at, (texts::TWICE, String::new()))?;
            }
            fields.next_value_seed(Walk { at, notes: &mut *self.notes })?;
            names.insert(name);
        }
        if matches!(here, Place::Body) {
            self.notes.object = true;
            self.notes.names = names;
        }
        Ok(())
    }
}
