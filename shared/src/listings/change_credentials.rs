//! A seller says anew how one signs in, when they hand the account over.

use serde_json::Value;

use super::LoginMethod;
use super::create::{ACCOUNT_MAX, Issue, PASSWORD_MAX, length, notes_issue, refusal};
use super::credentials::Credentials;
use crate::error::{Result, texts};

/// Credentials that replace others; what is not said stays as it was. No `Debug`: they must never reach a log.
#[derive(Default)]
pub struct CredentialsChange {
    /// A name of [`LoginMethod::NAMES`].
    pub login_method: Option<String>,
    /// The address, phone number or name one signs in with.
    pub account_email: Option<String>,
    /// The password.
    pub account_password: Option<String>,
    /// An object or a text with whatever else the buyer needs.
    pub account_additional_info: Option<Value>,
}

impl CredentialsChange {
    /// Whether nothing is said: the old ones are confirmed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { login_method, account_email, account_password, account_additional_info } = self;
        login_method.is_none()
            && account_email.is_none()
            && account_password.is_none()
            && account_additional_info.is_none()
    }

    /// Trims the texts.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` naming every field that breaks a rule of listings.
    pub fn checked(mut self) -> Result<Self> {
        if let Some(email) = &mut self.account_email {
            *email = email.trim().to_owned();
        }
        let method =
            self.login_method.as_deref().filter(|name| LoginMethod::from_input(name).is_none());
        let email = self.account_email.as_deref();
        let password = self.account_password.as_deref();
        let issues: Vec<Issue> = [
            method.map(|_unknown| ("login_method", texts::CHOICES, LoginMethod::NAMES.to_owned())),
            email.and_then(|email| length("account_email", email, (1, ACCOUNT_MAX))),
            password.and_then(|password| length("account_password", password, (1, PASSWORD_MAX))),
            self.account_additional_info.as_ref().and_then(notes_issue),
        ]
        .into_iter()
        .flatten()
        .collect();
        if issues.is_empty() { Ok(self) } else { Err(refusal(issues)) }
    }

    /// What there is after the change; the fields that it changes, by name and without their values.
    #[must_use]
    pub(crate) fn apply(
        &self,
        method: LoginMethod,
        old: &Credentials,
    ) -> (LoginMethod, Credentials, Vec<&'static str>) {
        let mut new = old.clone();
        let mut new_method = method;
        if let Some((name, stored)) = self
            .login_method
            .as_deref()
            .and_then(|name| Some((name, LoginMethod::from_input(name)?)))
        {
            new_method = stored;
            new.login_name = LoginMethod::parse(name).is_none().then(|| name.to_owned());
        }
        if let Some(email) = &self.account_email {
            new.account_email = email.clone().into();
        }
        if let Some(password) = &self.account_password {
            new.account_password = password.clone().into();
        }
        if let Some(info) = &self.account_additional_info {
            new.account_additional_info = info.clone();
        }
        let changed = [
            ("login_method", (new_method, &new.login_name) != (method, &old.login_name)),
            ("account_email", new.account_email != old.account_email),
            ("account_password", new.account_password != old.account_password),
            ("account_additional_info", new.account_additional_info != old.account_additional_info),
        ];
        let changed =
            changed.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect();
        (new_method, new, changed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Code;

    fn old() -> Credentials {
        Credentials {
            account_email: "old@gmail.com".to_owned().into(),
            account_password: "old-password".to_owned().into(),
            account_additional_info: json!({ "note": "old" }),
            login_name: Some("google".to_owned()),
        }
    }

    #[test]
    fn what_is_not_said_stays_and_what_changes_is_named() {
        let change = CredentialsChange {
            account_password: Some("new-password".to_owned()),
            account_email: Some(" old@gmail.com ".to_owned()),
            ..CredentialsChange::default()
        };
        let change = change.checked().expect("right");
        let (method, new, changed) = change.apply(LoginMethod::Social, &old());
        assert_eq!((method, changed), (LoginMethod::Social, vec!["account_password"]));
        assert!(new == Credentials { account_password: "new-password".to_owned().into(), ..old() });

        let change = CredentialsChange {
            login_method: Some("email".to_owned()),
            ..CredentialsChange::default()
        };
        let (method, new, changed) = change.apply(LoginMethod::Social, &old());
        assert_eq!((method, changed), (LoginMethod::Email, vec!["login_method"]));
        assert_eq!(new.login_method(method), "email");
        let (_, same, changed) = CredentialsChange::default().apply(LoginMethod::Social, &old());
        assert!(same == old() && changed.is_empty());
    }

    #[test]
    fn the_rules_are_those_of_a_listing() {
        let wrong = CredentialsChange {
            login_method: Some("telepathy".to_owned()),
            account_email: Some("  ".to_owned()),
            account_password: Some("x".repeat(PASSWORD_MAX + 1)),
            account_additional_info: Some(json!([1])),
        };
        let refused = wrong.checked().err().expect("refused");
        assert_eq!(refused.code(), Code::ValidationError);
        let details = refused.details(crate::language::Language::En);
        for field in
            ["login_method", "account_email", "account_password", "account_additional_info"]
        {
            assert!(details.get(field).is_some(), "{field} is named in {details}");
        }
    }
}
