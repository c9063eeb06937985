//! The way out: a provider, a folder, or none.

use std::path::PathBuf;

use super::eskiz::Eskiz;
use super::files;
use crate::error::{Error, Result};
use crate::settings::{SmsSettings, SmsWay};
use crate::telemetry::metrics;
use crate::text_enum::text_enum;

text_enum! {
    /// How a message reaches a person.
    Channel {
        /// Their phone's operator.
        Sms = "sms",
        /// Our bot shows it; only on a developer's machine is it written down.
        Telegram = "telegram",
    }
}

/// A message to a phone. Not for logs: its text may be a key.
#[derive(Clone)]
pub struct Sms {
    /// `+998XXXXXXXXX`.
    pub to: String,
    /// What it says.
    pub text: String,
    /// Its permanent name.
    pub reference: String,
    /// How it travels.
    pub channel: Channel,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    /// The provider has taken it.
    Accepted,
    /// Nobody will ever take it, for this reason: no retry changes that.
    Refused(String),
}

enum Way {
    Files(PathBuf),
    Eskiz(Box<Eskiz>),
    Off,
}

/// Sends messages.
pub struct SmsSender(Way);

impl SmsSender {
    /// Prepares the way out that the settings name; connects to nothing yet.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(settings: &SmsSettings) -> Result<Self> {
        Ok(Self(match &settings.way {
            SmsWay::Files(dir) => Way::Files(dir.clone()),
            SmsWay::Eskiz(settings) => Way::Eskiz(Box::new(Eskiz::new(settings)?)),
            SmsWay::Off => Way::Off,
        }))
    }

    /// Whether messages are only written down, on a developer's machine.
    #[must_use]
    pub fn is_files(&self) -> bool {
        matches!(self.0, Way::Files(_))
    }

    /// Whether there is no way out.
    #[must_use]
    pub fn is_off(&self) -> bool {
        matches!(self.0, Way::Off)
    }

    /// Sends one message.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` for whatever passes: the provider is away, slow or out of money, or does not let us in
    /// (which is for us to put right, and no fault of the message).
    pub async fn send(&self, sms: &Sms) -> Result<Delivery> {
        let sent = match &self.0 {
            Way::Files(dir) => files::write(dir, sms).await,
            Way::Eskiz(eskiz) => eskiz.send(sms).await,
            Way::Off => Err(Error::unavailable("no SMS provider is set up")),
        };
        let outcome = match &sent {
            Ok(Delivery::Accepted) => "sent",
            Ok(Delivery::Refused(_)) => "refused",
            Err(_) => "unanswered",
        };
        metrics::SMS_MESSAGES.with_label_values(&[outcome]).inc();
        sent
    }
}
