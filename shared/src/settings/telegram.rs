//! Our Telegram bot: what it is known by.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::vars::{Secret, Vars};
use super::{AppEnv, SettingsError};

/// OWASP: a code of six digits lives for ten minutes at most.
const LIFETIME_MAX: u64 = 10;

/// Our Telegram bot.
#[derive(Clone, Debug)]
pub struct TelegramSettings {
    /// `TELEGRAM_BOT_SECRET`: what the bot proves itself with; without one no bot is let in. Development has a sample.
    pub bot_secret: Option<Secret>,
    /// `TELEGRAM_OTP_EXPIRE_MINUTES` (5, at most 10): how long a code that the bot shows works.
    pub code_lifetime: Duration,
}

impl TelegramSettings {
    /// Whether this is the bot's secret. Hashes are compared, so the time it takes tells nothing about it.
    #[must_use]
    pub fn admits(&self, secret: &str) -> bool {
        let given = Sha256::digest(secret.as_bytes());
        self.bot_secret
            .as_ref()
            .is_some_and(|ours| given.ct_eq(&Sha256::digest(ours.expose().as_bytes())).into())
    }
}

pub(super) fn telegram(vars: &Vars) -> Result<TelegramSettings, SettingsError> {
    let name = "TELEGRAM_BOT_SECRET";
    let bot_secret = match (vars.get(name), vars.env) {
        (None, AppEnv::Production) => None,
        (Some(_), _) | (None, AppEnv::Development | AppEnv::Test) => {
            Some(vars.secret(name, 16, "development-bot-secret")?)
        }
    };
    let minutes: u64 = vars.parse("TELEGRAM_OTP_EXPIRE_MINUTES", 5)?;
    if !(1..=LIFETIME_MAX).contains(&minutes) {
        return Err(SettingsError::new("TELEGRAM_OTP_EXPIRE_MINUTES", "must be from 1 to 10"));
    }
    Ok(TelegramSettings { bot_secret, code_lifetime: Duration::from_secs(60 * minutes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(env: &str, values: &[(&str, &str)]) -> Result<TelegramSettings, String> {
        let values = [("APP_ENV", env)].into_iter().chain(values.iter().copied());
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let vars = Vars::new(values).expect("an environment");
        telegram(&vars).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_secret_no_bot_is_let_in() {
        let none = read("production", &[]).expect("valid");
        for guess in ["", "development-bot-secret"] {
            assert!(!none.admits(guess), "{guess:?}");
        }
        let secret = "0123456789abcdefghijk";
        let some = read("production", &[("TELEGRAM_BOT_SECRET", secret)]).expect("valid");
        assert!(some.admits(secret));
        for guess in ["", "0123456789abcdefghij", "0123456789abcdefghijkl"] {
            assert!(!some.admits(guess), "{guess:?}");
        }
        assert!(read("development", &[]).expect("valid").admits("development-bot-secret"));
        for sample in ["short", "development-bot-secret"] {
            assert!(read("production", &[("TELEGRAM_BOT_SECRET", sample)]).is_err(), "{sample}");
        }
        for minutes in ["0", "11", "x"] {
            assert!(read("test", &[("TELEGRAM_OTP_EXPIRE_MINUTES", minutes)]).is_err());
        }
    }
}
