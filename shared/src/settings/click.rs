//! Click's SHOP-API.

use super::vars::Vars;
use super::{Secret, SettingsError};

/// Click's SHOP-API.
#[derive(Clone, Debug)]
pub struct ClickSettings {
    /// `CLICK_SERVICE_ID`: the number of our service, in links and in every call.
    pub service_id: String,
    /// `CLICK_MERCHANT_ID`: our number in links.
    pub merchant_id: String,
    /// `CLICK_SECRET_KEY`: what calls are signed with.
    pub secret_key: Secret,
    /// `CLICK_SECRET_KEY_PREVIOUS`: accepted too while a key is being changed.
    pub previous_key: Option<Secret>,
    /// `CLICK_CHECKOUT_URL` (`https://my.click.uz/services/pay/`): the payment button's page.
    pub checkout_url: String,
}

pub(super) fn click(vars: &Vars) -> Result<ClickSettings, SettingsError> {
    let number = |name: &'static str, development: &str| {
        let text = vars.required(name, development)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { Ok(text) } else { Err(SettingsError::new(name, "must be a number of Click's")) }
    };
    Ok(ClickSettings {
        service_id: number("CLICK_SERVICE_ID", "10001")?,
        merchant_id: number("CLICK_MERCHANT_ID", "20001")?,
        secret_key: vars.secret("CLICK_SECRET_KEY", 8, "sandbox-click-key")?,
        previous_key: vars.get("CLICK_SECRET_KEY_PREVIOUS").map(Secret::new),
        checkout_url: vars.text("CLICK_CHECKOUT_URL", "https://my.click.uz/services/pay/"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_ids_are_numbers_and_production_says_them() {
        let read = |env: &str, service_id: &str| {
            let vars = [("APP_ENV", env), ("CLICK_SERVICE_ID", service_id)];
            let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
            click(&Vars::new(HashMap::from(vars))?)
        };
        assert_eq!(read("test", "").expect("a default").service_id, "10001");
        assert_eq!(read("test", "77").expect("a number").service_id, "77");
        assert!(read("test", "77a").is_err());
        assert!(read("production", "77").is_err(), "the key is missing");
    }
}
