//! A guess at a code: counted, whatever comes of it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::{OneTimeCode, Purpose, TRIES, TRIES_IN_ALL};
use super::refusal::Refusal;
use crate::accounts::{Client, devices, fields};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{CodeId, UserId};
use crate::schema::{code_tries, one_time_codes};
use crate::telemetry::metrics;
use crate::{App, Tx};

/// What came of a code. A refusal is a value, because the try it cost must be committed: only then does the caller see
/// the error.
#[must_use]
pub enum Guess<T> {
    /// It was right, and this is what it opened.
    Right(T),
    /// It opens nothing.
    Refused(Code),
}

impl<T> Guess<T> {
    /// What the code opened, or why it did not; to be called after the commit.
    ///
    /// # Errors
    /// `CODE_INVALID`, or why a right code opens nothing.
    pub fn into_result(self) -> Result<T> {
        match self {
            Self::Right(opened) => Ok(opened),
            Self::Refused(code) => Err(Error::new(code)),
        }
    }
}

/// Which code is meant.
#[derive(Clone, Debug)]
pub enum Which {
    /// That of a request.
    Request(CodeId),
    /// The newest that waits for a phone, in its canonical form.
    Phone(String),
    /// The newest that waits for a signed-in person.
    Of(UserId),
    /// The newest that the bot shows to an account with Telegram.
    Telegram(i64),
}

/// Who tries a code. Tries are counted for each apart, so that a stranger who knows a phone uses up nobody's but their own.
#[derive(Clone, Debug)]
pub(super) enum Guesser {
    /// Somebody in a network.
    Network(String),
    /// A signed-in person, wherever they are.
    Person(UserId),
}

impl Guesser {
    /// Somebody who is not signed in.
    pub(super) fn stranger(client: &Client) -> Self {
        Self::Network(devices::network_of(client))
    }

    /// How they are counted.
    fn key(&self) -> String {
        match self {
            Self::Network(network) => format!("network:{network}"),
            Self::Person(id) => format!("person:{id}"),
        }
    }
}

impl Which {
    /// The newest code of a phone, in any spelling.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` on `phone_number`.
    pub fn phone(raw: &str) -> Result<Self> {
        canonical(raw, "phone_number").map(Self::Phone)
    }
}

/// A number in its canonical form, or what is wrong with the field it is in.
pub(super) fn canonical(raw: &str, field: &str) -> Result<String> {
    let wrong = |(text, value)| Error::new(Code::ValidationError).and_field(field, text, value);
    let number = fields::phone_number(raw).map_err(wrong)?;
    number.ok_or_else(|| Error::field(field, texts::REQUIRED))
}

/// Tries digits. The row of the code when they are right, still unused; nothing when the code is refused.
///
/// Guesses at one phone are made one at a time: the same code in many requests opens one session, and two codes of one
/// phone make one account.
pub(super) async fn guess(
    tx: &mut Tx,
    app: &App,
    (which, purpose): (&Which, Purpose),
    digits: &str,
    by: &Guesser,
) -> Result<Option<OneTimeCode>> {
    match find(tx, which, purpose).await? {
        Some(id) => try_digits(tx, app, (id, purpose), digits, by).await,
        None => {
            refuse(purpose, None, Refusal::Unknown);
            Ok(None)
        }
    }
}

/// Tries digits at a code that was found.
pub(super) async fn try_digits(
    tx: &mut Tx,
    app: &App,
    (id, purpose): (CodeId, Purpose),
    digits: &str,
    by: &Guesser,
) -> Result<Option<OneTimeCode>> {
    let row = OneTimeCode::lock(tx, id).await?.filter(|row| row.purpose == purpose);
    let Some(row) = row else {
        refuse(purpose, Some(id), Refusal::Unknown);
        return Ok(None);
    };
    let tries = tries_of(tx, id, by).await?;
    match row.judge(&app.tokens, digits, tx.now(), tries) {
        Ok(()) => Ok(Some(row)),
        Err(refusal) => {
            if refusal == Refusal::Wrong {
                count_try(tx, &row, by, tries).await?;
            }
            refuse(purpose, Some(id), refusal);
            Ok(None)
        }
    }
}

