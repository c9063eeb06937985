//! The way out: a mail server, or a folder of `.eml` files.

use lettre::{AsyncFileTransport, AsyncTransport as _, Tokio1Executor};

use super::Letter;
use super::message::Sender;
use super::smtp::Smtp;
use crate::error::{Error, Result};
use crate::settings::MailSettings;

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    /// The server has taken it.
    Accepted,
    /// Nobody will ever take it, for this reason: no retry changes that.
    Refused(String),
}

enum Transport {
    Files(AsyncFileTransport<Tokio1Executor>),
    Smtp(Smtp),
}

/// Sends letters.
pub struct Mailer {
    sender: Sender,
    transport: Transport,
}

impl Mailer {
    /// Prepares the way out that the settings name; connects to nothing yet.
    ///
    /// # Errors
    /// An address or a server name that cannot be used.
    pub fn new(settings: &MailSettings) -> Result<Self> {
        let from = settings.from.parse().map_err(Error::internal)?;
        let reply_to = settings.reply_to.as_deref().map(str::parse).transpose();
        let reply_to = reply_to.map_err(Error::internal)?;
        let transport = match &settings.dir {
            Some(dir) => {
                std::fs::create_dir_all(dir).map_err(Error::internal)?;
                Transport::Files(AsyncFileTransport::new(dir))
            }
            None => Transport::Smtp(Smtp::new(settings)?),
        };
        Ok(Self { sender: Sender { from, reply_to }, transport })
    }

    /// Sends one letter under the Message-ID of its permanent reference.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` for whatever passes: the server is away, slow or full, asks to come back later, or does not
    /// let us in (which is for us to put right, and no fault of the letter).
    pub async fn send(&self, letter: &Letter, reference: &str) -> Result<Delivery> {
        let message = match self.sender.compose(letter, reference) {
            Ok(message) => message,
            Err(problem) => return Ok(Delivery::Refused(problem)),
        };
        match &self.transport {
            Transport::Files(files) => {
                files.send(message).await.map_err(Error::unavailable)?;
                Ok(Delivery::Accepted)
            }
            Transport::Smtp(smtp) => smtp.send(&message).await,
        }
    }
}
