//! What the two parties say while staff decide.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::{Escrow, EscrowStatus, lock_alone};
use crate::error::{Code, Error, Result, texts};
use crate::ids::{EscrowId, UserId};
use crate::schema::escrow_evidence;
use crate::{Conn, Tx};

/// The longest statement.
const TEXT_MAX: usize = 2_000;
/// How many statements one party may make about one deal.
const COUNT_MAX: i64 = 20;

/// What a party said about a disputed deal.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = escrow_evidence)]
pub struct Evidence {
    /// Its number.
    pub id: i64,
    /// Who said it.
    pub author_id: UserId,
    /// The words.
    pub text: String,
    /// Said at.
    pub created_at: DateTime<Utc>,
}

/// Adds a statement to a disputed deal. The same words again are the same statement.
///
/// # Errors
/// `VALIDATION_ERROR` naming `text`; `NOT_FOUND` for strangers; `INVALID_STATE` unless it is disputed; `LIMIT_REACHED`.
pub async fn add_evidence(tx: &mut Tx, who: UserId, id: EscrowId, text: &str) -> Result<Evidence> {
    let text = text_of(text)?;
    let (escrow, _) = lock_alone(tx, id).await?;
    escrow.side_of(who).ok_or(Code::NotFound)?;
    if escrow.status != EscrowStatus::Disputed {
        return Err(escrow.refused());
    }
    let theirs: Vec<Evidence> = Evidence::query()
        .filter(escrow_evidence::escrow_id.eq(id).and(escrow_evidence::author_id.eq(who)))
        .order(escrow_evidence::id)
        .limit(COUNT_MAX)
        .load(tx.conn())
        .await?;
    if let Some(same) = theirs.iter().find(|said| said.text == text) {
        return Ok(same.clone());
    }
    if i64::try_from(theirs.len()).unwrap_or(i64::MAX) >= COUNT_MAX {
        return Err(Error::new(Code::LimitReached).fact("statements", COUNT_MAX.into()));
    }
    let said = diesel::insert_into(escrow_evidence::table)
        .values((
            escrow_evidence::escrow_id.eq(id),
            escrow_evidence::author_id.eq(who),
            escrow_evidence::text.eq(text),
        ))
        .returning(Evidence::as_select())
        .get_result(tx.conn())
        .await?;
    tracing::info!(target: "escrow", escrow = %id, author = %who, "evidence added");
    Ok(said)
}

/// All that was said about a deal, the oldest first.
///
/// # Errors
/// The database's.
pub async fn evidence_of(conn: &mut Conn, escrow: &Escrow) -> Result<Vec<Evidence>> {
    let said = Evidence::query()
        .filter(escrow_evidence::escrow_id.eq(escrow.id))
        .order(escrow_evidence::id)
        .load(conn)
        .await?;
    Ok(said)
}

fn text_of(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field("text", texts::REQUIRED));
    }
    if text.chars().count() > TEXT_MAX {
        return Err(Error::new(Code::ValidationError).and_field(
            "text",
            texts::TOO_LONG,
            TEXT_MAX.to_string(),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_words_and_an_end() {
        assert_eq!(text_of("  see the recording ").expect("words"), "see the recording");
        for wrong in ["", " \n", &"я".repeat(TEXT_MAX + 1)] {
            assert_eq!(text_of(wrong).expect_err("refused").code(), Code::ValidationError);
        }
        assert!(text_of(&"я".repeat(TEXT_MAX)).is_ok());
    }
}
