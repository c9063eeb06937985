//! Times as a reader's clock shows them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::Conn;
use crate::accounts::User;
use crate::error::Result;
use crate::language::Language;
use crate::statement::statement;

/// An instant on this person's clock, such as `26.11.2026, 14:30 (Asia/Tashkent)`.
///
/// PostgreSQL converts it: it also decides which time zones a person may choose, so the two never disagree.
///
/// # Errors
/// The database's.
pub(crate) async fn local_time(
    conn: &mut Conn,
    at: DateTime<Utc>,
    reader: &User,
) -> Result<String> {
    #[derive(QueryableByName)]
    struct Shown {
        #[diesel(sql_type = Text)]
        at: String,
    }
    let shown: Shown = statement("SELECT to_char($1 AT TIME ZONE $2, $3) AS at")
        .bind::<Timestamptz, _>(at)
        .bind::<Text, _>(&reader.timezone)
        .bind::<Text, _>(pattern(reader.language))
        .get_result(conn)
        .await?;
    Ok(format!("{} ({})", shown.at, reader.timezone))
}

fn pattern(language: Language) -> &'static str {
    match language {
        Language::Uz | Language::Ru => "DD.MM.YYYY, HH24:MI",
        Language::En => "DD Mon YYYY, HH24:MI",
    }
}
