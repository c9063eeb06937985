//! A person changes what they say about themselves.
//!
//! An address and a number are keys to the account: they sign in, and codes and links go there. Whoever only holds a session
//! must not add a key of their own, so every other value of them, the first included, needs a confirmation. The UI sends
//! number and name with every save: a value that is the same needs nothing.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text as SqlText, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::codes;
use super::confirm_identity::{Confirmed, required};
use super::email_change;
use super::fields::{self, Issues};
use super::jobs::{News, SendAccountNotice};
use super::model::User;
use super::profile::{Profile, profile};
use super::register::or_taken;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{EmailChangeId, UploadId, UserId};
use crate::language::{Language, Text};
use crate::schema::users;
use crate::statement::statement;
use crate::{App, Conn, Tx, jobs, uploads};

const NOT_YOURS: Text = Text::new(
    "Avval rasmni bu yerga yuklang: begona havolalar qabul qilinmaydi.",
    "Сначала загрузите изображение сюда: чужие ссылки не принимаются.",
    "Upload the picture here first: links to elsewhere are not taken.",
);

/// The fields a person may change themselves, as they wrote them; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileForm {
    /// The name others see.
    pub full_name: Option<String>,
    /// The address of their page; `Some(None)` removes it.
    pub username: Option<Option<String>>,
    /// Where we write to, once it is proved.
    pub email: Option<String>,
    /// Any spelling of an Uzbek number; `Some(None)` removes it.
    pub phone_number: Option<Option<String>>,
    /// What they read.
    pub language: Option<Language>,
    /// An IANA name.
    pub timezone: Option<String>,
    /// Their picture.
    pub avatar: Option<Avatar>,
}

/// What becomes of a person's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Avatar {
    /// An upload of theirs, just made.
    Upload(UploadId),
    /// An upload of theirs, by the URL that we gave it.
    Url(String),
    /// They have none.
    Nothing,
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
    avatar: Option<Option<String>>,
}

/// A form that was checked.
#[derive(Debug)]
struct Checked {
    change: Change,
    email: Option<String>,
    avatar: Option<Avatar>,
}

impl ProfileForm {
    /// Everything that is wrong with it, at once; or the change it stands for.
    fn check(self) -> Result<Checked> {
        let mut issues = Issues::default();
        let change = Change {
            full_name: self
                .full_name
                .and_then(|raw| issues.keep("full_name", fields::full_name(&raw))),
            username: self.username.and_then(|raw| {
                issues.keep("username", fields::username(&raw.unwrap_or_default()))
            }),
            phone_number: self.phone_number.and_then(|raw| {
                issues.keep("phone_number", fields::phone_number(&raw.unwrap_or_default()))
            }),
            language: self.language,
            timezone: self.timezone.and_then(|raw| issues.keep("timezone", fields::timezone(&raw))),
            avatar: None,
        };
        let email = self.email.and_then(|raw| issues.keep("email", fields::email(&raw)));
        issues.into_result()?;
        Ok(Checked { change, email, avatar: self.avatar })
    }

    /// Whether it asks for another address or number than the person has: then they must show again who they are.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` on a number that would lock its owner out.
    pub fn changes_contacts(&self, user: &User) -> Result<bool> {
        let email = self.email.as_deref().map(fields::canonical_email);
        let other_email = email.is_some_and(|email| email != user.email);
        let number = self.phone_number.as_ref().map(|raw| raw.as_deref().unwrap_or_default());
        match number.map(fields::phone_number) {
            Some(Ok(number)) if number != user.phone_number => {
                codes::keeps_a_way_in(user, number.as_deref())?;
                Ok(true)
            }
            // What is no number is refused with whatever else is wrong.
            Some(_) | None => Ok(other_email),
        }
    }
}

impl Change {
    /// The names of the fields it changes, for the audit log: their values are the person's own.
    fn names(&self) -> Vec<&'static str> {
        let changed = [
            ("full_name", self.full_name.is_some()),
            ("username", self.username.is_some()),
            ("phone_number", self.phone_number.is_some()),
            ("language", self.language.is_some()),
            ("timezone", self.timezone.is_some()),
            ("avatar", self.avatar.is_some()),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
    }
}

impl Checked {
    /// Drops the address and the number that are the same. What is left of them needs a confirmation.
    fn forget_same_contacts(&mut self, user: &User) {
        self.email.take_if(|email| *email == user.email);
        self.change.phone_number.take_if(|number| *number == user.phone_number);
    }

    fn needs_confirmation(&self) -> bool {
        self.email.is_some() || self.change.phone_number.is_some()
    }
}

/// Counts that a person asks for another address, if the form does and is right otherwise: in a transaction of its own,
/// because an address that is refused counts as well. What it returns is for [`update_profile`].
///
/// # Errors
/// `VALIDATION_ERROR` with every field that is wrong; `RATE_LIMITED` when they ask too often.
pub async fn count_email_wish(
    tx: &mut Tx,
    id: UserId,
    form: &ProfileForm,
) -> Result<Option<EmailChangeId>> {
    let Some(email) = form.clone().check()?.email else { return Ok(None) };
    let user = User::lock(tx, id).await?.ok_or(Code::NotFound)?;
    if user.email == email { Ok(None) } else { email_change::count(tx, &user, email).await }
}

