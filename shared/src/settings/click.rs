//! Click's SHOP-API, which calls us, and its Merchant API, which we call.

use std::time::Duration;

use super::outside;
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
    /// Click's Merchant API; none where Click has not opened it to us.
    pub api: Option<ClickApiSettings>,
}

/// Click's Merchant API: what became of a payment, and its reversal.
#[derive(Clone, Debug)]
pub struct ClickApiSettings {
    /// `CLICK_MERCHANT_USER_ID`: who asks; `CLICK_SECRET_KEY` proves it. Unset: Click is not asked.
    pub user_id: String,
    /// `CLICK_API_URL` (`https://api.click.uz/v2/merchant`).
    pub base_url: String,
    /// `CLICK_TIMEOUT` (4s, at most 5s): of one call, connecting included.
    pub timeout: Duration,
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
        api: api(vars)?,
    })
}

fn api(vars: &Vars) -> Result<Option<ClickApiSettings>, SettingsError> {
    const USER: &str = "CLICK_MERCHANT_USER_ID";
    let base_url = outside::base_url(vars, "CLICK_API_URL", "https://api.click.uz/v2/merchant")?;
    let timeout = outside::timeout(vars, "CLICK_TIMEOUT")?;
    let Some(user_id) = vars.get(USER) else { return Ok(None) };
    if !user_id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SettingsError::new(USER, "must be a number of Click's"));
    }
    Ok(Some(ClickApiSettings { user_id: user_id.to_owned(), base_url, timeout }))
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
    #[test]
    fn the_merchant_api_is_asked_where_click_has_opened_it_and_by_tls_in_production() {
        let read = |env: &str, values: &[(&str, &str)]| {
            let values = [("APP_ENV", env)].into_iter().chain(values.iter().copied());
            let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
            api(&Vars::new(values.collect())?)
        };
        assert!(read("test", &[]).expect("may be left out").is_none());
        let user = ("CLICK_MERCHANT_USER_ID", "77");
        let found = read("production", &[user]).expect("whole").expect("is asked");
        assert_eq!(found.base_url, "https://api.click.uz/v2/merchant");
        let plain = ("CLICK_API_URL", "http://127.0.0.1:9000/click/api/");
        let found = read("development", &[user, plain]).expect("whole").expect("is asked");
        assert_eq!(found.base_url, "http://127.0.0.1:9000/click/api");
        assert!(read("production", &[user, plain]).is_err());
        assert!(read("test", &[("CLICK_MERCHANT_USER_ID", "7:7")]).is_err());
        assert!(read("test", &[user, ("CLICK_TIMEOUT", "1m")]).is_err());
    }
}
