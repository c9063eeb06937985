//! The signatures of callbacks. Multicard chose MD5 and SHA-1; what they do not cover is confirmed by a question.

use md5::Md5;
use sha1::Sha1;
use sha2::Digest as _;
use subtle::ConstantTimeEq as _;

/// Of the success callback: of store, invoice and amount, as they came.
pub(super) fn of_success(store: &str, invoice: &str, amount: &str, secret: &str) -> String {
    hex(&Md5::digest(format!("{store}{invoice}{amount}{secret}")))
}

/// Of the webhooks mode: of payment, invoice and amount, as they came.
pub(super) fn of_webhook(uuid: &str, invoice: &str, amount: &str, secret: &str) -> String {
    hex(&Sha1::digest(format!("{uuid}{invoice}{amount}{secret}")))
}

/// Compares without telling by its time how much is right.
pub(super) fn is_same(sent: &str, right: &str) -> bool {
    sent.to_ascii_lowercase().as_bytes().ct_eq(right.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Providers study, section 9.
    #[test]
    fn signatures_are_multicards() {
        let success = of_success("6", "order-77", "100000", "mcSecret01");
        assert_eq!(success, "526f2cacd74885184003b6d88a422281");
        let uuid = "3f6d1c9e-0d5d-4c1f-8a8e-2f7a0c1d2e3f";
        let webhook = of_webhook(uuid, "order-77", "100000", "mcSecret01");
        assert_eq!(webhook, "7af7e3681667206aee2141d9dc7b7139b3efd7a6");
        assert!(is_same(&success.to_uppercase(), &success));
        for other in ["", "526f2cacd74885184003b6d88a422280", &webhook] {
            assert!(!is_same(other, &success), "{other}");
        }
    }
}
