//! The environment of the processes: the caller's, over `.env`, over what `up` chooses.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::failure::Result;
use crate::files;

/// Variables by name; an empty value counts as none.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    values: BTreeMap<String, String>,
}

impl Environment {
    /// The caller's environment over the checkout's `.env`.
    pub(crate) fn read(checkout: &Path) -> Self {
        let mut environment = Self::parse(&checkout.join(".env"));
        for (name, value) in env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                environment.set(&name, value);
            }
        }
        environment
    }

    /// The assignments in a file that a shell could source; an absent file holds none.
    pub(crate) fn parse(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        Self { values: text.lines().filter_map(assignment).collect() }
    }

    /// A variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Sets a variable, whatever it was.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Sets a variable that nobody has set.
    pub(crate) fn default(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.set(name, value);
        }
    }

    /// Forgets a variable.
    pub(crate) fn forget(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// All variables.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&String, &String)> {
        self.values.iter()
    }

    /// Writes the named variables so that a shell can source them.
    pub(crate) fn export(&self, names: &[&str], path: &Path) -> Result<()> {
        let mut text = String::from("# Written by `cargo xtask up`. Use it with: . .local/env\n");
        for name in names {
            let value = self.get(name).unwrap_or_default().replace('\'', r"'\''");
            writeln!(text, "export {name}='{value}'").ok();
        }
        files::write(path, &text, 0o600)
    }
}

/// `KEY=VALUE`, with or without `export`, quotes, or a comment after the value.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let name = name.trim_end();
    if name.starts_with('#') || name.is_empty() {
        return None;
    }
    Some((name.to_owned(), unquote(value.trim_start())))
}

fn unquote(value: &str) -> String {
    // As this tool writes it: a quote inside is `'\''`.
    if let Some(quoted) = value.strip_prefix('\'') {
        let quoted = quoted.replace(r"'\''", "\0");
        return quoted.split('\'').next().unwrap_or_default().replace('\0', "'");
    }
    if let Some(quoted) = value.strip_prefix('"') {
        return quoted.split('"').next().unwrap_or_default().to_owned();
    }
    value.split(" #").next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::assignment;

    fn value(line: &str) -> Option<String> {
        assignment(line).map(|(_, value)| value)
    }

    #[test]
    fn lines_mean_what_a_shell_would_make_of_them() {
        for (line, expected) in [
            ("KEY=plain", "plain"),
            ("export KEY=plain # a comment", "plain"),
            (r"  KEY = 'it'\''s # no comment' ", "it's # no comment"),
            (r#"KEY="two words" # a comment"#, "two words"),
            ("KEY=postgres://u:p#w@h/db?a=b", "postgres://u:p#w@h/db?a=b"),
            ("KEY=", ""),
        ] {
            assert_eq!(value(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn other_lines_mean_nothing() {
        for line in ["", "# KEY=value", "#KEY=value", "no assignment", "=value"] {
            assert_eq!(value(line), None, "{line}");
        }
    }
}
