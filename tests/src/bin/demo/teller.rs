//! Speaking to the platform, and telling what happened.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use tests::{Client, Reply};

/// What went wrong, in a sentence.
pub type Result<T, E = String> = std::result::Result<T, E>;

/// The platform that is asked.
pub struct Platform {
    pub client: Client,
    pub database_url: String,
    pub mail_dir: PathBuf,
    pub staff: (String, String),
    pub payme_key: String,
}

impl Platform {
    /// Reads `.local/env`'s variables.
    pub fn from_env() -> Result<Self> {
        let read = |name: &str| {
            std::env::var(name)
                .map_err(|_| format!("{name} is not set: run it with `cargo xtask demo`"))
        };
        Ok(Self {
            client: Client::at(&read("API_URL")?),
            database_url: read("MIGRATION_DATABASE_URL")?,
            mail_dir: read("MAIL_DIR")?.into(),
            staff: (read("DEMO_STAFF_EMAIL")?, read("DEMO_STAFF_PASSWORD")?),
            payme_key: read("PAYME_SECRET_KEY")?,
        })
    }

    /// A connection of the schema's owner: the demo moves the clock and reads the ledger, and nothing else.
    pub async fn database(&self) -> Result<AsyncPgConnection> {
        AsyncPgConnection::establish(&self.database_url).await.map_err(|error| error.to_string())
    }

    /// Waits until a job of this kind that was recorded after `since` has ended, and tells how long it took.
    pub async fn wait_for_job(&self, kind: &str, since: i64) -> Result<()> {
        #[derive(QueryableByName)]
        struct Ended {
            #[diesel(sql_type = BigInt)]
            id: i64,
            #[diesel(sql_type = Text)]
            state: String,
            #[diesel(sql_type = BigInt)]
            waited_ms: i64,
            #[diesel(sql_type = BigInt)]
            ran_ms: i64,
        }
        let started = Instant::now();
        loop {
            let ended: Option<Ended> = diesel::sql_query(
                "SELECT id, state, greatest(0, (extract(epoch FROM finished_at - (ended_at - started_at) - run_at) * 1000)::bigint) AS waited_ms,
                        (extract(epoch FROM ended_at - started_at) * 1000)::bigint AS ran_ms
                 FROM jobs WHERE kind = $1 AND id > $2 AND state IN ('done', 'dead') ORDER BY id LIMIT 1",
            )
            .bind::<Text, _>(kind)
            .bind::<BigInt, _>(since)
            .load(&mut self.database().await?)
            .await
            .map_err(|error| error.to_string())?
            .pop();
            match ended {
                Some(job) if job.state == "done" => {
                    println!(
                        "        job {} #{}: started {} ms after it was due, ran {} ms",
                        kind, job.id, job.waited_ms, job.ran_ms
                    );
                    return Ok(());
                }
                Some(job) => return Err(format!("job {kind} #{} is {}", job.id, job.state)),
                None if started.elapsed() > Duration::from_secs(30) => {
                    return Err(format!("no worker ran {kind} in 30 s"));
                }
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The newest job there is.
    pub async fn newest_job(&self) -> Result<i64> {
        self.number("SELECT coalesce(max(id), 0) AS n FROM jobs").await
    }

    /// One number.
    pub async fn number(&self, sql: &'static str) -> Result<i64> {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let row: Number = diesel::sql_query(sql)
            .get_result(&mut self.database().await?)
            .await
            .map_err(|error| error.to_string())?;
        Ok(row.n)
    }
}

/// Tells a step.
pub fn tell(text: &str) {
    println!("\n  ▸ {text}");
}

/// Tells a detail of a step.
pub fn detail(text: &str) {
    println!("        {text}");
}

/// The reply, if it has this status.
pub fn want(reply: Reply, status: u16, what: &str) -> Result<Reply> {
    if reply.status == status {
        Ok(reply)
    } else {
        Err(format!("{what}: {} {}", reply.status, reply.text))
    }
}

/// A text field of a reply.
pub fn field(reply: &Reply, pointer: &str) -> Result<String> {
    reply
        .json
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| format!("{pointer} is not in {}", reply.text))
}
