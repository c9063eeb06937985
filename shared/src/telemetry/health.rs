//! How the platform is: what a load balancer asks, and what an operator asks.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel_async::RunQueryDsl;
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::jobs::{self, Queue};
use crate::statement::statement;
use crate::{App, migrate};

/// A database or Redis that takes longer is not there.
const PATIENCE: Duration = Duration::from_millis(500);
/// A worker says that it is alive every few seconds.
const WORKER_SILENCE_MAX: i64 = 60;
/// Some schedule fires every minute.
const SCHEDULER_SILENCE_MAX: i64 = 180;
/// A due job starts within milliseconds on a healthy platform.
const DUE_AGE_MAX: i64 = 300;

/// One part of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// Seconds since it was heard of, or since when it waits; none when it does not apply.
    pub age_seconds: Option<i64>,
}

/// All parts of the platform.
#[derive(Clone, Debug)]
pub struct Health {
    /// Database first.
    pub checks: Vec<Check>,
}

impl Health {
    /// `ok`, `degraded` (it works, but not all of it) or `down` (no database).
    #[must_use]
    pub fn status(&self) -> &'static str {
        let failed = |check: &Check| !check.ok;
        match self.checks.iter().find(|check| failed(check)) {
            None => "ok",
            Some(check) if check.name == "database" => "down",
            Some(_) => "degraded",
        }
    }
}

/// Whether requests can be served: the database answers in time and has this version's schema.
pub async fn is_ready(app: &App) -> bool {
    let current = async { migrate::is_current(&mut *app.db.read().await?).await };
    matches!(timeout(PATIENCE, current).await, Ok(Ok(true)))
}

/// Every part, looked at now.
pub async fn detailed(app: &App) -> Health {
    let (redis, figures) = tokio::join!(ping(app), timeout(PATIENCE, figures(app)));
    let redis = Check { name: "redis", ok: redis.is_ok(), age_seconds: None };
    let figures = match figures {
        Ok(Ok(figures)) => Some(figures),
        Ok(Err(error)) => {
            tracing::warn!(target: "db", error = %error.causes(), "health");
            None
        }
        Err(_) => None,
    };
    let mut checks =
        vec![Check { name: "database", ok: figures.is_some(), age_seconds: None }, redis];
    checks.extend(figures.into_iter().flatten());
    Health { checks }
}

#[derive(Debug, QueryableByName)]
struct Figures {
    #[diesel(sql_type = Nullable<BigInt>)]
    worker_age: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    due_age: Option<i64>,
    #[diesel(sql_type = Bool)]
    ledger_ok: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    off_age: Option<i64>,
}

impl Figures {
    fn checks(&self, scheduler_age: Option<i64>) -> [Check; 5] {
        let heard = |age: Option<i64>, max: i64| age.is_some_and(|age| age <= max);
        [
            Check {
                name: "worker",
                ok: heard(self.worker_age, WORKER_SILENCE_MAX),
                age_seconds: self.worker_age,
            },
            Check {
                name: "scheduler",
                ok: heard(scheduler_age, SCHEDULER_SILENCE_MAX),
                age_seconds: scheduler_age,
            },
            Check {
                name: "jobs",
                ok: self.due_age.is_none_or(|age| age <= DUE_AGE_MAX),
                age_seconds: self.due_age,
            },
            Check { name: "ledger", ok: self.ledger_ok, age_seconds: None },
            Check { name: "switches", ok: self.off_age.is_none(), age_seconds: self.off_age },
        ]
    }
}

/// The ledger's part is quick: the last postings balance, the last checks found nothing, and they have not given up.
async fn figures(app: &App) -> Result<[Check; 5]> {
    let conn = &mut app.db.read().await?;
    let figures: Figures = statement(
        "SELECT (SELECT extract(epoch FROM now() - max(seen_at))::bigint FROM job_workers) AS worker_age,
                (SELECT extract(epoch FROM max(due.age))::bigint FROM unnest($1) AS q (queue)
                 CROSS JOIN LATERAL (SELECT app_now() - run_at AS age FROM jobs WHERE state = 'pending' AND queue = q.queue
                                     AND run_at <= app_now() ORDER BY run_at, id LIMIT 1) AS due) AS due_age,
                (SELECT coalesce(sum(amount), 0) = 0 FROM ledger.entry
                 WHERE journal_id > (SELECT max(id) - 5000 FROM ledger.journal))
                AND NOT EXISTS (SELECT 1 FROM jobs WHERE kind IN ('ledger_check', 'ledger_check_full') AND state = 'dead')
                AND (SELECT violations = '{}' FROM ledger_check_marks) AS ledger_ok,
                (SELECT extract(epoch FROM app_now() - min(off_at))::bigint FROM platform_switches) AS off_age",
    )
    .bind::<Array<Text>, _>(Queue::ALL.iter().map(|queue| queue.as_str()).collect::<Vec<_>>())
    .get_result(conn)
    .await?;
    let scheduler_age = jobs::last_fires(conn).await?.iter().map(|fire| fire.age).min();
    Ok(figures.checks(scheduler_age))
}

async fn ping(app: &App) -> Result<()> {
    let ping = async {
        let client = redis::Client::open(app.settings.redis.url.expose())?;
        let mut conn = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").exec_async(&mut conn).await
    };
    timeout(PATIENCE, ping).await.map_err(Error::unavailable)?.map_err(Error::unavailable)
}

#[cfg(test)]
mod tests {
    use super::{Check, Figures, Health};

    fn figures() -> Figures {
        Figures { worker_age: Some(2), due_age: None, ledger_ok: true, off_age: None }
    }

    #[test]
    fn silence_and_backlog_are_seen() {
        let names = |figures: Figures, scheduler_age| -> Vec<&str> {
            let checks = figures.checks(Some(scheduler_age));
            checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
        };
        assert_eq!(names(figures(), 30), Vec::<&str>::new());
        assert_eq!(names(Figures { worker_age: None, ..figures() }, 30), ["worker"]);
        assert_eq!(names(figures(), 3_600), ["scheduler"]);
        assert_eq!(
            names(Figures { due_age: Some(301), ledger_ok: false, ..figures() }, 30),
            ["jobs", "ledger"]
        );
        assert_eq!(names(Figures { off_age: Some(9), ..figures() }, 30), ["switches"]);
    }

    #[test]
    fn without_redis_it_is_degraded_and_without_a_database_it_is_down() {
        let status = |database, redis| {
            let check = |name, ok| Check { name, ok, age_seconds: None };
            Health { checks: vec![check("database", database), check("redis", redis)] }.status()
        };
        assert_eq!(
            [status(true, true), status(true, false), status(false, true)],
            ["ok", "degraded", "down"]
        );
    }
}
