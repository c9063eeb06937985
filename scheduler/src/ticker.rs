//! The ticker: looks once a second which ticks are due in business time, and fires them.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use apalis_cron::CronScheduler;
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use shared::error::Result;
use shared::telemetry::{metrics, trace};
use shared::{App, Outcome, jobs};

use crate::schedule::{CatchUp, Scheduled, schedule};

/// Ticks looked at per schedule and round: a clock that jumps a year does not stop the process.
const TICKS_MAX: usize = 100_000;

/// The state of one scheduler process.
pub struct Ticker {
    app: Arc<App>,
    schedule: Vec<Scheduled>,
    last: HashMap<&'static str, DateTime<Utc>>,
}

impl Ticker {
    /// A ticker over the whole schedule.
    ///
    /// # Panics
    /// When a scheduled kind is not registered.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        let (schedule, registry) = (schedule(), jobs::registry());
        for line in &schedule {
            assert!(
                registry.get(line.name).is_some(),
                "the scheduled kind {} is not registered",
                line.name
            );
        }
        Self { app, schedule, last: HashMap::new() }
    }

    /// Fires every tick that is due. Returns how many were fired here; another replica may have fired others.
    ///
    /// # Errors
    /// The database's.
    pub async fn tick(&mut self) -> Result<usize> {
        let now = self.app.db.transaction(async |tx| Ok(tx.now())).await?;
        let mut fired = 0;
        for line in &self.schedule {
            let last = match self.last.get(line.name) {
                // A clock that ran ahead was put right: it goes on from here.
                Some(last) => (*last).min(now),
                // The first start of a schedule has nothing to catch up.
                None => jobs::last_tick(&mut *self.app.db.read().await?, line.name, now)
                    .await?
                    .unwrap_or(now),
            };
            let (due, missed) = due(line, last, now);
            for tick in &due {
                let by = self.app.settings.jobs.scheduler_name.as_str();
                // A tick is what its jobs, and theirs, are traced to.
                let id = format!("tick-{}-{}", line.name, tick.timestamp());
                let fire = self.app.db.transaction(async |tx| (line.fire)(tx, *tick, by).await);
                let outcome = trace::scope(id, fire).await?;
                if outcome == Outcome::Done {
                    fired += 1;
                    tracing::debug!(target: "jobs", schedule = line.name, %tick, "tick");
                }
            }
            note(line, &due, missed, now);
            let latest = due.last().copied().or((missed > 0).then_some(now)).unwrap_or(last);
            self.last.insert(line.name, latest);
        }
        Ok(fired)
    }
}

impl Ticker {
    /// Records the job of one schedule now, by hand: no tick, and nothing when such a job is waiting or running. `None`
    /// when the kind is not scheduled.
    ///
    /// # Errors
    /// The database's.
    pub async fn fire_now(&self, kind: &str) -> Result<Option<Outcome>> {
        let Some(line) = self.schedule.iter().find(|line| line.name == kind) else {
            return Ok(None);
        };
        self.app.db.transaction(async |tx| (line.by_hand)(tx).await).await.map(Some)
    }

    /// The kinds that are scheduled.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.schedule.iter().map(|line| line.name).collect()
    }
}

/// The ticks to fire, oldest first, and how many are skipped by policy.
fn due(line: &Scheduled, last: DateTime<Utc>, now: DateTime<Utc>) -> (Vec<DateTime<Utc>>, usize) {
    let passed: Vec<_> =
        line.cron.after(&last).take(TICKS_MAX).take_while(|tick| *tick <= now).collect();
    let keep = match line.catch_up {
        CatchUp::Skip => {
            usize::from(passed.last().is_some_and(|tick| now - tick < interval(line, *tick)))
        }
        CatchUp::Once => 1,
        CatchUp::All(max) => max,
    };
    let skipped = passed.len().saturating_sub(keep);
    (passed.into_iter().skip(skipped).collect(), skipped)
}

/// The distance from a tick to the next one.
fn interval(line: &Scheduled, tick: DateTime<Utc>) -> TimeDelta {
    line.cron.after(&tick).next().map_or(TimeDelta::MAX, |next| next - tick)
}

fn note(line: &Scheduled, due: &[DateTime<Utc>], missed: usize, now: DateTime<Utc>) {
    let mut next = line.cron.after(&now);
    if let (Some(first), Some(second)) = (next.next(), next.next()) {
        metrics::CRON_INTERVAL.with_label_values(&[line.name]).set((second - first).num_seconds());
    }
    metrics::CRON_MISSED.with_label_values(&[line.name]).inc_by(u64::try_from(missed).unwrap_or(0));
    let late = due.len() > 1 || missed > 0;
    metrics::CRON_CATCHUP.with_label_values(&[line.name, line.catch_up.as_str()]).inc_by(if late {
        u64::try_from(due.len()).unwrap_or(0)
    } else {
        0
    });
}

/// Ticks until the process is stopped. apalis-cron only wakes the loop: what is due is decided by the database's clock
/// and by the rows of earlier ticks.
pub async fn run(mut ticker: Ticker) {
    loop {
        let every_second =
            cron::Schedule::from_str("* * * * * *").expect("every second is an expression");
        let mut wakes = std::pin::pin!(CronScheduler::new(every_second).into_stream());
        // A late wake ends the stream; a new one starts from now.
        while let Some(Ok(_)) = wakes.next().await {
            if let Err(error) = ticker.tick().await {
                tracing::warn!(target: "jobs", error = error.causes(), "ticks are late");
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn line(catch_up: CatchUp) -> Scheduled {
        let cron = cron::Schedule::from_str("0 0 * * * *").expect("hourly");
        Scheduled {
            name: "hourly",
            cron,
            catch_up,
            why: "",
            fire: |_, _, _| Box::pin(async { Ok(Outcome::Done) }),
            by_hand: |_| Box::pin(async { Ok(Outcome::Done) }),
        }
    }

    #[test]
    fn missed_ticks_follow_the_policy() {
        let (last, now) = (time("2026-03-01T00:00:00Z"), time("2026-03-01T05:10:00Z"));
        assert_eq!(due(&line(CatchUp::Once), last, now), (vec![time("2026-03-01T05:00:00Z")], 4));
        assert_eq!(
            due(&line(CatchUp::All(2)), last, now).0,
            vec![time("2026-03-01T04:00:00Z"), time("2026-03-01T05:00:00Z")]
        );
        assert_eq!(due(&line(CatchUp::Skip), last, now), (vec![time("2026-03-01T05:00:00Z")], 4));
        assert_eq!(due(&line(CatchUp::Once), now, now), (vec![], 0));
    }
}
