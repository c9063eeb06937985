//! Who is calling: Click signs with the service's secret key.
//!
//! The provider imposes MD5 over strings without separators (providers study, section 2.1); what makes up for it is that
//! every field has a fixed shape, and that the order, its payment and their amount must agree.

use md5::{Digest as _, Md5};
use subtle::{Choice, ConstantTimeEq as _};

use crate::settings::{ClickSettings, Secret};

/// The fields that are signed, exactly as they came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub click_trans_id: &'a str,
    pub service_id: &'a str,
    pub merchant_trans_id: &'a str,
    /// Empty in a Prepare, which does not sign it.
    pub merchant_prepare_id: &'a str,
    pub amount: &'a str,
    pub action: &'a str,
    pub sign_time: &'a str,
}

impl Signed<'_> {
    /// Whether one of the live keys made this signature. The time it takes tells nothing about how much of it was right.
    pub(super) fn is_by_click(&self, settings: &ClickSettings, sign_string: &str) -> bool {
        let sent = sign_string.to_ascii_lowercase();
        let matches = |key: &Secret| self.digest(key).as_bytes().ct_eq(sent.as_bytes());
        let current = matches(&settings.secret_key);
        let previous = settings.previous_key.as_ref().map_or(Choice::from(0), matches);
        (current | previous).into()
    }

    /// 32 lower-case hexadecimal digits.
    fn digest(&self, key: &Secret) -> String {
        let mut hasher = Md5::new();
        for part in [
            self.click_trans_id,
            self.service_id,
            key.expose(),
            self.merchant_trans_id,
            self.merchant_prepare_id,
            self.amount,
            self.action,
            self.sign_time,
        ] {
            hasher.update(part.as_bytes());
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Signed;
    use crate::settings::{ClickSettings, Secret};

    fn settings(key: &str, previous: Option<&str>) -> ClickSettings {
        ClickSettings {
            service_id: "12345".to_owned(),
            merchant_id: String::new(),
            secret_key: Secret::new(key),
            previous_key: previous.map(Secret::new),
            checkout_url: String::new(),
            api: None,
        }
    }

    const PREPARE: Signed<'_> = Signed {
        click_trans_id: "2100000000",
        service_id: "12345",
        merchant_trans_id: "order-77",
        merchant_prepare_id: "",
        amount: "1000",
        action: "0",
        sign_time: "2026-10-08 12:00:00",
    };

    const COMPLETE: Signed<'_> = Signed {
        merchant_prepare_id: "901",
        action: "1",
        sign_time: "2026-10-08 12:00:05",
        ..PREPARE
    };

    /// Providers study, section 9.
    const VECTORS: [(Signed<'_>, &str); 4] = [
        (PREPARE, "fb45b78290ffab0fa7ded1ebd0786d93"),
        (Signed { amount: "1000.00", ..PREPARE }, "bc79acde1e6e79444f9c83f45bf6a347"),
        (COMPLETE, "7a295416f5b8c0d94f9958afb2c5e7ad"),
        (Signed { amount: "1000.00", ..COMPLETE }, "bcda90355f5ab11fd9de1891c4c29d5c"),
    ];

    #[test]
    fn signatures_are_what_click_documents() {
        let click = settings("clickSecretKey01", None);
        for (signed, digest) in VECTORS {
            assert!(signed.is_by_click(&click, digest), "{signed:?}");
            assert!(signed.is_by_click(&click, &digest.to_uppercase()), "either case");
            for (other, another) in VECTORS {
                assert_eq!(signed.is_by_click(&click, another), digest == another, "{other:?}");
            }
        }
        assert!(
            !COMPLETE.is_by_click(&click, "084a794e89808846500e164cd2bf5506"),
            "a Complete that does not sign its prepare id"
        );
        for wrong in
            ["", "fb45b78290ffab0fa7ded1ebd0786d9", "fb45b78290ffab0fa7ded1ebd0786d934", "\u{212a}"]
        {
            assert!(!PREPARE.is_by_click(&click, wrong), "{wrong}");
        }
    }

    #[test]
    fn the_key_before_a_rotation_counts_until_it_is_taken_out() {
        let (_, digest) = VECTORS[0];
        assert!(PREPARE.is_by_click(&settings("newSecretKey02", Some("clickSecretKey01")), digest));
        assert!(!PREPARE.is_by_click(&settings("newSecretKey02", None), digest));
        assert!(PREPARE.is_by_click(&settings("clickSecretKey01", Some("older")), digest));
    }
}
