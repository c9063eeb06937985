//! What is logged, in which form, and where beside standard output.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use super::vars::Vars;
use super::{AppEnv, SettingsError};

/// In development everything is logged but the inner life of what we stand on.
const DEVELOPMENT: &str = "debug,apalis_core=info,apalis_cron=info,apalis_redis=info,h2=info,hyper=info,hyper_util=info,salvo_core=info,tokio_postgres=info";
/// A smaller file would be rotated with almost every line.
const FILE_MIN: u64 = 4_096;

/// Logs.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `LOG_LEVEL` (`info`; `debug` in development): a tracing filter.
    pub filter: String,
    /// `LOG_FORMAT` (`text`; `json` in production): whether lines are JSON.
    pub json: bool,
    /// `LOG_FILE` (none): every line is written there too.
    pub file: Option<LogFileSettings>,
}

/// A log file, rotated by its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFileSettings {
    /// `LOG_FILE`, such as `/var/log/wibe/wibe.log`: the API writes `wibe-api.log` beside it, and so on, a file per process.
    pub path: PathBuf,
    /// `LOG_MAX_BYTES` (10485760): a file does not grow larger.
    pub max_bytes: NonZeroU64,
    /// `LOG_BACKUPS` (5): how many older files are kept, `.1` the youngest.
    pub backups: NonZeroUsize,
}

pub(super) fn log(vars: &Vars) -> Result<LogSettings, SettingsError> {
    let usual = if vars.env == AppEnv::Development { DEVELOPMENT } else { "info" };
    Ok(LogSettings { filter: vars.text("LOG_LEVEL", usual), json: json(vars)?, file: file(vars)? })
}

fn json(vars: &Vars) -> Result<bool, SettingsError> {
    match vars.get("LOG_FORMAT") {
        None => Ok(vars.env == AppEnv::Production),
        Some("json") => Ok(true),
        Some("text") => Ok(false),
        Some(_) => Err(SettingsError::new("LOG_FORMAT", "must be text or json")),
    }
}

fn file(vars: &Vars) -> Result<Option<LogFileSettings>, SettingsError> {
    let wrong = |name, problem| Err(SettingsError::new(name, problem));
    let max_bytes = match NonZeroU64::new(vars.parse("LOG_MAX_BYTES", 10_485_760)?) {
        Some(bytes) if bytes.get() >= FILE_MIN => bytes,
        Some(_) | None => return wrong("LOG_MAX_BYTES", "must be at least 4096"),
    };
    let Some(backups) = NonZeroUsize::new(vars.parse("LOG_BACKUPS", 5)?) else {
        return wrong("LOG_BACKUPS", "must be at least 1");
    };
    let Some(path) = vars.get("LOG_FILE").map(PathBuf::from) else { return Ok(None) };
    if path.file_stem().is_none() || vars.get("LOG_FILE").is_some_and(|path| path.ends_with('/')) {
        return wrong("LOG_FILE", "must name a file, such as /var/log/wibe/wibe.log");
    }
    Ok(Some(LogFileSettings { path, max_bytes, backups }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<LogSettings, String> {
        let values: HashMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let vars = Vars::new(values).map_err(|error| error.to_string())?;
        log(&vars).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_has_a_name_a_size_and_backups() {
        assert_eq!(read(&[]).expect("nothing is needed").file, None);
        let file = read(&[("LOG_FILE", "/var/log/wibe.log"), ("LOG_MAX_BYTES", "8192")]);
        let file = file.expect("is right").file.expect("a file");
        assert_eq!((file.max_bytes.get(), file.backups.get()), (8_192, 5));
        for (name, value, problem) in [
            ("LOG_FILE", "/var/log/", "LOG_FILE must name a file, such as /var/log/wibe/wibe.log"),
            ("LOG_MAX_BYTES", "100", "LOG_MAX_BYTES must be at least 4096"),
            ("LOG_MAX_BYTES", "10M", "LOG_MAX_BYTES has a value of the wrong form"),
            ("LOG_BACKUPS", "0", "LOG_BACKUPS must be at least 1"),
        ] {
            assert_eq!(read(&[(name, value)]).expect_err("is refused"), problem);
        }
    }

    #[test]
    fn production_writes_json_and_others_when_they_are_told() {
        assert!(read(&[("APP_ENV", "production")]).expect("is right").json);
        assert!(!read(&[("APP_ENV", "test")]).expect("is right").json);
        for (format, json) in [("json", true), ("text", false)] {
            assert_eq!(read(&[("LOG_FORMAT", format)]).expect("is right").json, json);
        }
        assert!(read(&[("LOG_FORMAT", "xml")]).is_err());
    }
}
