//! Accounts elsewhere by which people sign in: a row per provider and person.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::error::{Code, Error, OnConstraint as _, Result};
use crate::ids::UserId;
use crate::language::Text;
use crate::schema::social_accounts;
use crate::text_enum::text_enum;
use crate::{App, Conn, Tx};

const OTHERS: Text = Text::new(
    "Bu Google hisobi boshqa hisobga ulangan.",
    "Этот аккаунт Google привязан к другому аккаунту.",
    "This Google account is linked to another account.",
);
const ANOTHER: Text = Text::new(
    "Hisobingizga boshqa Google hisobi ulangan. Avval uni uzing.",
    "К вашему аккаунту привязан другой аккаунт Google. Сначала отвяжите его.",
    "Another Google account is linked to yours. Please unlink it first.",
);

text_enum! {
    /// Who vouches for people.
    Provider {
        /// Google, by its `sub`.
        Google = "google",
    }
}

/// What the print of a Telegram account is for: part of its MAC.
const TELEGRAM: &str = "telegram_account";

impl Provider {
    /// In place of what the provider calls a person, for the audit log: that only grows, and erasing a person must leave
    /// nothing that names them. Equal accounts have equal prints.
    pub(super) fn print(self, app: &App, subject: &str) -> String {
        let purpose = match self {
            Self::Google => "google_account",
        };
        app.tokens.print(purpose, subject)
    }
}

/// The same for an account with Telegram.
pub(super) fn telegram_print(app: &App, telegram_id: i64) -> String {
    app.tokens.print(TELEGRAM, &telegram_id.to_string())
}

/// An account elsewhere by which a person signs in.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = social_accounts, treat_none_as_default_value = false)]
pub(super) struct SocialAccount {
    /// Who vouches.
    pub(super) provider: Provider,
    /// What the provider calls the person; never their address.
    pub(super) subject: String,
    /// Whose it is.
    pub(super) user_id: UserId,
    /// The address that the provider vouched for at the last sign-in.
    pub(super) email: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_used_at: DateTime<Utc>,
}

impl SocialAccount {
    /// The link of an account elsewhere.
    pub(super) async fn find(
        conn: &mut Conn,
        provider: Provider,
        subject: &str,
    ) -> Result<Option<Self>> {
        let theirs =
            social_accounts::provider.eq(provider).and(social_accounts::subject.eq(subject));
        Ok(Self::query().filter(theirs).first(conn).await.optional()?)
    }

    /// Links an account elsewhere to a person whose row is locked.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when it is somebody else's, or when the person has another one there.
    pub(super) async fn insert(&self, tx: &mut Tx) -> Result<()> {
        let taken = |text| move || Error::new(Code::AlreadyExists).and_field("google", text, "");
        let inserted =
            diesel::insert_into(social_accounts::table).values(self).execute(tx.conn()).await;
        inserted
            .on_constraint("social_accounts_pkey", taken(OTHERS))
            .on_constraint("social_accounts_one_each", taken(ANOTHER))?;
        Ok(())
    }

    /// Notes that the link was used. Returns whether it was still there.
    pub(super) async fn touch(&self, tx: &mut Tx, email: Option<&str>) -> Result<bool> {
        let used = (
            social_accounts::last_used_at.eq(tx.now()),
            social_accounts::email.eq(email.or(self.email.as_deref())),
        );
        let link = social_accounts::table
            .find((self.provider, &self.subject))
            .filter(social_accounts::user_id.eq(self.user_id));
        Ok(diesel::update(link).set(used).execute(tx.conn()).await? == 1)
    }
}

/// What Google calls a person, if they sign in with Google.
///
/// # Errors
/// The database's.
pub(super) async fn google_id(conn: &mut Conn, user: UserId) -> Result<Option<String>> {
    let theirs =
        social_accounts::user_id.eq(user).and(social_accounts::provider.eq(Provider::Google));
    let subject =
        social_accounts::table.filter(theirs).select(social_accounts::subject).first(conn).await;
    Ok(subject.optional()?)
}

/// Ends the link of a person whose row is locked. Returns what the provider called them.
pub(super) async fn remove(
    tx: &mut Tx,
    provider: Provider,
    user: UserId,
) -> Result<Option<String>> {
    let theirs = social_accounts::user_id.eq(user).and(social_accounts::provider.eq(provider));
    let removed = diesel::delete(social_accounts::table.filter(theirs))
        .returning(social_accounts::subject)
        .get_result(tx.conn())
        .await;
    Ok(removed.optional()?)
}
