//! Paynet's web service: what we chose for it, and what it calls us.

use super::SettingsError;
use super::vars::{Secret, Vars};

/// Paynet's web service.
#[derive(Clone, Debug)]
pub struct PaynetSettings {
    /// `PAYNET_SERVICE_ID`: the only service that calls are answered for.
    pub service_id: String,
    /// `PAYNET_LOGIN`: the login of Paynet's Basic authorization.
    pub login: String,
    /// `PAYNET_PASSWORD`: its password.
    pub password: Secret,
    /// `PAYNET_PASSWORD_PREVIOUS`: accepted too while the password is being changed.
    pub previous_password: Option<Secret>,
    /// `PAYNET_CHECKOUT_URL` (`https://app.paynet.uz`): where payers go.
    pub checkout_url: String,
    /// `PAYNET_CANCEL_REPLAY_REFUSED` (false): whether a repeated cancellation is error 202, disputed between sources.
    pub cancel_replay_refused: bool,
}

pub(super) fn paynet(vars: &Vars) -> Result<PaynetSettings, SettingsError> {
    let login = vars.required("PAYNET_LOGIN", "sandbox-paynet")?;
    if login.contains(':') {
        return Err(SettingsError::new("PAYNET_LOGIN", "must not contain a colon"));
    }
    let service_id = vars.required("PAYNET_SERVICE_ID", "30001")?;
    if !service_id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SettingsError::new("PAYNET_SERVICE_ID", "must be a number"));
    }
    Ok(PaynetSettings {
        service_id,
        login,
        password: vars.secret("PAYNET_PASSWORD", 16, "sandbox-paynet-password")?,
        previous_password: vars.get("PAYNET_PASSWORD_PREVIOUS").map(Secret::new),
        checkout_url: vars.text("PAYNET_CHECKOUT_URL", "https://app.paynet.uz"),
        cancel_replay_refused: vars.flag("PAYNET_CANCEL_REPLAY_REFUSED", false)?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(changed: &[(&str, &str)]) -> Result<PaynetSettings, SettingsError> {
        let vars = changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        paynet(&Vars::new(vars.collect::<HashMap<_, _>>())?)
    }

    #[test]
    fn production_names_its_own_service_and_password() {
        let own = [
            ("APP_ENV", "production"),
            ("PAYNET_SERVICE_ID", "4077"),
            ("PAYNET_LOGIN", "wibe"),
            ("PAYNET_PASSWORD", "7f3c0e9a51d24b86"),
        ];
        assert!(read(&own).is_ok());
        for missing in 1..own.len() {
            let rest = own.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, own)| *own);
            assert!(read(&rest.collect::<Vec<_>>()).is_err(), "{:?}", own.get(missing));
        }
        for (name, value) in [
            ("PAYNET_PASSWORD", "sandbox-paynet-password"),
            ("PAYNET_PASSWORD", "short"),
            ("PAYNET_LOGIN", "wi:be"),
            ("PAYNET_SERVICE_ID", "30001,30002"),
        ] {
            let mut changed = own.to_vec();
            changed.push((name, value));
            assert!(read(&changed).is_err(), "{name}={value}");
        }
    }
}
