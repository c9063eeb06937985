//! The payment providers: one folder per protocol. A method whose code is not here exists as a row only.

mod basic;
pub mod click;
mod from;
mod json_rpc;
pub mod multicard;
pub mod payme;
pub mod paynet;

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
        /// Paynet's web service.
        Paynet = "paynet",
        /// Uzcard, through Multicard.
        Uzcard = "uzcard",
        /// Humo, through Multicard.
        Humo = "humo",
        /// Click's SHOP-API.
        Click = "click",
    }
}

impl Provider {
    /// Where the payer of a deposit goes.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when the deposit cannot be written as the provider's link; `SERVICE_UNAVAILABLE` when a provider
    /// that makes an invoice does not answer.
    pub async fn payment_url(
        self,
        app: &App,
        deposit: &Transaction,
        language: Language,
    ) -> Result<String> {
        match self {
            Self::Payme => payme::link(app, deposit, language),
            Self::Paynet => paynet::link(app, deposit),
            Self::Uzcard | Self::Humo => {
                multicard::checkout_url(app, deposit, self, language).await
            }
            Self::Click => Ok(click::link(app, deposit)),
        }
    }
}