/// Changes a person's own fields. Another address is only wished for: see [`super::verify_email`].
///
/// # Errors
/// `VALIDATION_ERROR` with every field that is wrong, or on a number that would lock its owner out; `REAUTH_REQUIRED` for another address or number without a
/// confirmation that holds; `ALREADY_EXISTS` when the username, the number or the address is taken.
pub async fn update_profile(
    tx: &mut Tx,
    app: &App,
    id: UserId,
    form: ProfileForm,
    (confirmed, wish): (Option<&Confirmed>, Option<EmailChangeId>),
) -> Result<Profile> {
    let mut checked = form.check()?;
    if let Some(name) = &checked.change.timezone
        && !is_timezone(tx, name).await?
    {
        return Err(Error::field("timezone", texts::INVALID));
    }
    let user = User::lock(tx, id).await?.ok_or(Code::NotFound)?;
    checked.forget_same_contacts(&user);
    if checked.needs_confirmation() {
        confirmed.ok_or_else(|| required(app, &user))?.check(&user)?;
    }
    if let Some(email) = checked.email.take() {
        email_change::ask(tx, &user, wish, email).await?;
    }
    if let Some(avatar) = checked.avatar.take() {
        checked.change.avatar = change_avatar(tx, app, &user, avatar).await?;
    }
    if let Some(number) = &checked.change.phone_number {
        codes::keeps_a_way_in(&user, number.as_deref())?;
        forget_proof_of_phone(tx, &user).await?;
    }
    let user = save(tx, user, &checked.change).await?;
    profile(tx, user).await
}

async fn save(tx: &mut Tx, user: User, change: &Change) -> Result<User> {
    let names = change.names();
    if names.is_empty() {
        return Ok(user);
    }
    let written = diesel::update(users::table.find(user.id))
        .set((change, users::updated_at.eq(tx.now())))
        .returning(User::as_returning())
        .get_result(tx.conn())
        .await;
    let changed = or_taken(written)?;
    let object = ("user", user.id.to_string());
    let details = json!({ "fields": names });
    audit::record(tx, Actor::User(user.id), "user.profile_changed", object, details).await?;
    Ok(changed)
}

/// The new value of the column; none when it is the picture they have.
async fn change_avatar(
    tx: &mut Tx,
    app: &App,
    user: &User,
    avatar: Avatar,
) -> Result<Option<Option<String>>> {
    let upload = match avatar {
        Avatar::Nothing => {
            uploads::discard_avatar(tx, user.id).await?;
            return Ok(Some(None));
        }
        Avatar::Url(url) if user.avatar.as_deref() == Some(url.as_str()) => return Ok(None),
        Avatar::Url(url) => uploads::own_upload(tx, app, user.id, &url).await?,
        Avatar::Upload(id) => Some(id),
    };
    let foreign = || Error::field("avatar_url", NOT_YOURS);
    let url = uploads::attach_avatar(tx, app, user.id, upload.ok_or_else(foreign)?).await?;
    Ok(Some(Some(url.ok_or_else(foreign)?)))
}

/// Another number is not proved. A person whom only the old one proved is not verified any more; their e-mail hears of it.
async fn forget_proof_of_phone(tx: &mut Tx, user: &User) -> Result<()> {
    statement(
        "UPDATE users SET phone_verified_at = NULL,
                is_verified = is_verified AND (phone_verified_at IS NULL OR email_verified_at IS NOT NULL OR telegram_id IS NOT NULL)
         WHERE id = $1",
    )
    .bind::<SqlUuid, _>(user.id)
    .execute(tx.conn())
    .await?;
    let (user_id, at) = (user.id, tx.now());
    let news = SendAccountNotice { user_id, news: News::PhoneChanged, at, email_change_id: None };
    jobs::enqueue(tx, &news).await?;
    Ok(())
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
    use crate::testing::a_user;

    #[test]
    fn what_is_absent_stays_and_what_is_empty_goes() {
        let form = ProfileForm {
            full_name: Some(" Ali ".to_owned()),
            phone_number: Some(None),
            ..ProfileForm::default()
        };
        let change = form.check().expect("valid").change;
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
            email: Some("nobody".to_owned()),
            phone_number: Some(Some("12".to_owned())),
            timezone: Some("no zone".to_owned()),
            ..ProfileForm::default()
        };
        let details = form.check().expect_err("refused").details(Language::En);
        assert_eq!(details.as_object().map(serde_json::Map::len), Some(5), "{details}");
    }

    #[test]
    fn only_another_address_or_number_is_a_change_of_contacts() {
        let user = User { phone_number: Some("+998901234567".to_owned()), ..a_user("ali@mail.uz") };
        let nobody = User { phone_number: None, ..user.clone() };
        let with = |email: Option<&str>, phone_number: Option<Option<&str>>| ProfileForm {
            email: email.map(str::to_owned),
            phone_number: phone_number.map(|number| number.map(str::to_owned)),
            ..ProfileForm::default()
        };
        for (form, owner, changes) in [
            (with(None, None), &user, false),
            (with(Some(" ALI@mail.uz"), Some(Some("998 90 123-45-67"))), &user, false),
            (with(Some("vali@mail.uz"), None), &user, true),
            (with(None, Some(Some("+998901234568"))), &user, true),
            (with(None, Some(None)), &user, true),
            (with(None, Some(Some(""))), &user, true),
            (with(None, Some(None)), &nobody, false),
            (with(None, Some(Some("+998901234567"))), &nobody, true),
        ] {
            assert_eq!(form.changes_contacts(owner).expect("allowed"), changes, "{form:?}");
        }
    }
}
