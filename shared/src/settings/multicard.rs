//! Multicard: what it knows us by, and how long it is waited for.

use std::time::Duration;

use super::vars::{Secret, Vars};
use super::{AppEnv, SettingsError, outside};

/// Multicard's API: deposits by Uzcard and Humo, and payouts to such cards.
#[derive(Clone, Debug)]
pub struct MulticardSettings {
    /// `MULTICARD_BASE_URL` (`https://mesh.multicard.uz`; the sandbox is `https://dev-mesh.multicard.uz`).
    pub base_url: String,
    /// `MULTICARD_STORE_ID`: our till.
    pub store_id: i64,
    /// `MULTICARD_APPLICATION_ID`: who asks for a token.
    pub application_id: String,
    /// `MULTICARD_SECRET`: proves it.
    pub secret: Secret,
    /// `MULTICARD_CALLBACK_SECRET` (`MULTICARD_SECRET`): signs callbacks, where Multicard issued a separate one.
    pub callback_secret: Secret,
    /// `MULTICARD_CONNECT_TIMEOUT` (2s).
    pub connect_timeout: Duration,
    /// `MULTICARD_TIMEOUT` (4s, at most 5s): of one call, connecting included.
    pub timeout: Duration,
    /// `MULTICARD_MXIK`: the tax code of what is sold, for the fiscal receipt.
    pub mxik: Option<String>,
    /// `MULTICARD_PACKAGE_CODE`: its packaging code.
    pub package_code: Option<String>,
}

pub(super) fn multicard(vars: &Vars) -> Result<MulticardSettings, SettingsError> {
    let secret = vars.secret("MULTICARD_SECRET", 8, "sandbox-multicard-secret")?;
    let timeout = outside::timeout(vars, "MULTICARD_TIMEOUT")?;
    let store_id = vars.required("MULTICARD_STORE_ID", "40001")?;
    Ok(MulticardSettings {
        base_url: base_url(vars)?,
        store_id: store_id.parse().ok().filter(|id| *id > 0).ok_or_else(|| {
            SettingsError::new("MULTICARD_STORE_ID", "must be the number of the store")
        })?,
        application_id: vars.required("MULTICARD_APPLICATION_ID", "sandbox-multicard")?,
        callback_secret: vars
            .get("MULTICARD_CALLBACK_SECRET")
            .map_or_else(|| secret.clone(), Secret::new),
        secret,
        connect_timeout: vars.duration("MULTICARD_CONNECT_TIMEOUT", "2s")?.min(timeout),
        timeout,
        mxik: vars.get("MULTICARD_MXIK").map(str::to_owned),
        package_code: vars.get("MULTICARD_PACKAGE_CODE").map(str::to_owned),
    })
}

/// Card numbers travel there.
fn base_url(vars: &Vars) -> Result<String, SettingsError> {
    let default = match vars.env {
        AppEnv::Production => "https://mesh.multicard.uz",
        AppEnv::Development | AppEnv::Test => "https://dev-mesh.multicard.uz",
    };
    outside::base_url(vars, "MULTICARD_BASE_URL", default)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(env: &str, values: &[(&str, &str)]) -> Result<MulticardSettings, String> {
        let values = [("APP_ENV", env)].into_iter().chain(values.iter().copied());
        let values: HashMap<_, _> =
            values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let vars = Vars::new(values).expect("an environment");
        multicard(&vars).map_err(|error| error.to_string())
    }

    #[test]
    fn cards_travel_by_tls_in_production() {
        let plain = ("MULTICARD_BASE_URL", "http://127.0.0.1:9000/");
        let settings = read("development", &[plain]).expect("a sandbox on this machine");
        assert_eq!(settings.base_url, "http://127.0.0.1:9000");
        let own = [
            ("MULTICARD_STORE_ID", "6"),
            ("MULTICARD_APPLICATION_ID", "app"),
            ("MULTICARD_SECRET", "0123456789abcdef"),
        ];
        assert_eq!(read("production", &own).expect("whole").base_url, "https://mesh.multicard.uz");
        let refused = read("production", &[own.as_slice(), &[plain]].concat());
        assert!(refused.expect_err("in the clear").starts_with("MULTICARD_BASE_URL"));
        for (name, value) in [
            ("MULTICARD_STORE_ID", "six"),
            ("MULTICARD_STORE_ID", "-6"),
            ("MULTICARD_TIMEOUT", "1m"),
            ("MULTICARD_TIMEOUT", "0s"),
            ("MULTICARD_BASE_URL", "ftp://multicard.uz"),
        ] {
            assert!(read("test", &[(name, value)]).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn callbacks_are_signed_with_the_same_secret_unless_there_is_another() {
        let secrets = |values: &[(&str, &str)]| {
            let settings = read("test", values).expect("valid");
            (settings.secret.expose().to_owned(), settings.callback_secret.expose().to_owned())
        };
        let (ours, theirs) = secrets(&[("MULTICARD_SECRET", "one")]);
        assert_eq!((ours.as_str(), theirs.as_str()), ("one", "one"));
        let both = [("MULTICARD_SECRET", "one"), ("MULTICARD_CALLBACK_SECRET", "two")];
        assert_eq!(secrets(&both).1, "two");
    }
}
