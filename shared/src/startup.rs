//! What every process makes sure of before it serves: the schema is there, and production is durable and on time.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_async::RunQueryDsl;

use crate::error::{Error, Result};
use crate::migrate;
use crate::settings::AppEnv;
use crate::statement::statement;
use crate::{App, Conn};

/// How long a starting process waits for its database.
const WAIT_FOR_DATABASE: Duration = Duration::from_secs(10);

/// Waits for the database, then refuses to start on a schema that is too old, and in production also on a shifted
/// clock or a server that may lose a commit.
///
/// # Errors
/// One clear sentence about what to do.
pub async fn check(app: &App) -> Result<()> {
    let conn = &mut connected(app).await?;
    if !migrate::is_current(conn).await? {
        return Err(Error::internal(
            "the database schema is not at this version: run `wibe migrate`",
        ));
    }
    if app.settings.env == AppEnv::Production {
        durable(conn).await?;
        on_time(conn).await?;
    }
    Ok(())
}

/// Says in the log, and to Sentry, why a process does not start or does not go on.
pub fn report(problem: &str) {
    tracing::error!(target: "process", problem, "this process ends");
}

/// Says on standard error why a process does not start.
pub fn refuse(process: &str, problem: &str) -> ExitCode {
    #[expect(
        clippy::print_stderr,
        reason = "start-up problems are for whoever starts the process, logging or not"
    )]
    {
        eprintln!("{process}: {problem}");
    }
    ExitCode::FAILURE
}

async fn connected(app: &App) -> Result<impl std::ops::DerefMut<Target = Conn>> {
    let started = Instant::now();
    loop {
        match app.db.read().await {
            Ok(conn) => return Ok(conn),
            Err(error) if started.elapsed() > WAIT_FOR_DATABASE => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn durable(conn: &mut Conn) -> Result<()> {
    #[derive(QueryableByName)]
    struct Off {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let off: Option<Off> = statement(
        "SELECT name FROM pg_settings
         WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' LIMIT 1",
    )
    .get_result(conn)
    .await
    .optional()?;
    off.map_or(Ok(()), |off| {
        Err(Error::internal(format!("PostgreSQL runs with {} off: it may lose money", off.name)))
    })
}

async fn on_time(conn: &mut Conn) -> Result<()> {
    #[derive(QueryableByName)]
    struct Clock {
        #[diesel(sql_type = Bool)]
        shifted: bool,
        #[diesel(sql_type = BigInt)]
        server_ms: i64,
    }
    let clock: Clock = statement(
        "SELECT shift <> interval '0' AS shifted, (extract(epoch FROM now()) * 1000)::bigint AS server_ms FROM app_clock",
    )
    .get_result(conn)
    .await?;
    if clock.shifted {
        return Err(Error::internal("app_clock is shifted: production runs on real time"));
    }
    let here = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_err(Error::internal)?;
    let skew = clock.server_ms.abs_diff(i64::try_from(here.as_millis()).map_err(Error::internal)?);
    if skew > 5_000 {
        return Err(Error::internal(format!(
            "the clock of this host is {skew} ms off the database's"
        )));
    }
    Ok(())
}
