//! `wibe migrate`: the schema, the application role's rights, and the reference data.

mod reference;

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::sql_types::Text;
use diesel_async::{
    AsyncConnection as _, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl,
    SimpleAsyncConnection as _,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::error::{Error, Result};
use crate::settings::DatabaseSettings;
use crate::statement::statement;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Brings a database to this version: pending migrations in order, rights for the role of `DATABASE_URL`, and
/// reference data that is missing. Returns the migrations that ran. Safe to run twice and by two at once.
///
/// Needs the multi-threaded runtime.
///
/// # Errors
/// `SERVICE_UNAVAILABLE` when the server does not answer; otherwise what a migration says.
pub async fn migrate(settings: &DatabaseSettings) -> Result<Vec<String>> {
    let mut conn = AsyncPgConnection::establish(settings.direct_url.expose())
        .await
        .map_err(Error::unavailable)?;
    // One migrator at a time; the lock goes with the session.
    conn.batch_execute("SELECT pg_advisory_lock(8113217)").await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let ran = tokio::task::block_in_place(|| {
        harness
            .run_pending_migrations(MIGRATIONS)
            .map(|ran| ran.iter().map(ToString::to_string).collect())
    })
    .map_err(Error::internal)?;
    let mut conn = harness.into_inner();
    let owner = role_of(settings.direct_url.expose());
    if let Some(role) = role_of(settings.url.expose()).filter(|role| Some(*role) != owner) {
        statement("SELECT grant_app_role($1)").bind::<Text, _>(role).execute(&mut conn).await?;
    }
    reference::load(&mut conn).await?;
    Ok(ran)
}

/// The role a `postgresql://role:password@host/…` URL signs in as.
fn role_of(url: &str) -> Option<&str> {
    let (authority, _) = url.split_once("://")?.1.split_once('@')?;
    let role = authority.split(':').next()?;
    (!role.is_empty()).then_some(role)
}

/// Whether the database is at this version.
///
/// # Errors
/// The database's.
pub async fn is_current(conn: &mut crate::Conn) -> Result<bool> {
    #[derive(diesel::QueryableByName)]
    struct Newest {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        current: bool,
    }
    let newest = MigrationSource::<Pg>::migrations(&MIGRATIONS)
        .map_err(Error::internal)?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .max()
        .unwrap_or_default();
    let row: std::result::Result<Newest, _> = statement(
        "SELECT coalesce(max(version), '') >= $1 AS current FROM __diesel_schema_migrations",
    )
    .bind::<Text, _>(newest)
    .get_result(conn)
    .await;
    // A database without the table has never been migrated.
    Ok(row.is_ok_and(|row| row.current))
}
