//! Who is asking: HTTP Basic, `Paycom` and the cash desk's key.

use crate::payments::providers::basic;
use crate::settings::PaymeSettings;

/// Payme's login, the same for every merchant.
const LOGIN: &str = "Paycom";

/// Whether the header carries one of the live keys.
pub(super) fn is_payme(settings: &PaymeSettings, authorization: Option<&str>) -> bool {
    basic::carries(authorization, LOGIN, &settings.secret_key, settings.previous_key.as_ref())
}

#[cfg(test)]
mod tests {
    use super::is_payme;
    use crate::settings::{PaymeSettings, Secret};

    fn settings(previous: Option<&str>) -> PaymeSettings {
        PaymeSettings {
            merchant_id: String::new(),
            secret_key: Secret::new("TESTKEY0123456789abcdefghijklmnopqrs".to_owned()),
            previous_key: previous.map(|key| Secret::new(key.to_owned())),
            checkout_url: String::new(),
            busy_code: -31_099,
        }
    }

    /// Providers study, section 9.
    #[test]
    fn only_paycom_with_a_live_key_is_payme() {
        let right = "Basic UGF5Y29tOlRFU1RLRVkwMTIzNDU2Nzg5YWJjZGVmZ2hpamtsbW5vcHFycw==";
        let wrong = "Basic UGF5Y29tOndyb25n";
        assert!(is_payme(&settings(None), Some(right)));
        assert!(is_payme(&settings(None), Some(right.trim_end_matches('='))));
        assert!(is_payme(&settings(None), Some(&right.replace("Basic", "basic"))));
        assert!(!is_payme(&settings(None), Some(wrong)));
        assert!(is_payme(&settings(Some("wrong")), Some(wrong)), "the key before the rotation");
        assert!(is_payme(&settings(Some("wrong")), Some(right)), "the key after it");
        for header in [
            None,
            Some(""),
            Some("Basic"),
            Some("Basic "),
            Some("Bearer UGF5Y29tOlRFU1RLRVkwMTIzNDU2Nzg5YWJjZGVmZ2hpamtsbW5vcHFycw=="),
            Some("Basic %%%"),
        ] {
            assert!(!is_payme(&settings(None), header), "{header:?}");
        }
    }
}
