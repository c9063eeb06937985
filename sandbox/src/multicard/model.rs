//! What Multicard keeps: invoices, the payments for them, and payouts to cards.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where a payment or a payout stands, in Multicard's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has paid, or the payout waits for its one-time code.
    Draft,
    /// The card's bank is at it.
    Progress,
    /// Debited; the platform is being told.
    Billing,
    /// Done.
    Success,
    /// Refused; no money has moved.
    Error,
    /// Given back.
    Revert,
}

impl Status {
    /// The word that Multicard uses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Progress => "progress",
            Self::Billing => "billing",
            Self::Success => "success",
            Self::Error => "error",
            Self::Revert => "revert",
        }
    }
}

/// The network of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Numbers that start with 8600 or 5614.
    Uzcard,
    /// Numbers that start with 9860.
    Humo,
}

impl Network {
    /// The word that Multicard uses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Uzcard => "uzcard",
            Self::Humo => "humo",
        }
    }
}

/// A card, as much of it as anybody keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Six digits, stars, four digits.
    pub masked: String,
    /// What stands for the number.
    pub token: String,
    /// The network.
    pub network: Network,
}

/// Multicard's own sandbox card, an Uzcard.
pub const SANDBOX_UZCARD: &str = "8600533364098829";
/// A made-up Humo card.
pub const SANDBOX_HUMO: &str = "9860000011112222";

impl Card {
    /// Reads a card number of sixteen digits, with or without spaces.
    #[must_use]
    pub fn read(number: &str) -> Option<Self> {
        let digits: String = number.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() != 16 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let network = match &digits[..4] {
            "8600" | "5614" => Network::Uzcard,
            "9860" => Network::Humo,
            _ => return None,
        };
        let masked = format!("{}******{}", &digits[..6], &digits[12..]);
        let token = crate::signatures::md5(&["token of ", &digits])[..24].to_owned();
        Some(Self { masked, token, network })
    }

    /// The card behind a token that we never gave out: some Uzcard.
    pub(crate) fn behind(token: &str) -> Self {
        let known = [SANDBOX_UZCARD, SANDBOX_HUMO].into_iter().filter_map(Self::read);
        let masked = "860000******0000".to_owned();
        known.into_iter().find(|card| card.token == token).unwrap_or_else(|| Self {
            masked,
            token: token.to_owned(),
            network: Network::Uzcard,
        })
    }
}

/// A request to be paid, with its page.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// Multicard's id; its first payment has the same.
    pub uuid: String,
    /// The platform's id.
    pub invoice_id: String,
    /// Tiyin.
    pub amount: i64,
    /// Where the platform wants to be told.
    pub callback_url: String,
    /// Where the payer goes afterwards.
    pub return_url: Option<String>,
    /// Where the payer goes after a refusal; `return_url` when absent.
    pub return_error_url: Option<String>,
    /// The page's language.
    pub lang: String,
    /// When it was made, as Multicard writes it.
    pub added_on: String,
    /// Whether the platform has withdrawn it.
    pub deleted: bool,
    pub(crate) expires: DateTime<FixedOffset>,
    pub(crate) ofd: Value,
}

impl Invoice {
    /// As the API shows it.
    pub(crate) fn show(&self, sandbox: &str, store: &Value, payment: &Payment) -> Value {
        let checkout = format!("{sandbox}/multicard/invoice/{}", self.uuid);
        json!({
            "uuid": self.uuid,
            "store_id": store,
            "amount": self.amount,
            "invoice_id": self.invoice_id,
            "callback_url": self.callback_url,
            "return_url": self.return_url,
            "return_error_url": self.return_error_url,
            "ofd": self.ofd,
            "split": null,
            "sms": null,
            "payment": payment.show(store),
            "checkout_url": checkout,
            "short_link": checkout,
            "deeplink": checkout,
            "added_on": self.added_on,
            "updated_on": payment.updated_on,
        })
    }
}

/// An attempt to pay an invoice.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Multicard's id.
    pub uuid: String,
    /// Multicard's number.
    pub id: u64,
    /// The invoice it is for.
    pub invoice_uuid: String,
    /// The platform's id.
    pub invoice_id: String,
    /// Tiyin.
    pub amount: i64,
    /// Tiyin that were given back.
    pub refunded: i64,
    /// Where it stands.
    pub status: Status,
    /// The payer's card.
    pub card: Option<Card>,
    /// When it was paid, as Multicard writes it.
    pub payment_time: Option<String>,
    /// When it was given back.
    pub refund_time: Option<String>,
    /// What the platform said to the callback, when it did not take it.
    pub callback_message: Option<String>,
    /// When it was made.
    pub added_on: String,
    pub(crate) updated_on: String,
    pub(crate) callback_url: String,
}

