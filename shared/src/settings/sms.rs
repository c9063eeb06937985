//! Outgoing SMS: where it goes, and how much of it.

use std::path::PathBuf;
use std::time::Duration;

use super::vars::{Secret, Vars};
use super::{AppEnv, SettingsError};

/// One call may take this long at most: a message whose token is over needs three of them, and its job has 15 seconds.
const TIMEOUT_MAX: Duration = Duration::from_secs(4);
/// Less is a slip of the pen.
const TIMEOUT_MIN: Duration = Duration::from_millis(50);

/// Outgoing SMS.
#[derive(Clone, Debug)]
pub struct SmsSettings {
    /// The way out.
    pub way: SmsWay,
    /// `SMS_CODES_PER_PHONE` (5): codes to one phone in an hour; never more than one a minute.
    pub codes_per_phone: i64,
    /// `SMS_CODES_PER_IP` (30): codes that one address asks for in an hour; mobile operators put many people behind one.
    pub codes_per_ip: i64,
    /// `SMS_CODES_PER_HOUR` (1000): codes that the platform sends in an hour, whoever asks; a fifth of them only to
    /// numbers that somebody has proved.
    pub codes_per_hour: i64,
}

/// The way out of messages.
#[derive(Clone, Debug)]
pub enum SmsWay {
    /// `SMS_DIR`: messages become `.json` files here; development's default is `.local/sms`. Unset in production.
    Files(PathBuf),
    /// Eskiz.uz.
    Eskiz(EskizSettings),
    /// Production without a provider: nobody signs in by SMS.
    Off,
}

/// Eskiz.uz, as we know it.
#[derive(Clone, Debug)]
pub struct EskizSettings {
    /// `ESKIZ_BASE_URL` (`https://notify.eskiz.uz`).
    pub base_url: String,
    /// `ESKIZ_EMAIL`: our account; with it, SMS goes out.
    pub email: String,
    /// `ESKIZ_PASSWORD`: proves it.
    pub password: Secret,
    /// `ESKIZ_FROM` (4546): whom messages come from.
    pub from: String,
    /// `ESKIZ_CONNECT_TIMEOUT` (2s).
    pub connect_timeout: Duration,
    /// `ESKIZ_TIMEOUT` (4s, at most 4s): of one call, connecting included.
    pub timeout: Duration,
}

pub(super) fn sms(vars: &Vars) -> Result<SmsSettings, SettingsError> {
    Ok(SmsSettings {
        way: way(vars)?,
        codes_per_phone: count(vars, "SMS_CODES_PER_PHONE", 5)?,
        codes_per_ip: count(vars, "SMS_CODES_PER_IP", 30)?,
        codes_per_hour: count(vars, "SMS_CODES_PER_HOUR", 1_000)?,
    })
}

fn count(vars: &Vars, name: &'static str, default: i64) -> Result<i64, SettingsError> {
    let count = vars.parse(name, default)?;
    if count < 1 { Err(SettingsError::new(name, "must be at least 1")) } else { Ok(count) }
}

fn way(vars: &Vars) -> Result<SmsWay, SettingsError> {
    match (vars.get("SMS_DIR"), vars.get("ESKIZ_EMAIL"), vars.env) {
        (Some(_), _, AppEnv::Production) => Err(SettingsError::new(
            "SMS_DIR",
            "must not be set in production: codes would go to files",
        )),
        (None, None, AppEnv::Production) => Ok(SmsWay::Off),
        (Some(dir), _, AppEnv::Development | AppEnv::Test) => Ok(SmsWay::Files(dir.into())),
        (None, None, AppEnv::Development | AppEnv::Test) => Ok(SmsWay::Files(".local/sms".into())),
        (None, Some(email), _) => eskiz(vars, email).map(SmsWay::Eskiz),
    }
}

