//! A card's number: read, judged, masked, and never shown.

use zeroize::Zeroizing;

use crate::payments::providers::Provider;
use crate::text_enum::text_enum;

/// Digits of a card's number here.
const DIGITS: usize = 16;

text_enum! {
    /// Whose card it is.
    CardType {
        /// Uzcard.
        Uzcard = "uzcard",
        /// Humo.
        Humo = "humo",
        /// Visa: no payouts.
        Visa = "visa",
        /// Mastercard: no payouts.
        Mastercard = "mastercard",
    }
}

impl CardType {
    /// Who pays to such cards; none when nobody does.
    #[must_use]
    pub fn payer(self) -> Option<Provider> {
        match self {
            Self::Uzcard => Some(Provider::Uzcard),
            Self::Humo => Some(Provider::Humo),
            Self::Visa | Self::Mastercard => None,
        }
    }

    /// The network of the first digits. Cards of two networks count as the local one, which pays them out.
    fn of(number: &str) -> Option<Self> {
        let prefix =
            |digits: usize| number.get(..digits).and_then(|first| first.parse::<u32>().ok());
        match (prefix(4)?, prefix(2)?) {
            (8600 | 5614 | 6262, _) => Some(Self::Uzcard),
            (9860, _) => Some(Self::Humo),
            (_, 40..=49) => Some(Self::Visa),
            (2221..=2720, _) | (_, 51..=55) => Some(Self::Mastercard),
            _ => None,
        }
    }
}

/// A card's number that is one: sixteen digits whose last agrees with the others. It has no `Debug` and no `Display`, and
/// leaves no trace in memory.
pub(super) struct CardNumber {
    digits: Zeroizing<String>,
    kind: CardType,
}

impl CardNumber {
    /// Reads a number; none when it is not one, or of no network that is known here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || !has_check_digit(text) {
            return None;
        }
        let kind = CardType::of(text)?;
        Some(Self { digits: Zeroizing::new(text.to_owned()), kind })
    }

    /// Whose card it is.
    pub(super) fn kind(&self) -> CardType {
        self.kind
    }

    /// The digits, for the seal and the fingerprint.
    pub(super) fn expose(&self) -> &str {
        &self.digits
    }

    /// What people see.
    pub(super) fn masked(&self) -> String {
        let part = |range: std::ops::Range<usize>| self.digits.get(range).unwrap_or_default();
        format!("{}••••{}", part(0..6), part(DIGITS - 4..DIGITS))
    }
}

/// Luhn's sum.
fn has_check_digit(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .zip([false, true].into_iter().cycle())
        .map(|(byte, doubled)| match (u32::from(byte.saturating_sub(b'0')), doubled) {
            (digit, false) => digit,
            (digit, true) if digit > 4 => digit * 2 - 9,
            (digit, true) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_card_of_a_known_network_is_read() {
        for (number, kind) in [
            ("8600533364098829", Some(CardType::Uzcard)),
            ("8600495473316478", Some(CardType::Uzcard)),
            ("5614681234567893", Some(CardType::Uzcard)),
            ("9860012345678903", Some(CardType::Humo)),
            ("9860345678901231", Some(CardType::Humo)),
            ("4111111111111111", Some(CardType::Visa)),
            ("5555555555554444", Some(CardType::Mastercard)),
            // One digit wrong, two swapped, too short, too long, and what is no number.
            ("8600533364098828", None),
            ("8600533364098892", None),
            ("860053336409882", None),
            ("86005333640988290", None),
            ("8600 5333 6409 8829", None),
            ("860053336409882x", None),
            ("٨٦٠٠٥٣٣٣٦٤٠٩٨٨٢٩", None),
            ("0000000000000000", None),
            ("1234567812345670", None),
            ("", None),
        ] {
            assert_eq!(CardNumber::parse(number).map(|card| card.kind()), kind, "{number}");
        }
    }

    #[test]
    fn six_first_and_four_last_digits_are_shown() {
        let card = CardNumber::parse("8600533364098829").expect("a card");
        assert_eq!(card.masked(), "860053••••8829");
    }

    #[test]
    fn only_local_cards_are_paid_to() {
        let payable: Vec<_> = CardType::ALL.iter().filter(|kind| kind.payer().is_some()).collect();
        assert_eq!(payable, [&CardType::Uzcard, &CardType::Humo]);
    }
}
