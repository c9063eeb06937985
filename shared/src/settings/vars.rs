//! Reading environment variables into types, and saying in one line what is wrong with one.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use super::{AppEnv, SettingsError};

/// The environment of the process, read once.
pub(super) struct Vars {
    values: HashMap<String, String>,
    pub(super) env: AppEnv,
}

impl Vars {
    pub(super) fn new(values: HashMap<String, String>) -> Result<Self, SettingsError> {
        let name = values.get("APP_ENV").map_or("development", String::as_str);
        let env = AppEnv::parse(name).ok_or_else(|| {
            SettingsError::new("APP_ENV", "must be development, test or production")
        })?;
        Ok(Self { values, env })
    }

    /// The value, if there is one; an empty value is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The value, or a default that is right everywhere.
    pub(super) fn text(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or(default).to_owned()
    }

    /// The value, or a default that is right on a developer's machine; production must say it.
    pub(super) fn required(
        &self,
        name: &'static str,
        development: &str,
    ) -> Result<String, SettingsError> {
        match (self.get(name), self.env) {
            (Some(value), _) => Ok(value.to_owned()),
            (None, AppEnv::Production) => {
                Err(SettingsError::new(name, "must be set in production"))
            }
            (None, AppEnv::Development | AppEnv::Test) => Ok(development.to_owned()),
        }
    }

    /// A secret of at least `min` bytes that is not one of the samples.
    pub(super) fn secret(
        &self,
        name: &'static str,
        min: usize,
        development: &str,
    ) -> Result<Secret, SettingsError> {
        let value = self.required(name, development)?;
        let sample = value.starts_with("your-")
            || value.contains("development")
            || value.contains("sandbox")
            || value == "change-me";
        if self.env == AppEnv::Production && (sample || value.len() < min) {
            return Err(SettingsError::new(
                name,
                "is a sample or too short: production needs its own secret",
            ));
        }
        Ok(Secret(value))
    }

    /// A secret that is still read with while another takes its place; one that anybody knows is none.
    pub(super) fn old_secret(
        &self,
        name: &'static str,
        min: usize,
    ) -> Result<Option<Secret>, SettingsError> {
        self.get(name).map(|value| self.secret(name, min, value)).transpose()
    }

    /// A switch: `True`, `false`, `1`, `off` and the like, in any case.
    pub(super) fn flag(&self, name: &'static str, default: bool) -> Result<bool, SettingsError> {
        let text = self.get(name).map(str::to_ascii_lowercase);
        match text.as_deref() {
            None => Ok(default),
            Some("true" | "1" | "yes" | "on") => Ok(true),
            Some("false" | "0" | "no" | "off") => Ok(false),
            Some(_) => Err(SettingsError::new(name, "must be True or False")),
        }
    }

    /// A number or an address.
    pub(super) fn parse<T: FromStr>(
        &self,
        name: &'static str,
        default: T,
    ) -> Result<T, SettingsError> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(value) => Ok(value),
                Err(_) => Err(SettingsError::new(name, "has a value of the wrong form")),
            },
        }
    }

    /// A duration such as `500ms`, `15s`, `30m`, `24h` or `7d`.
    pub(super) fn duration(
        &self,
        name: &'static str,
        default: &str,
    ) -> Result<Duration, SettingsError> {
        let text = self.get(name).unwrap_or(default);
        parse_duration(text)
            .ok_or_else(|| SettingsError::new(name, "must be a duration such as 15s, 30m or 24h"))
    }

    /// A comma-separated list.
    pub(super) fn list(&self, name: &str, default: &str) -> Vec<String> {
        self.text(name, default)
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// A text that never reaches a log: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Wraps a text that must not be logged.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Reads a duration such as `500ms`, `15s`, `30m`, `24h` or `7d`; a bare number is seconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" | "" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3_600).map(Duration::from_secs),
        "d" => number.checked_mul(86_400).map(Duration::from_secs),
        _ => None,
    }
}
