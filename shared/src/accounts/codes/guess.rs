//! A guess at a code: counted, whatever comes of it.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::model::{OneTimeCode, Purpose, TRIES};
use super::refusal::Refusal;
use crate::accounts::fields;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{CodeId, UserId};
use crate::schema::one_time_codes;
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
    which: &Which,
    purpose: Purpose,
    digits: &str,
) -> Result<Option<OneTimeCode>> {
    let Some(id) = find(tx, which, purpose).await? else {
        return Ok(refuse(purpose, None, Refusal::Unknown));
    };
    let Some(row) = OneTimeCode::lock(tx, id).await?.filter(|row| row.purpose == purpose) else {
        return Ok(refuse(purpose, Some(id), Refusal::Unknown));
    };
    match row.judge(&app.tokens, digits, tx.now()) {
        Ok(()) => Ok(Some(row)),
        Err(refusal) => {
            if refusal == Refusal::Wrong {
                count_try(tx, &row).await?;
            }
            Ok(refuse(purpose, Some(id), refusal))
        }
    }
}

/// The code that is meant. Whoever else speaks of its phone waits from here on.
async fn find(tx: &mut Tx, which: &Which, purpose: Purpose) -> Result<Option<CodeId>> {
    match which {
        Which::Request(id) => {
            let Some(row) = OneTimeCode::find(tx, *id).await? else { return Ok(None) };
            claim_phone(tx, &row.phone_number).await?;
            Ok(Some(row.id))
        }
        Which::Phone(phone) => {
            claim_phone(tx, phone).await?;
            let theirs = one_time_codes::table
                .filter(one_time_codes::phone_number.eq(phone))
                .filter(one_time_codes::purpose.eq(purpose))
                .filter(one_time_codes::used_at.is_null())
                .order((one_time_codes::created_at.desc(), one_time_codes::id.desc()))
                .select(one_time_codes::id);
            Ok(theirs.first(tx.conn()).await.optional()?)
        }
        Which::Of(user) => {
            let theirs = one_time_codes::table
                .filter(one_time_codes::user_id.eq(user))
                .filter(one_time_codes::purpose.eq(purpose))
                .filter(one_time_codes::used_at.is_null())
                .order((one_time_codes::created_at.desc(), one_time_codes::id.desc()))
                .select(one_time_codes::id);
            Ok(theirs.first(tx.conn()).await.optional()?)
        }
    }
}

async fn claim_phone(tx: &mut Tx, phone: &str) -> Result<()> {
    tx.one_at_a_time(&format!("accounts.phone:{phone}")).await
}

async fn count_try(tx: &mut Tx, row: &OneTimeCode) -> Result<()> {
    diesel::update(one_time_codes::table.find(row.id))
        .set(one_time_codes::attempts.eq(one_time_codes::attempts + 1_i16))
        .execute(tx.conn())
        .await?;
    if row.attempts.saturating_add(1) >= TRIES {
        let object = ("one_time_code", row.id.to_string());
        let details = json!({ "purpose": row.purpose, "user": row.user_id });
        audit::record(tx, Actor::System, "auth.code_exhausted", object, details).await?;
    }
    Ok(())
}

fn refuse<T>(purpose: Purpose, id: Option<CodeId>, refusal: Refusal) -> Option<T> {
    let labels = [purpose.as_str(), refusal.as_str()];
    metrics::CODES_REFUSED.with_label_values(&labels).inc();
    let id = id.map(|id| id.to_string());
    tracing::warn!(target: "accounts", code_id = id, purpose = purpose.as_str(), reason = refusal.as_str(), "code refused");
    None
}
