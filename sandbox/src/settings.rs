//! Where the sandbox listens, where the platform is, and the keys that both sides know.

use std::collections::HashMap;
use std::env;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Everything that the sandbox is told.
#[derive(Clone)]
pub struct Settings {
    /// `SANDBOX_LISTEN`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `API_URL`: the platform whose webhooks are called, without a path.
    pub platform: String,
    /// `PAYME_MERCHANT_ID`; unset, any shop's link is opened.
    pub payme_merchant: Option<String>,
    /// `PAYME_SECRET_KEY`.
    pub payme_key: String,
    /// `CLICK_SERVICE_ID`.
    pub click_service: String,
    /// `CLICK_SECRET_KEY`.
    pub click_key: String,
    /// `CLICK_MERCHANT_USER_ID`, for Click's Merchant API; unset, any user with the right digest is let in.
    pub click_user: Option<String>,
    /// `PAYNET_SERVICE_ID`.
    pub paynet_service: String,
    /// `PAYNET_LOGIN`.
    pub paynet_login: String,
    /// `PAYNET_PASSWORD`.
    pub paynet_password: String,
    /// `MULTICARD_STORE_ID`.
    pub multicard_store: String,
    /// `MULTICARD_APPLICATION_ID`.
    pub multicard_application: String,
    /// `MULTICARD_SECRET`.
    pub multicard_secret: String,
    /// The longest page of Multicard's histories, whatever was asked for.
    pub multicard_page_max: usize,
    /// `MULTICARD_CALLBACK_SECRET`; the application's secret when unset.
    pub multicard_callback_secret: Option<String>,
    /// How long a provider waits for a webhook's answer.
    pub patience: Duration,
    /// How long a silent answer lasts before the connection is cut.
    pub silence: Duration,
    /// The pause before Multicard repeats a webhook that was not taken.
    pub redeliver_after: Duration,
}

impl Settings {
    /// The keys of a development platform, on a free port.
    #[must_use]
    pub fn development() -> Self {
        Self::from_vars(&HashMap::new()).unwrap_or_else(|problem| unreachable!("{problem}"))
    }

    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable cannot be read; its value is not in the message.
    pub fn from_env() -> Result<Self, String> {
        Self::from_vars(&env::vars().collect())
    }

    /// Reads these variables; an empty one counts as unset.
    ///
    /// # Errors
    /// When a variable cannot be read; its value is not in the message.
    pub fn from_vars(vars: &HashMap<String, String>) -> Result<Self, String> {
        let optional = |name: &str| vars.get(name).filter(|value| !value.is_empty()).cloned();
        let or = |name: &str, default: &str| optional(name).unwrap_or_else(|| default.to_owned());
        let listen = or("SANDBOX_LISTEN", "127.0.0.1:0");
        let listen: SocketAddr =
            listen.parse().map_err(|error| format!("SANDBOX_LISTEN: {error}"))?;
        Ok(Self {
            listen,
            platform: or("API_URL", "http://127.0.0.1:8000").trim_end_matches('/').to_owned(),
            payme_merchant: optional("PAYME_MERCHANT_ID"),
            payme_key: or("PAYME_SECRET_KEY", "sandbox-payme-key-that-opens-nothing"),
            click_service: or("CLICK_SERVICE_ID", "10001"),
            click_key: or("CLICK_SECRET_KEY", "sandbox-click-key"),
            click_user: optional("CLICK_MERCHANT_USER_ID"),
            paynet_service: or("PAYNET_SERVICE_ID", "30001"),
            paynet_login: or("PAYNET_LOGIN", "sandbox-paynet"),
            paynet_password: or("PAYNET_PASSWORD", "sandbox-paynet-password"),
            multicard_store: or("MULTICARD_STORE_ID", "40001"),
            multicard_application: or("MULTICARD_APPLICATION_ID", "sandbox-multicard"),
            multicard_secret: or("MULTICARD_SECRET", "sandbox-multicard-secret"),
            multicard_page_max: 1_000,
            multicard_callback_secret: optional("MULTICARD_CALLBACK_SECRET"),
            patience: Duration::from_secs(10),
            silence: Duration::from_secs(300),
            redeliver_after: Duration::from_secs(1),
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys are nobody's business, not even a sandbox's.
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Settings;

    #[test]
    fn keys_are_read_and_never_shown() {
        let vars = HashMap::from([
            ("PAYME_SECRET_KEY".to_owned(), "hunter2".to_owned()),
            ("API_URL".to_owned(), "http://127.0.0.1:8000/".to_owned()),
            ("MULTICARD_STORE_ID".to_owned(), String::new()),
        ]);
        let settings = Settings::from_vars(&vars).expect("reads");
        assert_eq!(settings.payme_key, "hunter2");
        assert_eq!(settings.platform, "http://127.0.0.1:8000");
        assert_eq!(settings.multicard_store, "40001");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn a_bad_address_is_refused() {
        let vars = HashMap::from([("SANDBOX_LISTEN".to_owned(), "nowhere".to_owned())]);
        assert!(Settings::from_vars(&vars).expect_err("refused").starts_with("SANDBOX_LISTEN"));
    }
}
