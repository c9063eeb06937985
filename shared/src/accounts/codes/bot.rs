//! The Telegram bot asks for a code, which it shows to the person who shared their contact with it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::guess::canonical;
use super::model::{OneTimeCode, Purpose};
use crate::accounts::Client;
use crate::accounts::fields::FULL_NAME_MAX;
use crate::accounts::jobs::SendSmsCode;
use crate::accounts::session::delta;
use crate::accounts::social::telegram_print;
use crate::audit::{self, Actor};
use crate::error::{Code, Result};
use crate::language::Language;
use crate::schema::{one_time_codes, users};
use crate::{App, Conn, Tx, jobs};

/// How far the bot's clock may be from ours.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(60);
/// Telegram's own limit.
const USERNAME_MAX: usize = 32;

/// A call of our bot, whose secret was right.
#[derive(Clone, Copy, Debug)]
pub struct BotCall {
    /// When the bot says it called: seconds since the epoch, real time.
    pub sent_at: Option<i64>,
}

/// A person as the bot knows them.
#[derive(Debug)]
pub struct BotContact {
    /// Their account with Telegram.
    pub telegram_id: i64,
    /// The number of that account, in any spelling; the bot has it from Telegram, and not from what somebody typed.
    pub phone_number: String,
    /// What they call themselves.
    pub full_name: Option<String>,
    /// With or without the `@`.
    pub username: Option<String>,
    /// What they read; ours, if they have an account.
    pub language: Option<Language>,
}

/// A code for the bot to show.
#[derive(Debug)]
pub struct BotCode {
    /// Six digits.
    pub code: String,
    /// Until when they work.
    pub expires_at: DateTime<Utc>,
    /// How long that is.
    pub lifetime: TimeDelta,
}

impl BotCall {
    /// Refuses a call that was recorded and is sent again.
    ///
    /// # Errors
    /// `NOT_AUTHENTICATED`.
    fn check(self, real_now: DateTime<Utc>) -> Result<()> {
        let Some(sent_at) = self.sent_at else { return Ok(()) };
        let sent_at = DateTime::from_timestamp(sent_at, 0).ok_or(Code::NotAuthenticated)?;
        if (real_now - sent_at).abs() <= CLOCKS_APART {
            Ok(())
        } else {
            Err(Code::NotAuthenticated.into())
        }
    }
}

/// Makes a code for a person on Telegram; an earlier one of theirs ends.
///
/// # Errors
/// `NOT_AUTHENTICATED` for a call out of time; `VALIDATION_ERROR` for a number that is not Uzbek.
pub async fn give_bot_code(
    tx: &mut Tx,
    app: &App,
    call: BotCall,
    contact: BotContact,
    client: &Client,
) -> Result<BotCode> {
    call.check(tx.real_now())?;
    let phone = canonical(&contact.phone_number, "phone_number")?;
    let known = language_of(tx, contact.telegram_id).await?;
    end_earlier(tx, contact.telegram_id).await?;
    let mut row = OneTimeCode::new(tx.now(), phone, Purpose::Telegram);
    let lifetime = delta(app.settings.telegram.code_lifetime);
    row.expires_at = tx.now() + lifetime;
    row.telegram_id = Some(contact.telegram_id);
    row.full_name = tidy(contact.full_name.as_deref().unwrap_or_default());
    row.telegram_username = contact.username.as_deref().and_then(username);
    row.language = known.or(contact.language).unwrap_or(Language::Uz);
    let code = row.store(tx, app, client).await?;
    if app.sms.is_files() {
        // On a developer's machine no bot runs: the code is found where messages are.
        jobs::enqueue(tx, &SendSmsCode { code_id: row.id }).await?;
    }
    let object = ("one_time_code", row.id.to_string());
    let details =
        json!({ "purpose": row.purpose, "account": telegram_print(app, contact.telegram_id) });
    audit::record(tx, Actor::System, "auth.code_requested", object, details).await?;
    tracing::info!(target: "accounts", code_id = %row.id, purpose = row.purpose.as_str(), "code given to the bot");
    Ok(BotCode { code, expires_at: row.expires_at, lifetime })
}

/// What the person of a Telegram account reads.
async fn language_of(conn: &mut Conn, telegram_id: i64) -> Result<Option<Language>> {
    let theirs = users::telegram_id.eq(telegram_id).and(users::deleted_at.is_null());
    let language = users::table.filter(theirs).select(users::language).first(conn).await;
    Ok(language.optional()?)
}

async fn end_earlier(tx: &mut Tx, telegram_id: i64) -> Result<()> {
    let now = tx.now();
    let live = one_time_codes::telegram_id.eq(telegram_id).and(one_time_codes::used_at.is_null());
    diesel::update(one_time_codes::table.filter(live))
        .set(one_time_codes::used_at.eq(now))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A name as Telegram has it, on one line and no longer than ours are: nobody is kept out for their name.
fn tidy(name: &str) -> String {
    let seen: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    seen.trim().chars().take(FULL_NAME_MAX).collect::<String>().trim_end().to_owned()
}

/// A username of Telegram, if it is one.
fn username(raw: &str) -> Option<String> {
    let name = raw.trim().trim_start_matches('@');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fits = (1..=USERNAME_MAX).contains(&name.len()) && name.bytes().all(known);
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_taken_within_a_minute_of_our_clock() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let check = |sent_at| BotCall { sent_at }.check(now).is_ok();
        assert!(check(None));
        for near in [0, 60, -60] {
            assert!(check(Some(1_800_000_000 + near)), "{near}");
        }
        for far in [61, -61, 1_800_000_000, i64::MAX - 1_800_000_000, -3_600_000_000] {
            assert!(!check(Some(1_800_000_000 + far)), "{far}");
        }
    }

    #[test]
    fn what_telegram_calls_people_fits() {
        assert_eq!(tidy(" Ali\nValiev\u{0} "), "Ali Valiev");
        assert_eq!(tidy(&"я".repeat(999)).chars().count(), FULL_NAME_MAX);
        for (raw, name) in [
            ("@ali_1", Some("ali_1")),
            ("ali", Some("ali")),
            ("", None),
            ("ali valiev", None),
            ("https://t.me/ali", None),
        ] {
            assert_eq!(username(raw).as_deref(), name, "{raw:?}");
        }
        assert_eq!(username(&"a".repeat(33)), None);
    }
}
