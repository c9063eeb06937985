//! A person's money stands still: it comes in, and its owner spends none of it.
//!
//! Only what can be spent is frozen. Money that a deal holds, or that is promised to a payout, was spent before; staff
//! decide about those by their own commands.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::posting::{Account, open_account};
use crate::accounts::User;
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result, texts};
use crate::ids::UserId;
use crate::statement::statement;
use crate::{Conn, Outcome, Tx};

/// The longest reason.
const REASON_MAX: usize = 2_000;

/// Whether a person's money stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// Since when; none when it moves.
    pub since: Option<DateTime<Utc>>,
    /// Whether this call changed it.
    pub outcome: Outcome,
}

/// Stops a person's spending. A repeat finds it stopped.
///
/// # Errors
/// `NOT_FOUND`; `PERMISSION_DENIED` for one's own money; `VALIDATION_ERROR` for a reason that is blank or too long.
pub async fn freeze(tx: &mut Tx, staff: UserId, person: UserId, reason: &str) -> Result<Frozen> {
    turn(tx, staff, person, (true, reason)).await
}

/// Lets a person spend again. A repeat finds it so.
///
/// # Errors
/// Those of [`freeze`].
pub async fn unfreeze(tx: &mut Tx, staff: UserId, person: UserId, reason: &str) -> Result<Frozen> {
    turn(tx, staff, person, (false, reason)).await
}

/// Whether a person's spending is stopped.
///
/// # Errors
/// The database's.
pub async fn is_frozen(conn: &mut Conn, person: UserId) -> Result<bool> {
    Ok(frozen_at(conn, person).await?.is_some())
}

async fn turn(
    tx: &mut Tx,
    staff: UserId,
    person: UserId,
    (freeze, reason): (bool, &str),
) -> Result<Frozen> {
    #[derive(QueryableByName)]
    struct Turned {
        #[diesel(sql_type = Bool)]
        turned: bool,
    }
    let reason = checked(reason)?;
    if staff == person {
        return Err(Error::new(Code::PermissionDenied));
    }
    User::find(tx, person).await?.ok_or_else(|| Error::new(Code::NotFound))?;
    open_account(tx, Account::Available(person)).await?;
    let turned: Turned = statement("SELECT ledger.freeze_account($1, $2) AS turned")
        .bind::<SqlUuid, _>(person)
        .bind::<Bool, _>(freeze)
        .get_result(tx.conn())
        .await?;
    let since = frozen_at(tx, person).await?;
    if !turned.turned {
        return Ok(Frozen { since, outcome: Outcome::AlreadyDone });
    }
    let action = if freeze { "balance.freeze" } else { "balance.unfreeze" };
    tracing::warn!(target: "ledger", action, %person, %staff, reason, "{action}");
    let object = ("user", person.to_string());
    let details = json!({ "reason": reason });
    audit::record(tx, Actor::Staff(staff), action, object, details).await?;
    Ok(Frozen { since, outcome: Outcome::Done })
}

async fn frozen_at(conn: &mut Conn, person: UserId) -> Result<Option<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        frozen_at: Option<DateTime<Utc>>,
    }
    let row: Option<Row> = statement(
        "SELECT frozen_at FROM ledger.account WHERE kind = 'user_available' AND owner_id = $1",
    )
    .bind::<SqlUuid, _>(person)
    .get_result(conn)
    .await
    .optional()?;
    Ok(row.and_then(|row| row.frozen_at))
}

fn checked(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", texts::REQUIRED));
    }
    if reason.chars().count() > REASON_MAX {
        let limit = REASON_MAX.to_string();
        return Err(Error::new(Code::ValidationError).and_field("reason", texts::TOO_LONG, limit));
    }
    Ok(reason)
}
