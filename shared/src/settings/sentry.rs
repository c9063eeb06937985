//! Where errors and traces are reported to.

use rust_decimal::Decimal;
use sentry::types::Dsn;

use super::vars::Vars;
use super::{Secret, SettingsError};

/// Sentry.
#[derive(Clone, Debug)]
pub struct SentrySettings {
    /// `SENTRY_DSN` (none): the project that events are sent to; without it nothing is sent.
    pub dsn: Option<Secret>,
    /// `SENTRY_TRACES_SAMPLE_RATE` (0): the share of requests and jobs whose time is reported, from 0 to 1.
    pub traces: Decimal,
    /// `SENTRY_RELEASE` (`wibestore@` and the version of this code): deployments say the commit here.
    pub release: String,
    /// `HOSTNAME` (localhost): which machine it was.
    pub host: String,
}

pub(super) fn sentry(vars: &Vars) -> Result<SentrySettings, SettingsError> {
    let dsn = vars.get("SENTRY_DSN");
    if dsn.is_some_and(|dsn| dsn.parse::<Dsn>().is_err()) {
        return Err(SettingsError::new(
            "SENTRY_DSN",
            "must be a DSN such as https://key@sentry.example.uz/1, or unset",
        ));
    }
    let traces = vars.parse("SENTRY_TRACES_SAMPLE_RATE", Decimal::ZERO)?;
    if traces < Decimal::ZERO || traces > Decimal::ONE {
        return Err(SettingsError::new("SENTRY_TRACES_SAMPLE_RATE", "must be between 0 and 1"));
    }
    Ok(SentrySettings {
        dsn: dsn.map(Secret::new),
        traces,
        release: vars.text("SENTRY_RELEASE", concat!("wibestore@", env!("CARGO_PKG_VERSION"))),
        host: vars.text("HOSTNAME", "localhost"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<SentrySettings, String> {
        let values: HashMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let vars = Vars::new(values).map_err(|error| error.to_string())?;
        sentry(&vars).map_err(|error| error.to_string())
    }

    #[test]
    fn a_malformed_dsn_or_rate_is_refused_in_one_line() {
        let off = read(&[("SENTRY_DSN", " ")]).expect("empty is unset");
        assert!(off.dsn.is_none() && off.traces.is_zero() && off.release.starts_with("wibestore@"));
        let on = [
            ("SENTRY_DSN", "https://key@o1.ingest.sentry.io/2"),
            ("SENTRY_TRACES_SAMPLE_RATE", "0.25"),
        ];
        assert!(read(&on).expect("is right").dsn.is_some());
        for env in ["development", "production"] {
            for dsn in ["https://your-sentry-dsn", "key@host/1", "https://key@host/"] {
                let said = read(&[("APP_ENV", env), ("SENTRY_DSN", dsn)]).expect_err(dsn);
                let wanted =
                    "SENTRY_DSN must be a DSN such as https://key@sentry.example.uz/1, or unset";
                assert_eq!(said, wanted);
            }
        }
        for rate in ["-0.1", "1.01", "all"] {
            read(&[("SENTRY_TRACES_SAMPLE_RATE", rate)]).expect_err(rate);
        }
    }
}
