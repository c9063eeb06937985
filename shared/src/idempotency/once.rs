//! A transaction that happens once per key.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::claim::{Claimed, KeyedRequest, Stored, claim, keep_answer, keep_made};
use crate::db::Work;
use crate::error::{Error, Result};
use crate::{Db, Tx};

/// What is kept of a transaction's result.
#[derive(Clone, Debug)]
pub enum Keep {
    /// The answer.
    Answer(Stored),
    /// What it made, because the answer needs more: see [`keep_later`].
    Made(String),
}

impl Keep {
    /// What a transaction made, for [`read_made`] when the request is repeated.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` for what cannot be written as JSON.
    pub fn made(value: &impl Serialize) -> Result<Self> {
        serde_json::to_string(value).map(Self::Made).map_err(Error::internal)
    }
}

/// Reads what [`Keep::made`] kept.
///
/// # Errors
/// `INTERNAL_ERROR` for what another release kept in another form.
pub fn read_made<T: DeserializeOwned>(made: &str) -> Result<T> {
    serde_json::from_str(made).map_err(Error::internal)
}

/// What came of a transaction.
#[derive(Debug)]
pub enum Once<T> {
    /// It happened now.
    Now(T),
    /// It happened before, and this was the answer.
    Answered(Stored),
    /// It happened before and made this; what was answered is not known.
    Begun(String),
}

/// Runs `work` in one transaction, like [`Db::transaction`]. With a key it happens once; the key is its first write.
///
/// # Errors
/// Whatever `work` returns; `IDEMPOTENCY_KEY_MISMATCH` when the key stands for another request;
/// `IDEMPOTENCY_IN_PROGRESS` when that request is still at work.
pub async fn once<T, F>(
    db: &Db,
    request: Option<&KeyedRequest>,
    keep: fn(&T) -> Result<Keep>,
    work: F,
) -> Result<Once<T>>
where
    F: for<'t> AsyncFnOnce(&'t mut Tx) -> Result<T>
        + for<'t> Work<&'t mut Tx, Result<T>, Fut: Send>
        + Send,
    T: Send,
{
    let mut tx = db.begin().await?;
    let claimed = match request {
        Some(request) => claim(&mut tx, request).await,
        None => Ok(Claimed::Now),
    };
    let result = match claimed {
        Ok(Claimed::Now) => match work(&mut tx).await {
            Ok(value) => kept(&mut tx, request, keep, value).await,
            Err(error) => Err(error),
        },
        Ok(Claimed::Answered(answer)) => Ok(Once::Answered(answer)),
        Ok(Claimed::Begun(made)) => Ok(Once::Begun(made)),
        Err(error) => Err(error),
    };
    Box::pin(db.end(tx, result)).await
}

async fn kept<T>(
    tx: &mut Tx,
    request: Option<&KeyedRequest>,
    keep: fn(&T) -> Result<Keep>,
    value: T,
) -> Result<Once<T>> {
    if let Some(request) = request {
        // Read before anything is awaited: the value itself need not be shared between threads.
        let kept = keep(&value)?;
        match kept {
            Keep::Answer(answer) => keep_answer(tx, request, &answer).await?,
            Keep::Made(made) => keep_made(tx, request, &made).await?,
        }
    }
    Ok(Once::Now(value))
}

/// Keeps an answer that was not known when its transaction was committed. The first answer stays.
///
/// # Errors
/// The database's.
pub async fn keep_later(db: &Db, request: &KeyedRequest, answer: &Stored) -> Result<()> {
    keep_answer(&mut *db.read().await?, request, answer).await
}
