//! A person changes what they say about themselves.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text as SqlText};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::codes;
use super::fields::{self, Issues};
use super::model::User;
use super::profile::{Profile, profile};
use super::register::or_taken;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::UserId;
use crate::language::Language;
use crate::schema::users;
use crate::statement::statement;
use crate::{Conn, Tx};

/// The fields a person may change themselves, as they wrote them; what is absent stays.
#[derive(Debug, Default)]
pub struct ProfileForm {
    /// The name others see.
    pub full_name: Option<String>,
    /// The address of their page; `Some(None)` removes it.
    pub username: Option<Option<String>>,
    /// Any spelling of an Uzbek number; `Some(None)` removes it.
    pub phone_number: Option<Option<String>>,
    /// What they read.
    pub language: Option<Language>,
    /// An IANA name.
    pub timezone: Option<String>,
}

/// A change that was checked.
#[derive(Debug, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = users)]
struct Change {
    full_name: Option<String>,
    username: Option<Option<String>>,
    phone_number: Option<Option<String>>,
    language: Option<Language>,
    timezone: Option<String>,
}

impl Change {
    fn check(form: ProfileForm) -> Result<Self> {
        let mut issues = Issues::default();
        let change = Self {
            full_name: form
                .full_name
                .and_then(|raw| issues.keep("full_name", fields::full_name(&raw))),
            username: form.username.and_then(|raw| {
                issues.keep("username", fields::username(&raw.unwrap_or_default()))
            }),
            phone_number: form.phone_number.and_then(|raw| {
                issues.keep("phone_number", fields::phone_number(&raw.unwrap_or_default()))
            }),
            language: form.language,
            timezone: form.timezone.and_then(|raw| issues.keep("timezone", fields::timezone(&raw))),
        };
        issues.into_result()?;
        Ok(change)
    }

    /// The names of the fields it changes, for the audit log: their values are the person's own.
    fn names(&self) -> Vec<&'static str> {
        let changed = [
            ("full_name", self.full_name.is_some()),
            ("username", self.username.is_some()),
            ("phone_number", self.phone_number.is_some()),
            ("language", self.language.is_some()),
            ("timezone", self.timezone.is_some()),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
    }
}

/// Changes a person's own fields.
///
/// # Errors
/// `VALIDATION_ERROR` with every field that is wrong, or on a number that would lock its owner out; `ALREADY_EXISTS` when
/// the username or the number is taken.
pub async fn update_profile(tx: &mut Tx, id: UserId, form: ProfileForm) -> Result<Profile> {
    let change = Change::check(form)?;
    if let Some(name) = &change.timezone
        && !is_timezone(tx, name).await?
    {
        return Err(Error::field("timezone", texts::INVALID));
    }
    let mut user = User::lock(tx, id).await?.ok_or(Code::NotFound)?;
    if let Some(number) = &change.phone_number {
        codes::keeps_a_way_in(&user, number.as_deref())?;
    }
    let names = change.names();
    if !names.is_empty() {
        let written = diesel::update(users::table.find(id))
            .set((&change, users::updated_at.eq(tx.now())))
            .returning(User::as_returning())
            .get_result(tx.conn())
            .await;
        user = or_taken(written)?;
        audit::record(
            tx,
            Actor::User(id),
            "user.profile_changed",
            ("user", id.to_string()),
            json!({"fields": names}),
        )
        .await?;
    }
    profile(tx, user).await
}

/// Whether the database, which does the arithmetic, knows a time zone.
async fn is_timezone(conn: &mut Conn, name: &str) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = Bool)]
        known: bool,
    }
    let row: Known =
        statement("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $1) AS known")
            .bind::<SqlText, _>(name)
            .get_result(conn)
            .await?;
    Ok(row.known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays_and_what_is_empty_goes() {
        let form = ProfileForm {
            full_name: Some(" Ali ".to_owned()),
            phone_number: Some(None),
            ..ProfileForm::default()
        };
        let change = Change::check(form).expect("valid");
        let expected = Change {
            full_name: Some("Ali".to_owned()),
            phone_number: Some(None),
            ..Change::default()
        };
        assert_eq!(change, expected);
        assert_eq!(change.names(), ["full_name", "phone_number"]);
    }

    #[test]
    fn a_refusal_names_every_field_that_is_wrong() {
        let form = ProfileForm {
            full_name: Some("a\u{0}".to_owned()),
            username: Some(Some("x".to_owned())),
            phone_number: Some(Some("12".to_owned())),
            language: None,
            timezone: Some("no zone".to_owned()),
        };
        let details = Change::check(form).expect_err("refused").details(Language::En);
        assert_eq!(details.as_object().map(serde_json::Map::len), Some(4), "{details}");
    }
}
