//! Outgoing mail: where it goes, and how the line is protected.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::vars::{Secret, Vars};
use super::{AppEnv, SettingsError};

/// Outgoing mail.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `MAIL_DIR`: mails become `.eml` files here; development's default is `.local/mail`. Unset in production.
    pub dir: Option<PathBuf>,
    /// `EMAIL_HOST` (localhost).
    pub host: String,
    /// `EMAIL_PORT` (587; 465 with `EMAIL_USE_SSL`).
    pub port: u16,
    /// `EMAIL_USE_TLS` (on unless `EMAIL_HOST` is this machine) and `EMAIL_USE_SSL` (off).
    pub protection: Protection,
    /// `EMAIL_HOST_USER`.
    pub user: Option<String>,
    /// `EMAIL_HOST_PASSWORD`.
    pub password: Option<Secret>,
    /// `EMAIL_POOL_SIZE` (8): connections that one process keeps to the mail server, at most.
    pub pool_size: usize,
    /// `EMAIL_TIMEOUT` (20s): one letter takes at most this long, connecting included.
    pub timeout: Duration,
    /// `DEFAULT_FROM_EMAIL` (`WibeStore <noreply@wibestore.uz>`).
    pub from: String,
    /// `EMAIL_REPLY_TO`: who reads the answers.
    pub reply_to: Option<String>,
}

/// How the line to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all. Production admits it only inside one machine.
    Plain,
    /// The connection turns to TLS before anything is said (`EMAIL_USE_TLS`), or nothing is said.
    StartTls,
    /// TLS from the first byte (`EMAIL_USE_SSL`).
    Tls,
}

/// A job of the mail queue may run for 30 seconds, and has a little more to do than to send.
const TIMEOUT_MAX: Duration = Duration::from_secs(25);

pub(super) fn mail(vars: &Vars) -> Result<MailSettings, SettingsError> {
    let host = vars.required("EMAIL_HOST", "localhost")?;
    let protection = protection(vars, &host)?;
    let port = if protection == Protection::Tls { 465 } else { 587 };
    let pool_size = vars.parse("EMAIL_POOL_SIZE", 8)?;
    if pool_size == 0 {
        return Err(SettingsError::new("EMAIL_POOL_SIZE", "must be at least 1"));
    }
    let timeout = vars.duration("EMAIL_TIMEOUT", "20s")?;
    if timeout.is_zero() || timeout > TIMEOUT_MAX {
        return Err(SettingsError::new("EMAIL_TIMEOUT", "must be between 1s and 25s"));
    }
    Ok(MailSettings {
        dir: dir(vars)?,
        host,
        port: vars.parse("EMAIL_PORT", port)?,
        protection,
        user: vars.get("EMAIL_HOST_USER").map(str::to_owned),
        password: vars.get("EMAIL_HOST_PASSWORD").map(Secret::new),
        pool_size,
        timeout,
        from: vars.text("DEFAULT_FROM_EMAIL", "WibeStore <noreply@wibestore.uz>"),
        reply_to: vars.get("EMAIL_REPLY_TO").map(str::to_owned),
    })
}

fn dir(vars: &Vars) -> Result<Option<PathBuf>, SettingsError> {
    match (vars.get("MAIL_DIR"), vars.env) {
        (Some(_), AppEnv::Production) => Err(SettingsError::new(
            "MAIL_DIR",
            "must not be set in production: mail would go to files",
        )),
        (None, AppEnv::Production) => Ok(None),
        (Some(dir), AppEnv::Development | AppEnv::Test) => Ok(Some(PathBuf::from(dir))),
        (None, AppEnv::Development | AppEnv::Test) => {
            let server = vars.get("EMAIL_HOST");
            Ok(server.is_none().then(|| PathBuf::from(".local/mail")))
        }
    }
}

fn protection(vars: &Vars, host: &str) -> Result<Protection, SettingsError> {
    let near = is_this_machine(host);
    let ssl = vars.flag("EMAIL_USE_SSL", false)?;
    let starttls = vars.flag("EMAIL_USE_TLS", !near && !ssl)?;
    match (ssl, starttls) {
        (true, true) => {
            Err(SettingsError::new("EMAIL_USE_TLS", "and EMAIL_USE_SSL must not both be on"))
        }
        (true, false) => Ok(Protection::Tls),
        (false, true) => Ok(Protection::StartTls),
        (false, false) if vars.env == AppEnv::Production && !near => Err(SettingsError::new(
            "EMAIL_USE_TLS",
            "must be on in production unless EMAIL_HOST is this machine",
        )),
        (false, false) => Ok(Protection::Plain),
    }
}

/// Whether a host name or an address means this machine.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(env: &str, values: &[(&str, &str)]) -> Result<MailSettings, String> {
        let values = [("APP_ENV", env)].into_iter().chain(values.iter().copied());
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let vars = Vars::new(values).expect("an environment");
        mail(&vars).map_err(|error| error.to_string())
    }

    fn protection_of(env: &str, values: &[(&str, &str)]) -> Result<(Protection, u16), String> {
        read(env, values).map(|settings| (settings.protection, settings.port))
    }

    #[test]
    fn the_line_is_protected_unless_it_stays_inside_one_machine() {
        use Protection::{Plain, StartTls, Tls};
        for env in ["development", "test", "production"] {
            for near in ["localhost", "127.0.0.1", "::1", "127.8.8.8"] {
                assert_eq!(protection_of(env, &[("EMAIL_HOST", near)]), Ok((Plain, 587)), "{near}");
            }
            for far in ["smtp.gmail.com", "10.0.0.5", "localhost.evil.uz", "8.8.8.8"] {
                assert_eq!(protection_of(env, &[("EMAIL_HOST", far)]), Ok((StartTls, 587)));
            }
            let ssl = [("EMAIL_HOST", "smtp.gmail.com"), ("EMAIL_USE_SSL", "True")];
            assert_eq!(protection_of(env, &ssl), Ok((Tls, 465)));
            let near = [("EMAIL_HOST", "localhost"), ("EMAIL_USE_TLS", "true")];
            assert_eq!(protection_of(env, &near), Ok((StartTls, 587)));
            let both =
                [("EMAIL_HOST", "smtp.gmail.com"), ("EMAIL_USE_SSL", "1"), ("EMAIL_USE_TLS", "1")];
            assert!(protection_of(env, &both).is_err());
        }
    }

    #[test]
    fn production_sends_nothing_in_the_clear_and_nothing_to_files() {
        let plain = [("EMAIL_HOST", "smtp.gmail.com"), ("EMAIL_USE_TLS", "False")];
        assert_eq!(protection_of("development", &plain), Ok((Protection::Plain, 587)));
        let refused = protection_of("production", &plain).expect_err("in the clear");
        assert!(refused.starts_with("EMAIL_USE_TLS must be on"), "{refused}");
        let files = [("EMAIL_HOST", "smtp.gmail.com"), ("MAIL_DIR", "/tmp/mail")];
        assert!(read("production", &files).is_err());
        assert!(read("production", &[]).is_err(), "a server must be named");
    }

    #[test]
    fn mail_goes_to_files_until_a_server_is_named() {
        let dir = |values: &[(&str, &str)]| read("development", values).expect("valid").dir;
        assert_eq!(dir(&[]), Some(PathBuf::from(".local/mail")));
        assert_eq!(dir(&[("EMAIL_HOST", "localhost")]), None);
        let both = [("EMAIL_HOST", "localhost"), ("MAIL_DIR", "/tmp/mail")];
        assert_eq!(dir(&both), Some(PathBuf::from("/tmp/mail")));
    }
}
