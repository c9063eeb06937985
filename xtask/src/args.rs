//! The few options of `cargo xtask up`.

use crate::failure::{Attempt, Result};

/// How the platform is to be started.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Up {
    /// Forget all data first.
    pub(crate) fresh: bool,
    /// Build and run optimised binaries.
    pub(crate) release: bool,
    /// The API's port.
    pub(crate) port: u16,
    /// How many worker processes.
    pub(crate) workers: u16,
}

impl Up {
    /// Reads `--fresh`, `--release`, `--port P` and `--workers N`, in any order, with or without `=`.
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { fresh: false, release: false, port: 8000, workers: 1 };
        let mut words = args.iter().flat_map(|arg| arg.splitn(2, '='));
        while let Some(word) = words.next() {
            match word {
                "--fresh" => options.fresh = true,
                "--release" => options.release = true,
                "--port" => options.port = number(word, words.next())?,
                "--workers" => options.workers = number(word, words.next())?,
                _ => return Err(format!("`up` has no option `{word}`: see `cargo xtask help`")),
            }
        }
        Ok(options)
    }
}

fn number(option: &str, value: Option<&str>) -> Result<u16> {
    let value = value.ok_or_else(|| format!("{option} needs a number"))?;
    let number: u16 = value.parse().attempt(format_args!("{option} {value}"))?;
    if number == 0 { Err(format!("{option} starts at 1")) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::Up;

    fn parse(line: &str) -> Result<Up, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Up::parse(&words)
    }

    #[test]
    fn every_option_is_understood_in_both_spellings() {
        let expected = Up { fresh: true, release: true, port: 9000, workers: 3 };
        assert_eq!(parse("--fresh --release --port 9000 --workers=3"), Ok(expected));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["--prot 1", "--port", "--port x", "--workers 0", "--port 70000"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