fn eskiz(vars: &Vars, email: &str) -> Result<EskizSettings, SettingsError> {
    let password = vars
        .get("ESKIZ_PASSWORD")
        .ok_or_else(|| SettingsError::new("ESKIZ_PASSWORD", "must be set with ESKIZ_EMAIL"))?;
    let timeout = vars.duration("ESKIZ_TIMEOUT", "4s")?;
    if !(TIMEOUT_MIN..=TIMEOUT_MAX).contains(&timeout) {
        return Err(SettingsError::new("ESKIZ_TIMEOUT", "must be between 50ms and 4s"));
    }
    Ok(EskizSettings {
        base_url: base_url(vars)?,
        email: email.to_owned(),
        password: Secret::new(password),
        from: vars.text("ESKIZ_FROM", "4546"),
        connect_timeout: vars.duration("ESKIZ_CONNECT_TIMEOUT", "2s")?.min(timeout),
        timeout,
    })
}

/// Codes travel there, so production speaks TLS to it.
fn base_url(vars: &Vars) -> Result<String, SettingsError> {
    let url = vars.text("ESKIZ_BASE_URL", "https://notify.eskiz.uz");
    let url = url.trim_end_matches('/');
    let plain = url.starts_with("http://") && vars.env != AppEnv::Production;
    if plain || url.starts_with("https://") {
        // Many write it with the first part of every path.
        Ok(url.trim_end_matches("/api").to_owned())
    } else {
        Err(SettingsError::new("ESKIZ_BASE_URL", "must be an https:// address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(env: &str, values: &[(&str, &str)]) -> Result<SmsSettings, String> {
        let values = [("APP_ENV", env)].into_iter().chain(values.iter().copied());
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let vars = Vars::new(values).expect("an environment");
        sms(&vars).map_err(|error| error.to_string())
    }

    #[test]
    fn messages_go_to_files_until_a_provider_is_named_and_never_in_production() {
        let way = |env, values: &[(&str, &str)]| read(env, values).expect("valid").way;
        let account = [("ESKIZ_EMAIL", "a@mail.uz"), ("ESKIZ_PASSWORD", "secret")];
        for env in ["development", "test"] {
            assert!(matches!(way(env, &[]), SmsWay::Files(dir) if dir.ends_with(".local/sms")));
            assert!(matches!(way(env, &account), SmsWay::Eskiz(_)));
            let both = [account.as_slice(), &[("SMS_DIR", "/tmp/sms")]].concat();
            assert!(matches!(way(env, &both), SmsWay::Files(_)));
        }
        assert!(matches!(way("production", &[]), SmsWay::Off));
        assert!(matches!(way("production", &account), SmsWay::Eskiz(_)));
        let files = read("production", &[("SMS_DIR", "/tmp/sms")]);
        assert!(files.expect_err("files").starts_with("SMS_DIR"));
        let half = read("production", &[("ESKIZ_EMAIL", "a@mail.uz")]);
        assert!(half.expect_err("half an account").starts_with("ESKIZ_PASSWORD"));
    }

    #[test]
    fn codes_travel_by_tls_in_production_and_wait_for_nobody_for_long() {
        let account = [("ESKIZ_EMAIL", "a@mail.uz"), ("ESKIZ_PASSWORD", "secret")];
        let with = |env, more: (&'static str, &'static str)| {
            read(env, &[account.as_slice(), &[more]].concat())
        };
        let plain = ("ESKIZ_BASE_URL", "http://127.0.0.1:9000/api/");
        let way = with("test", plain).expect("this machine").way;
        assert!(matches!(way, SmsWay::Eskiz(way) if way.base_url == "http://127.0.0.1:9000"));
        assert!(with("production", plain).is_err());
        for wrong in [
            ("ESKIZ_TIMEOUT", "1m"),
            ("ESKIZ_TIMEOUT", "0s"),
            ("ESKIZ_BASE_URL", "ftp://eskiz.uz"),
            ("SMS_CODES_PER_PHONE", "0"),
            ("SMS_CODES_PER_HOUR", "many"),
        ] {
            assert!(with("test", wrong).is_err(), "{wrong:?}");
        }
    }
}