/// The code that is meant. Whoever else speaks of its phone waits from here on.
pub(super) async fn find(tx: &mut Tx, which: &Which, purpose: Purpose) -> Result<Option<CodeId>> {
    let waiting = one_time_codes::table
        .filter(one_time_codes::purpose.eq(purpose))
        .filter(one_time_codes::used_at.is_null())
        .order((one_time_codes::created_at.desc(), one_time_codes::id.desc()))
        .select((one_time_codes::id, one_time_codes::phone_number));
    let found: Option<(CodeId, String)> = match which {
        Which::Request(id) => {
            OneTimeCode::find(tx, *id).await?.map(|row| (row.id, row.phone_number))
        }
        Which::Phone(phone) => {
            claim_phone(tx, phone).await?;
            let theirs = waiting.filter(one_time_codes::phone_number.eq(phone));
            return Ok(theirs.first(tx.conn()).await.optional()?.map(first_of));
        }
        Which::Of(user) => {
            let theirs = waiting.filter(one_time_codes::user_id.eq(user));
            theirs.first(tx.conn()).await.optional()?
        }
        Which::Telegram(telegram) => {
            let theirs = waiting.filter(one_time_codes::telegram_id.eq(telegram));
            theirs.first(tx.conn()).await.optional()?
        }
    };
    let Some((id, phone)) = found else { return Ok(None) };
    claim_phone(tx, &phone).await?;
    Ok(Some(id))
}

fn first_of((id, _phone): (CodeId, String)) -> CodeId {
    id
}

async fn claim_phone(tx: &mut Tx, phone: &str) -> Result<()> {
    tx.one_at_a_time(&format!("accounts.phone:{phone}")).await
}

/// How often they tried it. The code's row is locked.
async fn tries_of(tx: &mut Tx, code: CodeId, by: &Guesser) -> Result<i16> {
    let tries = code_tries::table.find((code, by.key())).select(code_tries::tries);
    Ok(tries.first(tx.conn()).await.optional()?.unwrap_or(0))
}

async fn count_try(tx: &mut Tx, row: &OneTimeCode, by: &Guesser, tries: i16) -> Result<()> {
    diesel::update(one_time_codes::table.find(row.id))
        .set(one_time_codes::attempts.eq(one_time_codes::attempts + 1_i16))
        .execute(tx.conn())
        .await?;
    diesel::insert_into(code_tries::table)
        .values((
            code_tries::code_id.eq(row.id),
            code_tries::whose.eq(by.key()),
            code_tries::tries.eq(1_i16),
        ))
        .on_conflict((code_tries::code_id, code_tries::whose))
        .do_update()
        .set(code_tries::tries.eq(code_tries::tries + 1_i16))
        .execute(tx.conn())
        .await?;
    let for_all = row.attempts.saturating_add(1) >= TRIES_IN_ALL;
    if for_all || tries.saturating_add(1) >= TRIES {
        let object = ("one_time_code", row.id.to_string());
        let details = json!({ "purpose": row.purpose, "user": row.user_id, "for_all": for_all });
        audit::record(tx, Actor::System, "auth.code_exhausted", object, details).await?;
    }
    Ok(())
}

/// Says to the metrics and to the log why a code is not taken.
pub(super) fn refuse(purpose: Purpose, id: Option<CodeId>, refusal: Refusal) {
    let labels = [purpose.as_str(), refusal.as_str()];
    metrics::CODES_REFUSED.with_label_values(&labels).inc();
    let id = id.map(|id| id.to_string());
    tracing::warn!(target: "accounts", code_id = id, purpose = purpose.as_str(), reason = refusal.as_str(), "code refused");
}
