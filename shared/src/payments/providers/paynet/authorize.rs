//! Who is asking: HTTP Basic, with the login and the password that we gave to Paynet.

use crate::payments::providers::basic;
use crate::settings::PaynetSettings;

/// Whether the header carries our login with a live password.
pub(super) fn is_paynet(settings: &PaynetSettings, authorization: Option<&str>) -> bool {
    basic::carries(
        authorization,
        &settings.login,
        &settings.password,
        settings.previous_password.as_ref(),
    )
}

#[cfg(test)]
mod tests {
    use super::is_paynet;
    use crate::settings::{PaynetSettings, Secret};

    fn settings(previous: Option<&str>) -> PaynetSettings {
        PaynetSettings {
            service_id: String::new(),
            login: "paynet_user".to_owned(),
            password: Secret::new("paynet_pass"),
            previous_password: previous.map(Secret::new),
            checkout_url: String::new(),
            cancel_replay_refused: false,
        }
    }

    /// Providers study, section 9.
    #[test]
    fn only_our_login_with_a_live_password_is_paynet() {
        let right = "Basic cGF5bmV0X3VzZXI6cGF5bmV0X3Bhc3M=";
        let old = "Basic cGF5bmV0X3VzZXI6b2xk";
        assert!(is_paynet(&settings(None), Some(right)));
        assert!(is_paynet(&settings(None), Some(&right.replace("Basic", "BASIC"))));
        assert!(!is_paynet(&settings(None), Some(old)));
        assert!(is_paynet(&settings(Some("old")), Some(old)), "the password before the rotation");
        assert!(is_paynet(&settings(Some("old")), Some(right)), "the password after it");
        for header in [
            None,
            Some(""),
            Some("Basic"),
            Some("Basic Og=="),
            Some("Basic %%%"),
            Some("Bearer cGF5bmV0X3VzZXI6cGF5bmV0X3Bhc3M="),
        ] {
            assert!(!is_paynet(&settings(Some("old")), header), "{header:?}");
        }
    }
}
