//! The row of a one-time code, and what a guess at it is worth.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::refusal::Refusal;
use crate::accounts::Client;
use crate::error::Result;
use crate::ids::{CodeId, UserId};
use crate::language::Language;
use crate::schema::one_time_codes;
use crate::security::{CodeBinding, Tokens};
use crate::text_enum::text_enum;
use crate::{App, Conn, Tx};

/// How long a code that we send works.
pub(super) const VALID_FOR: TimeDelta = TimeDelta::minutes(5);
/// How many wrong tries end a code for whoever made them.
pub(super) const TRIES: i16 = 5;
/// How many wrong tries end it for everybody.
pub(super) const TRIES_IN_ALL: i16 = 25;

text_enum! {
    /// What a code is for; a code for one thing is worth nothing for another.
    Purpose {
        /// To sign in, or to register.
        SignIn = "sign_in",
        /// To prove a number to the account one is signed in to.
        VerifyPhone = "verify_phone",
        /// To confirm a step, for people without a password.
        Reauth = "reauth",
        /// To close one's account, for people without a password.
        DeleteAccount = "delete_account",
        /// To sign in with what the Telegram bot said.
        Telegram = "telegram",
    }
}

/// A code that was sent to a phone, or given to the bot.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = one_time_codes, treat_none_as_default_value = false)]
pub(in crate::accounts) struct OneTimeCode {
    pub(in crate::accounts) id: CodeId,
    pub(in crate::accounts) phone_number: String,
    pub(in crate::accounts) purpose: Purpose,
    pub(super) user_id: Option<UserId>,
    pub(super) telegram_id: Option<i64>,
    pub(super) telegram_username: Option<String>,
    pub(super) full_name: String,
    pub(in crate::accounts) language: Language,
    pub(super) code_mac: Vec<u8>,
    pub(super) attempts: i16,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) sent_at: Option<DateTime<Utc>>,
    pub(super) used_at: Option<DateTime<Utc>>,
    pub(super) created_at: DateTime<Utc>,
}

impl Purpose {
    /// The purposes that are counted together against the limits of a phone. Strangers ask to sign in, whoever is signed in
    /// may ask to prove any number, and only its owner asks for the rest: nobody uses up what belongs to the others.
    pub(super) fn counted_with(self) -> &'static [Self] {
        match self {
            Self::SignIn => &[Self::SignIn],
            Self::VerifyPhone => &[Self::VerifyPhone],
            Self::Reauth | Self::DeleteAccount => &[Self::Reauth, Self::DeleteAccount],
            // Nothing is sent.
            Self::Telegram => &[Self::Telegram],
        }
    }
}

impl OneTimeCode {
    /// A new code for a phone. Its MAC is made when it is stored.
    pub(super) fn new(now: DateTime<Utc>, phone_number: String, purpose: Purpose) -> Self {
        Self {
            id: CodeId::new(),
            phone_number,
            purpose,
            user_id: None,
            telegram_id: None,
            telegram_username: None,
            full_name: String::new(),
            language: Language::Uz,
            code_mac: Vec::new(),
            attempts: 0,
            expires_at: now + VALID_FOR,
            sent_at: None,
            used_at: None,
            created_at: now,
        }
    }

