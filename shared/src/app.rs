//! What every process hands to commands, queries and jobs.

use crate::Db;
use crate::accounts::Google;
use crate::error::Result;
use crate::limits::Limiter;
use crate::mail::Mailer;
use crate::payments::providers::click::ClickApi;
use crate::payments::providers::multicard::Multicard;
use crate::security::{Passwords, Tokens, Vault};
use crate::settings::Settings;
use crate::sms::SmsSender;
use crate::storage::Storage;
use crate::uploads::Images;

/// The platform inside one process. Cheap to share behind an `Arc`.
pub struct App {
    /// What the process was told.
    pub settings: Settings,
    /// The database.
    pub db: Db,
    /// Opens and seals game-account credentials.
    pub vault: Vault,
    /// Opens and seals card numbers, under a key of their own.
    pub cards: Vault,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// Makes and reads tokens.
    pub tokens: Tokens,
    /// Counts how often somebody asks.
    pub limits: Limiter,
    /// Sends mail.
    pub mailer: Mailer,
    /// Where uploads lie.
    pub storage: Storage,
    /// Decodes what people send, few at a time.
    pub images: Images,
    /// Sends SMS.
    pub sms: SmsSender,
    /// Speaks to Multicard.
    pub multicard: Multicard,
    /// Asks Google who somebody is.
    pub google: Google,
    /// Asks Click; none where Click has not opened its Merchant API to us.
    pub click: Option<ClickApi>,
}

impl App {
    /// Builds the platform from its settings; connects to nothing yet.
    ///
    /// # Errors
    /// A key or an address that cannot be used.
    pub fn new(settings: Settings) -> Result<Self> {
        Ok(Self {
            db: Db::connect(&settings.database)?,
            vault: Vault::new(&settings.security)?,
            cards: Vault::for_cards(&settings.security)?,
            passwords: Passwords::new()?,
            tokens: Tokens::new(&settings.security),
            limits: Limiter::new(&settings.redis, &settings.limits)?,
            mailer: Mailer::new(&settings.mail)?,
            storage: Storage::new(&settings.storage, &settings.http.public_url)?,
            images: Images::new(),
            sms: SmsSender::new(&settings.sms)?,
            multicard: Multicard::new(&settings.multicard)?,
            google: Google::new(&settings.google)?,
            click: ClickApi::new(&settings.click)?,
            settings,
        })
    }
}
