//! A new person.

use std::mem;

use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;
use serde_json::json;

use super::devices;
use super::email_change;
use super::email_token;
use super::fields::{self, Issues};
use super::model::User;
use super::password_policy::{self, Owner};
use super::placeholder;
use super::session::{Client, Session};
use super::sign_in::SignIn;
use super::typed_address::{self, Standing};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, OnConstraint as _, Result};
use crate::ids::UserId;
use crate::language::{Language, Text};
use crate::ledger::{self, Account};
use crate::schema::users;
use crate::security::Passwords;
use crate::{App, Tx};

const TAKEN: Text =
    Text::new("Bu qiymat band.", "Это значение уже занято.", "This is already taken.");
const TIMEZONE: &str = "Asia/Tashkent";

/// What a person says to register, as they wrote it.
#[derive(Debug)]
pub struct RegistrationForm {
    /// Where we write to.
    pub email: String,
    /// Taken exactly as it comes.
    pub password: String,
    /// The name others see.
    pub full_name: Option<String>,
    /// The address of their page.
    pub username: Option<String>,
    /// Any spelling of an Uzbek number.
    pub phone_number: Option<String>,
    /// What they read.
    pub language: Language,
}

/// A registration that was checked and whose password is hashed.
pub struct Registration {
    pub(super) email: String,
    pub(super) full_name: String,
    pub(super) username: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) language: Language,
    pub(super) password_hash: String,
}

impl Registration {
    /// Checks a form and hashes its password: slow on purpose, so it happens before the transaction.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` with every field that is wrong.
    pub async fn prepare(passwords: &Passwords, form: RegistrationForm) -> Result<Self> {
        let password = form.password.clone();
        let mut registration = Self::check(form)?;
        registration.password_hash = passwords.hash(&password).await?;
        Ok(registration)
    }

    fn check(form: RegistrationForm) -> Result<Self> {
        let mut issues = Issues::default();
        let email = issues.keep("email", fields::email(&form.email)).unwrap_or_default();
        let full_name = issues
            .keep("full_name", fields::full_name(form.full_name.as_deref().unwrap_or_default()));
        let username = issues
            .keep("username", fields::username(form.username.as_deref().unwrap_or_default()))
            .flatten();
        let phone_number = issues
            .keep(
                "phone_number",
                fields::phone_number(form.phone_number.as_deref().unwrap_or_default()),
            )
            .flatten();
        let owner = Owner {
            email: &email,
            username: username.as_deref(),
            phone_number: phone_number.as_deref(),
        };
        for issue in password_policy::issues(&form.password, owner) {
            issues.add("password", issue);
        }
        issues.into_result()?;
        let full_name = full_name.unwrap_or_default();
        Ok(Self {
            email,
            full_name,
            username,
            phone_number,
            language: form.language,
            password_hash: String::new(),
        })
    }

    /// The row of the new person.
    pub(super) fn into_user(self, now: DateTime<Utc>) -> User {
        User {
            id: UserId::new(),
            email: self.email,
            username: self.username,
            phone_number: self.phone_number,
            full_name: self.full_name,
            avatar: None,
            password_hash: Some(self.password_hash),
            is_active: true,
            is_staff: false,
            is_superuser: false,
            is_verified: false,
            rating: Decimal::new(500, 2),
            total_sales: 0,
            total_purchases: 0,
            language: self.language,
            timezone: TIMEZONE.to_owned(),
            created_at: now,
            updated_at: now,
            last_login: None,
            deleted_at: None,
            phone_verified_at: None,
            telegram_id: None,
            telegram_username: None,
            email_verified_at: None,
        }
    }
}

/// Registers a person, signs them in, and has a proof of their address mailed. An address that another account only typed,
/// and gives to whoever proves it, is theirs when they have: until then it is the address they wish for.
///
/// # Errors
/// `ALREADY_EXISTS` when the e-mail, the username or the phone number is taken; `RATE_LIMITED` when many have registered with
/// an address that is still to be proved.
pub async fn register(
    tx: &mut Tx,
    app: &App,
    registration: Registration,
    client: &Client,
) -> Result<SignIn> {
    let mut user = registration.into_user(tx.now());
    user.last_login = Some(tx.now());
    let standing = typed_address::standing(tx, &user.email).await?;
    let wished = (standing == Standing::GivesWay)
        .then(|| mem::replace(&mut user.email, placeholder::of_phone(user.id)));
    insert(tx, &user).await?;
    let session = Session::open(tx, app, user.id, client).await?;
    devices::remember(tx, user.id, client).await?;
    match wished {
        Some(email) => email_change::begin_with(tx, &user, email).await?,
        None => email_token::mail_proof(tx, &user).await?,
    }
    audit::record(
        tx,
        Actor::User(user.id),
        "auth.registered",
        ("user", user.id.to_string()),
        json!({"session": session.id}),
    )
    .await?;
    tracing::info!(target: "accounts", user = %user.id, session = %session.id, "registered");
    SignIn::new(tx, app, user, &session).await
}

/// Inserts a person with the account of their money.
pub(crate) async fn insert(tx: &mut Tx, user: &User) -> Result<()> {
    let inserted = diesel::insert_into(users::table).values(user).execute(tx.conn()).await;
    or_taken(inserted)?;
    ledger::open_account(tx, Account::Available(user.id)).await
}

/// Names the field whose unique index refused a write of a person.
pub(super) fn or_taken<T>(written: std::result::Result<T, diesel::result::Error>) -> Result<T> {
    written
        .on_constraint("users_email_key", || taken("email"))
        .on_constraint("users_username_key", || taken("username"))
        .on_constraint("users_phone_number_key", || taken("phone_number"))
        .on_constraint("users_telegram_id_key", || Error::new(Code::TelegramLinked))
}

/// Somebody else has this value of a field.
pub(super) fn taken(field: &'static str) -> Error {
    Error::new(Code::AlreadyExists).and_field(field, TAKEN, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(email: &str, password: &str) -> RegistrationForm {
        RegistrationForm {
            email: email.to_owned(),
            password: password.to_owned(),
            full_name: None,
            username: None,
            phone_number: None,
            language: Language::Uz,
        }
    }

    #[test]
    fn a_registration_is_stored_in_canonical_form() {
        let written = RegistrationForm {
            full_name: Some(" Ali Valiev ".to_owned()),
            username: Some(String::new()),
            phone_number: Some("998 90 123-45-67".to_owned()),
            language: Language::Ru,
            ..form(" Ali@Mail.UZ", "tulip-7-river")
        };
        let user = Registration::check(written).expect("valid").into_user(DateTime::UNIX_EPOCH);
        assert_eq!(
            (user.email.as_str(), user.full_name.as_str(), user.username),
            ("ali@mail.uz", "Ali Valiev", None)
        );
        assert_eq!(
            (user.phone_number.as_deref(), user.language),
            (Some("+998901234567"), Language::Ru)
        );
        assert!(user.is_active && !user.is_verified && !user.is_staff && !user.is_superuser);
    }

    #[test]
    fn a_refusal_names_every_field_that_is_wrong() {
        let written = RegistrationForm {
            full_name: Some("a\nb".to_owned()),
            username: Some("1".to_owned()),
            phone_number: Some("123".to_owned()),
            ..form("nobody", "short")
        };
        let error = Registration::check(written).err().expect("refused");
        assert_eq!(error.code(), Code::ValidationError);
        let details = error.details(Language::En);
        for field in ["email", "full_name", "username", "phone_number", "password"] {
            assert!(details.get(field).is_some(), "{field} in {details}");
        }
    }
}