    /// What its MAC is bound to.
    fn binding(&self) -> CodeBinding<'_> {
        CodeBinding { id: self.id, phone: &self.phone_number, purpose: self.purpose.as_str() }
    }

    /// Stores it; returns its digits, which are nowhere else.
    pub(super) async fn store(
        &mut self,
        tx: &mut Tx,
        app: &App,
        client: &Client,
    ) -> Result<String> {
        let code = app.tokens.one_time_code(self.id);
        self.code_mac = app.tokens.code_mac(self.binding(), &code);
        let from = one_time_codes::ip.eq(client.network());
        diesel::insert_into(one_time_codes::table)
            .values((&*self, from))
            .execute(tx.conn())
            .await?;
        Ok(code)
    }

    /// The row of a code.
    pub(in crate::accounts) async fn find(conn: &mut Conn, id: CodeId) -> Result<Option<Self>> {
        let row = Self::query().filter(one_time_codes::id.eq(id)).first(conn).await;
        Ok(row.optional()?)
    }

    /// Locks the row of a code.
    pub(super) async fn lock(tx: &mut Tx, id: CodeId) -> Result<Option<Self>> {
        let row = Self::query()
            .filter(one_time_codes::id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await;
        Ok(row.optional()?)
    }

    /// What these digits are worth now, for somebody who was wrong so often before. The digits are compared last: a code that
    /// is over does not say whether they were right.
    pub(super) fn judge(
        &self,
        tokens: &Tokens,
        digits: &str,
        now: DateTime<Utc>,
        tries: i16,
    ) -> Result<(), Refusal> {
        if self.used_at.is_some() {
            Err(Refusal::Used)
        } else if now >= self.expires_at {
            Err(Refusal::Expired)
        } else if tries >= TRIES || self.attempts >= TRIES_IN_ALL {
            Err(Refusal::Exhausted)
        } else if tokens.is_code(self.binding(), digits, &self.code_mac) {
            Ok(())
        } else {
            Err(Refusal::Wrong)
        }
    }

    /// Whether it waits to be used.
    pub(super) fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }

    /// Its digits, while sending them is of use: nobody has used it, it is not too old, it was not handed over before,
    /// and the secret is the one it was made with.
    pub(in crate::accounts) fn to_send(
        &self,
        tokens: &Tokens,
        now: DateTime<Utc>,
    ) -> Result<String, Refusal> {
        if self.sent_at.is_some() {
            return Err(Refusal::Used);
        }
        let code = tokens.one_time_code(self.id);
        self.judge(tokens, &code, now, 0).map(|()| code)
    }

    /// Notes that it was handed to the provider.
    pub(in crate::accounts) async fn mark_sent(tx: &mut Tx, id: CodeId) -> Result<()> {
        diesel::update(one_time_codes::table.find(id))
            .set(one_time_codes::sent_at.eq(tx.now()))
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    /// Ends it, and with it every other live code of its phone and purpose.
    pub(super) async fn use_up(&self, tx: &mut Tx) -> Result<()> {
        let now = tx.now();
        let live = one_time_codes::phone_number
            .eq(&self.phone_number)
            .and(one_time_codes::purpose.eq(self.purpose))
            .and(one_time_codes::used_at.is_null());
        diesel::update(one_time_codes::table.filter(live))
            .set(one_time_codes::used_at.eq(now))
            .execute(tx.conn())
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::settings::Settings;

    fn tokens() -> Tokens {
        Tokens::new(&Settings::from_vars(HashMap::new()).expect("development defaults").security)
    }

    fn code(tokens: &Tokens) -> (OneTimeCode, String) {
        let now = DateTime::UNIX_EPOCH;
        let mut code = OneTimeCode::new(now, "+998901234567".to_owned(), Purpose::SignIn);
        let digits = tokens.one_time_code(code.id);
        code.code_mac = tokens.code_mac(code.binding(), &digits);
        (code, digits)
    }

    #[test]
    fn a_code_works_once_for_five_minutes_and_five_tries() {
        let tokens = tokens();
        let (code, digits) = code(&tokens);
        let judge = |code: &OneTimeCode, digits: &str, after: TimeDelta| {
            code.judge(&tokens, digits, DateTime::UNIX_EPOCH + after, TRIES - 1)
        };
        let last = TimeDelta::milliseconds(299_999);
        assert_eq!(judge(&code, &digits, last), Ok(()));
        assert_eq!(judge(&code, &digits, VALID_FOR), Err(Refusal::Expired));
        let wrong = if digits == "000000" { "000001" } else { "000000" };
        for other in [wrong, "", "0", &format!("{digits}0"), &format!(" {digits}")] {
            assert_eq!(judge(&code, other, last), Err(Refusal::Wrong), "{other:?}");
        }
        let late = DateTime::UNIX_EPOCH + last;
        assert_eq!(code.judge(&tokens, &digits, late, TRIES), Err(Refusal::Exhausted));
        let tried = OneTimeCode { attempts: TRIES_IN_ALL - 1, ..code.clone() };
        assert_eq!(judge(&tried, &digits, last), Ok(()), "others' tries end it later");
        let worn = OneTimeCode { attempts: TRIES_IN_ALL, ..code.clone() };
        assert_eq!(judge(&worn, &digits, last), Err(Refusal::Exhausted));
        let used = OneTimeCode { used_at: Some(DateTime::UNIX_EPOCH), ..code };
        assert_eq!(judge(&used, &digits, last), Err(Refusal::Used));
    }

    #[test]
    fn a_code_is_bound_to_its_row_its_phone_and_its_purpose() {
        let tokens = tokens();
        let (code, digits) = code(&tokens);
        let now = DateTime::UNIX_EPOCH;
        for moved in [
            OneTimeCode { id: CodeId::new(), ..code.clone() },
            OneTimeCode { phone_number: "+998901234568".to_owned(), ..code.clone() },
            OneTimeCode { purpose: Purpose::DeleteAccount, ..code.clone() },
        ] {
            assert_eq!(moved.judge(&tokens, &digits, now, 0), Err(Refusal::Wrong));
        }
        assert_eq!(code.to_send(&tokens, now), Ok(digits));
        let sent = OneTimeCode { sent_at: Some(now), ..code };
        assert_eq!(sent.to_send(&tokens, now), Err(Refusal::Used));
    }
}
