//! How each provider signs, from its documentation; the vectors are in the tests below.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha1::Sha1;

/// MD5 of the parts, one after the other, in lower-case hex.
pub(crate) fn md5(parts: &[&str]) -> String {
    hex(&Md5::digest(parts.concat()))
}

/// SHA-1 of the parts, one after the other, in lower-case hex.
pub(crate) fn sha1(parts: &[&str]) -> String {
    hex(&Sha1::digest(parts.concat()))
}

/// The value of an `Authorization` header.
pub(crate) fn basic(login: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{login}:{password}")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{basic, md5, sha1};

    #[test]
    fn click_signs_raw_strings_without_separators() {
        let (payment, service, key, order) =
            ("2100000000", "12345", "clickSecretKey01", "order-77");
        for (rest, expected) in [
            (&["1000", "0", "2026-10-08 12:00:00"][..], "fb45b78290ffab0fa7ded1ebd0786d93"),
            (&["1000.00", "0", "2026-10-08 12:00:00"], "bc79acde1e6e79444f9c83f45bf6a347"),
            (&["901", "1000", "1", "2026-10-08 12:00:05"], "7a295416f5b8c0d94f9958afb2c5e7ad"),
            (&["901", "1000.00", "1", "2026-10-08 12:00:05"], "bcda90355f5ab11fd9de1891c4c29d5c"),
            (&["1000", "1", "2026-10-08 12:00:05"], "084a794e89808846500e164cd2bf5506"),
        ] {
            let parts = [&[payment, service, key, order][..], rest].concat();
            assert_eq!(md5(&parts), expected, "{rest:?}");
        }
        assert_eq!(sha1(&["1519051543", key]), "c9a8f24876da35e7291d73560e7f1ea0fd8dd236");
    }

    #[test]
    fn multicard_signs_its_two_kinds_of_callback_differently() {
        let signed = md5(&["6", "order-77", "100000", "mcSecret01"]);
        assert_eq!(signed, "526f2cacd74885184003b6d88a422281");
        let uuid = "3f6d1c9e-0d5d-4c1f-8a8e-2f7a0c1d2e3f";
        let signed = sha1(&[uuid, "order-77", "100000", "mcSecret01"]);
        assert_eq!(signed, "7af7e3681667206aee2141d9dc7b7139b3efd7a6");
    }

    #[test]
    fn payme_and_paynet_log_in_by_http_basic() {
        assert_eq!(
            basic("Paycom", "TESTKEY0123456789abcdefghijklmnopqrs"),
            "Basic UGF5Y29tOlRFU1RLRVkwMTIzNDU2Nzg5YWJjZGVmZ2hpamtsbW5vcHFycw=="
        );
        assert_eq!(basic("Paycom", "wrong"), "Basic UGF5Y29tOndyb25n");
        assert_eq!(basic("paynet_user", "paynet_pass"), "Basic cGF5bmV0X3VzZXI6cGF5bmV0X3Bhc3M=");
    }
}
