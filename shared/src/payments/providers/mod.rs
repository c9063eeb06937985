//! The payment providers: one folder per protocol. A method whose code is not here exists as a row only.

pub mod click;
pub mod payme;

use crate::App;
use crate::error::Result;
use crate::language::Language;
use crate::payments::Transaction;
use crate::text_enum::text_enum;

text_enum! {
    /// A provider that is wired.
    Provider {
        /// Payme's Merchant API.
        Payme = "payme",
        /// Click's SHOP-API.
        Click = "click",
    }
}

impl Provider {
    /// Where the payer of a deposit goes.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when the deposit cannot be written as the provider's link.
    #[expect(clippy::unused_async, reason = "the providers that make an invoice are asked for it")]
    pub async fn payment_url(
        self,
        app: &App,
        deposit: &Transaction,
        language: Language,
    ) -> Result<String> {
        match self {
            Self::Payme => payme::link(app, deposit, language),
            Self::Click => Ok(click::link(app, deposit)),
        }
    }
}
