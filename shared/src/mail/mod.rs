//! Outgoing mail: SMTP through a pool, or `.eml` files on a developer's machine.

pub mod templates;

use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{
    AsyncFileTransport, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
};

use crate::error::{Error, Result};
use crate::settings::{MailSettings, Secret};

/// One conversation with the mail server takes at most this long.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

/// A mail in its two forms.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The recipient's address.
    pub to: String,
    /// The subject: ours, never a person's text.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML; whatever a person wrote in it is escaped by [`escape`].
    pub html: String,
    /// The fixed reference: a mail that is sent again is the same mail.
    pub reference: String,
}

enum Transport {
    Files(AsyncFileTransport<Tokio1Executor>),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

/// Sends letters.
pub struct Mailer {
    from: Mailbox,
    transport: Transport,
}

impl Mailer {
    /// Prepares the transport the settings name.
    ///
    /// # Errors
    /// An address or a server name that cannot be used.
    pub fn new(settings: &MailSettings) -> Result<Self> {
        let from = settings.from.parse().map_err(Error::internal)?;
        let transport = match &settings.dir {
            Some(dir) => {
                std::fs::create_dir_all(dir).map_err(Error::internal)?;
                Transport::Files(AsyncFileTransport::new(dir))
            }
            None => {
                let mut smtp = AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.host)
                    .map_err(Error::internal)?
                    .port(settings.port)
                    .timeout(Some(SMTP_TIMEOUT));
                if let Some(user) = &settings.user {
                    let password = settings.password.as_ref().map_or("", Secret::expose);
                    smtp = smtp.credentials(Credentials::new(user.clone(), password.to_owned()));
                }
                Transport::Smtp(smtp.build())
            }
        };
        Ok(Self { from, transport })
    }

    /// Sends one letter under its fixed Message-ID.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for what no retry changes (an address that cannot be written to, a permanent refusal);
    /// `SERVICE_UNAVAILABLE` for the rest.
    pub async fn send(&self, letter: &Letter) -> Result<()> {
        let refused = |_| Error::field("email", crate::error::texts::EMAIL);
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(letter.to.parse().map_err(refused)?)
            .subject(letter.subject.clone())
            .message_id(Some(format!("<{}@{domain}>", letter.reference)))
            .multipart(
                MultiPart::alternative()
                    .singlepart(
                        SinglePart::builder()
                            .header(ContentType::TEXT_PLAIN)
                            .body(letter.text.clone()),
                    )
                    .singlepart(
                        SinglePart::builder()
                            .header(ContentType::TEXT_HTML)
                            .body(letter.html.clone()),
                    ),
            )
            .map_err(Error::internal)?;
        match &self.transport {
            Transport::Files(files) => {
                files.send(message).await.map(drop).map_err(Error::unavailable)
            }
            Transport::Smtp(smtp) => match smtp.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => {
                    Err(Error::field("email", crate::error::texts::EMAIL))
                }
                Err(error) => Err(Error::unavailable(error)),
            },
        }
    }
}

/// A person's text inside HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