impl Payment {
    /// As the API shows it.
    pub(crate) fn show(&self, store: &Value) -> Value {
        let card = self.card.as_ref();
        json!({
            "id": self.id,
            "uuid": self.uuid,
            "store_id": store,
            "store_invoice_id": self.invoice_id,
            "payment_amount": self.amount,
            "commission_amount": 0,
            "commission_type": "down",
            "total_amount": self.amount,
            "refund_amount": self.refunded,
            "status": self.status.word(),
            "callback_url": self.callback_url,
            "callback_message": self.callback_message,
            "billing_id": null,
            "phone": card.map(|_| "998901234567"),
            "ps": card.map(|card| card.network.word()),
            "card_pan": card.map(|card| &card.masked),
            "card_token": card.map(|card| &card.token),
            "payment_time": self.payment_time,
            "refund_time": self.refund_time,
            "ps_uniq_id": card.map(|_| format!("{:012}", self.id)),
            "otp_hash": null,
            "receipt_url": null,
            "checkout_url": null,
            "added_on": self.added_on,
        })
    }
}

/// How a payout ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The card was credited.
    Success,
    /// It was not, and never will be.
    Error,
}

/// Money sent to a card.
#[derive(Clone, Debug)]
pub struct Payout {
    /// Multicard's id.
    pub uuid: String,
    /// Multicard's number.
    pub id: u64,
    /// The platform's id.
    pub invoice_id: String,
    /// Tiyin.
    pub amount: i64,
    /// Where it stands.
    pub status: Status,
    /// The card that gets it.
    pub card: Card,
    /// How often the platform has asked for it, by its id or through the history.
    pub asked: u32,
    /// When it was accepted, as Multicard writes it.
    pub added_on: String,
    /// When the card was credited.
    pub payment_time: Option<String>,
    /// Why it was refused.
    pub refusal: Option<String>,
    pub(crate) fate: Fate,
}

/// When and how a payout ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// As soon as it is confirmed.
    AtOnce(End),
    /// When it has been asked for so often.
    AfterAsks(u32, End),
    /// Only when somebody says so.
    Waits,
}

impl Payout {
    /// As the API shows it.
    pub(crate) fn show(&self, store: &Value) -> Value {
        let confirms = self.status == Status::Draft;
        json!({
            "id": self.id,
            "uuid": self.uuid,
            "store_id": store,
            "store_invoice_id": self.invoice_id,
            "invoice_id": self.invoice_id,
            "amount": self.amount,
            "payment_amount": self.amount,
            "commission_amount": 0,
            "commission_type": "up",
            "total_amount": self.amount,
            "status": self.status.word(),
            "ps": self.card.network.word(),
            "card_pan": self.card.masked,
            "card_token": self.card.token,
            "payment_time": self.payment_time,
            "refund_time": null,
            "ps_uniq_id": self.payment_time.as_ref().map(|_| format!("{:012}", self.id)),
            "ps_response_msg": self.refusal,
            "otp_hash": confirms.then(|| crate::signatures::md5(&["otp of ", &self.uuid])),
            "added_on": self.added_on,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Card, Network, SANDBOX_HUMO, SANDBOX_UZCARD};

    #[test]
    fn a_card_is_known_by_its_first_digits_and_kept_without_its_number() {
        let card = Card::read("8600 5333 6409 8829").expect("an Uzcard");
        assert_eq!((card.masked.as_str(), card.network), ("860053******8829", Network::Uzcard));
        assert_eq!(card.token.len(), 24);
        assert_eq!(Card::behind(&card.token), card);
        assert_eq!(Card::read(SANDBOX_HUMO).map(|card| card.network), Some(Network::Humo));
        assert_ne!(Card::read(SANDBOX_UZCARD), Card::read(SANDBOX_HUMO));
        for number in ["", "8600", "4111111111111111", "860053336409882x", "86005333640988290"] {
            assert_eq!(Card::read(number), None, "{number}");
        }
    }
}
