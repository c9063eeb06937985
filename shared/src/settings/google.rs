//! Sign-in with Google: who we are to Google, and where it is asked.

use std::time::Duration;

use super::vars::Vars;
use super::{AppEnv, SettingsError};

/// Somebody waits for the answer, and one sign-in may take two calls.
const TIMEOUT_MAX: Duration = Duration::from_secs(10);
/// Less is a slip of the pen.
const TIMEOUT_MIN: Duration = Duration::from_millis(50);

/// Sign-in with Google.
#[derive(Clone, Debug)]
pub struct GoogleSettings {
    /// `GOOGLE_CLIENT_ID`: whom tokens must be meant for, one or several after commas; without one nobody signs in so.
    pub client_ids: Vec<String>,
    /// `GOOGLE_JWKS_URL` (`https://www.googleapis.com/oauth2/v3/certs`): the keys of ID tokens.
    pub jwks_url: String,
    /// `GOOGLE_TOKENINFO_URL` (`https://oauth2.googleapis.com/tokeninfo`): whom an access token is meant for.
    pub tokeninfo_url: String,
    /// `GOOGLE_USERINFO_URL` (`https://openidconnect.googleapis.com/v1/userinfo`): whom an access token speaks of.
    pub userinfo_url: String,
    /// `GOOGLE_JWKS_REFETCH_AFTER` (30s): an unknown key makes us read the keys again, at most so often.
    pub refetch_after: Duration,
    /// `GOOGLE_CONNECT_TIMEOUT` (2s).
    pub connect_timeout: Duration,
    /// `GOOGLE_TIMEOUT` (4s, at most 10s): of one call, connecting included.
    pub timeout: Duration,
}

pub(super) fn google(vars: &Vars) -> Result<GoogleSettings, SettingsError> {
    let client_ids = vars.list("GOOGLE_CLIENT_ID", "");
    if vars.env == AppEnv::Production && client_ids.iter().any(|id| id.starts_with("your-")) {
        return Err(SettingsError::new("GOOGLE_CLIENT_ID", "is a sample: leave it unset instead"));
    }
    let timeout = vars.duration("GOOGLE_TIMEOUT", "4s")?;
    if !(TIMEOUT_MIN..=TIMEOUT_MAX).contains(&timeout) {
        return Err(SettingsError::new("GOOGLE_TIMEOUT", "must be between 50ms and 10s"));
    }
    Ok(GoogleSettings {
        client_ids,
        jwks_url: url(vars, "GOOGLE_JWKS_URL", "https://www.googleapis.com/oauth2/v3/certs")?,
        tokeninfo_url: url(
            vars,
            "GOOGLE_TOKENINFO_URL",
            "https://oauth2.googleapis.com/tokeninfo",
        )?,
        userinfo_url: url(
            vars,
            "GOOGLE_USERINFO_URL",
            "https://openidconnect.googleapis.com/v1/userinfo",
        )?,
        refetch_after: vars.duration("GOOGLE_JWKS_REFETCH_AFTER", "30s")?,
        connect_timeout: vars.duration("GOOGLE_CONNECT_TIMEOUT", "2s")?.min(timeout),
        timeout,
    })
}

/// Whoever answers there says who people are, so production speaks TLS to it.
fn url(vars: &Vars, name: &'static str, default: &str) -> Result<String, SettingsError> {
    let url = vars.text(name, default);
    let plain = url.starts_with("http://") && vars.env != AppEnv::Production;
    if plain || url.starts_with("https://") {
        Ok(url)
    } else {
        Err(SettingsError::new(name, "must be an https:// address"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(env: &str, values: &[(&str, &str)]) -> Result<GoogleSettings, String> {
        let values = [("APP_ENV", env)].into_iter().chain(values.iter().copied());
        let values: HashMap<_, _> =
            values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        google(&Vars::new(values).expect("an environment")).map_err(|error| error.to_string())
    }

    #[test]
    fn one_id_or_several_are_ours_and_none_means_that_it_is_not_offered() {
        let ids = |value| read("test", &[("GOOGLE_CLIENT_ID", value)]).expect("valid").client_ids;
        assert!(ids("").is_empty());
        assert_eq!(ids("web"), ["web"]);
        assert_eq!(ids(" web, android ,"), ["web", "android"]);
    }

    #[test]
    fn production_asks_by_tls_and_takes_no_sample() {
        read("production", &[]).expect("without Google");
        read("development", &[("GOOGLE_JWKS_URL", "http://127.0.0.1:9/certs")]).expect("here");
        for (env, name, value) in [
            ("production", "GOOGLE_CLIENT_ID", "your-client-id"),
            ("production", "GOOGLE_JWKS_URL", "http://127.0.0.1:9/certs"),
            ("production", "GOOGLE_TOKENINFO_URL", "http://google.example/"),
            ("test", "GOOGLE_USERINFO_URL", "ftp://google.example/"),
            ("test", "GOOGLE_TIMEOUT", "1m"),
            ("test", "GOOGLE_TIMEOUT", "1ms"),
        ] {
            let refused = read(env, &[(name, value)]).expect_err(value);
            assert!(refused.starts_with(name), "{refused}");
        }
    }
}
