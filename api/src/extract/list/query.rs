//! Query parameters: each known name is read at most once, an empty value is none, and the rest is refused.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, Days, FixedOffset, NaiveDate, Utc};
use salvo::oapi::{BasicType, KnownFormat, Object, SchemaFormat};
use shared::error::texts;
use shared::language::Text;
use shared::{Code, Error, Money, Result};
use uuid::Uuid;

use crate::extract::body::shortened;

/// More names that nobody knows are not told.
const UNKNOWN_MAX: usize = 20;
/// Longer texts are not looked for.
const TEXT_MAX: usize = 200;

/// Tashkent's distance from UTC, all year.
const TASHKENT: i32 = 5 * 3_600;

fn day() -> Object {
    Object::with_type(BasicType::String).example("2026-11-25")
}

/// The midnight in Tashkent that begins a day, or one of the days after it.
fn midnight(text: &str, days_later: u64) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let day = day.checked_add_days(Days::new(days_later))?;
    let year_is_known = (1_970..=9_999).contains(&day.year());
    let here = FixedOffset::east_opt(TASHKENT)?;
    let midnight = day.and_hms_opt(0, 0, 0)?.and_local_timezone(here).single()?;
    year_is_known.then(|| midnight.with_timezone(&Utc))
}

/// The parameters of a request, and what was found wrong with them.
#[derive(Default)]
pub(crate) struct Query {
    given: Vec<(String, String)>,
    known: Vec<(&'static str, Object)>,
    problem: Option<Error>,
}

impl Query {
    /// Decodes `a=1&b=2`.
    pub(crate) fn parse(query: &str) -> Self {
        Self {
            given: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            ..Self::default()
        }
    }

    /// A short text.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let text = self.value(name, Object::with_type(BasicType::String).max_length(TEXT_MAX))?;
        if text.chars().count() > TEXT_MAX {
            self.wrong(name, texts::TOO_LONG, TEXT_MAX.to_string());
            return None;
        }
        Some(text)
    }

    /// An amount of money.
    pub(crate) fn money(&mut self, name: &'static str) -> Option<Money> {
        self.parsed(
            name,
            Object::with_type(BasicType::String).example("10000.00"),
            texts::MONEY,
            Money::parse,
        )
    }

    /// `true` or `false`, `1` or `0`.
    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        let choices = [("true", true), ("false", false), ("1", true), ("0", false)];
        let value = self.value(name, Object::with_type(BasicType::Boolean))?;
        let flag = choices.iter().find(|(text, _)| *text == value).map(|(_, flag)| *flag);
        if flag.is_none() {
            self.wrong(name, texts::CHOICES, "true, false");
        }
        flag
    }

    /// A moment, with its offset from UTC.
    pub(crate) fn moment(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        let schema = Object::with_type(BasicType::String)
            .format(SchemaFormat::KnownFormat(KnownFormat::DateTime));
        self.parsed(name, schema, texts::MOMENT, |text| text.parse().ok())
    }

    /// An id.
    pub(crate) fn uuid(&mut self, name: &'static str) -> Option<Uuid> {
        let schema = Object::with_type(BasicType::String)
            .format(SchemaFormat::KnownFormat(KnownFormat::Uuid));
        self.parsed(name, schema, texts::INVALID, |text| Uuid::try_parse(text).ok())
    }

    /// The beginning of a span: a day in Tashkent, or a moment.
    pub(crate) fn since(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        self.parsed(name, day(), texts::DAY, |text| midnight(text, 0).or(text.parse().ok()))
    }

    /// The end of a span, which is not in it any more: the end of a day in Tashkent, or a moment.
    pub(crate) fn until(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        self.parsed(name, day(), texts::DAY, |text| midnight(text, 1).or(text.parse().ok()))
    }

    /// A whole number of at least `min`.
    pub(crate) fn integer(&mut self, name: &'static str, min: i64) -> Option<i64> {
        let number: i64 =
            self.parsed(name, Object::with_type(BasicType::Integer), texts::INTEGER, |text| {
                text.parse().ok()
            })?;
        if number < min {
            self.wrong(name, texts::TOO_SMALL, min.to_string());
            return None;
        }
        Some(number)
    }

    /// One of some values, by its text.
    pub(crate) fn one_of<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[T],
        text: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|choice| text(*choice)).collect();
        let value = self
            .value(name, Object::with_type(BasicType::String).enum_values(names.iter().copied()))?;
        let choice = choices.iter().copied().find(|choice| text(*choice) == value);
        if choice.is_none() {
            self.wrong(name, texts::CHOICES, names.join(", "));
        }
        choice
    }

    /// Names separated by commas, each once: rows are compared with them.
    pub(crate) fn list(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.value(name, Object::with_type(BasicType::String))?;
        let items: BTreeSet<&str> =
            value.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
        Some(items.into_iter().map(str::to_owned).collect())
    }

    /// Notes that a parameter is wrong.
    pub(crate) fn wrong(&mut self, name: &str, text: Text, value: impl Into<String>) {
        let problem = self.problem.take().unwrap_or_else(|| Error::new(Code::ValidationError));
        self.problem = Some(problem.and_field(name, text, value));
    }

    /// Every parameter as it was given.
    pub(super) fn given(&self) -> Vec<(String, String)> {
        self.given.clone()
    }

    /// The names that were asked for, for the documentation.
    pub(super) fn into_known(self) -> Vec<(&'static str, Object)> {
        self.known
    }

    /// All that is wrong, unknown names included.
    pub(crate) fn finish(mut self) -> Result<()> {
        let known = std::mem::take(&mut self.known);
        let given = std::mem::take(&mut self.given);
        let mut unknown: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        unknown.retain(|name| !known.iter().any(|(known, _)| known == name));
        unknown.dedup();
        for name in unknown.into_iter().take(UNKNOWN_MAX) {
            self.wrong(&shortened(name), texts::UNKNOWN, "");
        }
        self.problem.map_or(Ok(()), Err)
    }

    fn parsed<T>(
        &mut self,
        name: &'static str,
        schema: Object,
        text: Text,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(name, schema)?;
        let parsed = read(&value);
        if parsed.is_none() {
            self.wrong(name, text, "");
        }
        parsed
    }

    /// The value of a known name; none when it is absent or empty.
    fn value(&mut self, name: &'static str, schema: Object) -> Option<String> {
        self.known.push((name, schema));
        let mut values = self
            .given
            .iter()
            .filter(|(given, _)| given == name)
            .map(|(_, value)| value.trim().to_owned());
        let (value, again) = (values.next()?, values.next());
        if again.is_some() {
            self.wrong(name, texts::INVALID, "");
            return None;
        }
        if value.chars().any(char::is_control) {
            self.wrong(name, texts::CONTROL, "");
            return None;
        }
        Some(value).filter(|value| !value.is_empty())
    }
}
