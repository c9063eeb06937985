//! The count of all instances, in Redis: one script, so that nobody counts between our reading and our writing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult, Script};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::{Subject, Verdict};
use crate::error::{Error, Result};
use crate::settings::{Rate, RedisSettings};

/// A Redis that did not answer is asked again after this long, by one request.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Central {
    client: Client,
    prefix: String,
    /// A Redis that takes longer is not asked for a while.
    patience: Duration,
    conn: OnceCell<ConnectionManager>,
    script: Script,
    /// While Redis does not answer: the moment, in milliseconds, from which it is asked again. 0 while it answers.
    asked_again_at: AtomicU64,
}

impl Central {
    pub(super) fn new(settings: &RedisSettings, patience: Duration) -> Result<Self> {
        Ok(Self {
            client: Client::open(settings.url.expose()).map_err(Error::internal)?,
            prefix: settings.prefix.clone(),
            patience,
            conn: OnceCell::new(),
            script: Script::new(include_str!("take.lua")),
            asked_again_at: AtomicU64::new(0),
        })
    }

    /// Counts one request, if the rate allows it; none when Redis does not say so in time. `now` is this process's.
    pub(super) async fn take(
        &self,
        bucket: &'static str,
        subject: Subject,
        rate: Rate,
        now: Duration,
    ) -> Option<Verdict> {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        if !self.may_ask(now) {
            return None;
        }
        let key = format!("{}:limit:{bucket}:{subject}", self.prefix);
        let problem = match timeout(self.patience, self.ask(&key, rate)).await {
            Ok(Ok((allowed, used, reset))) => {
                self.asked_again_at.store(0, Ordering::Relaxed);
                let reset = Duration::from_millis(u64::try_from(reset).unwrap_or_default());
                return Some(Verdict::of(rate, allowed == 1, used, reset));
            }
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        if self.asked_again_at.swap(pause_from(now), Ordering::Relaxed) == 0 {
            tracing::warn!(target: "http", error = problem, "Redis does not count requests: each instance counts its own");
        }
        None
    }

    async fn ask(&self, key: &str, rate: Rate) -> RedisResult<(i64, u32, i64)> {
        let connect = async || {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(self.patience))
                .set_response_timeout(Some(self.patience))
                .set_number_of_retries(1)
                .set_max_delay(self.patience);
            self.client.get_connection_manager_lazy(config)
        };
        let mut conn = self.conn.get_or_try_init(connect).await?.clone();
        let window = u64::try_from(rate.window.as_millis()).unwrap_or(u64::MAX);
        self.script.key(key).arg(rate.quota).arg(window).invoke_async(&mut conn).await
    }

    /// Whether Redis is asked: always while it answers, once per pause while it does not.
    fn may_ask(&self, now: u64) -> bool {
        let from = self.asked_again_at.load(Ordering::Relaxed);
        if from == 0 || from > now {
            return from == 0;
        }
        let (until, order) = (pause_from(now), Ordering::Relaxed);
        self.asked_again_at.compare_exchange(from, until, order, order).is_ok()
    }
}

fn pause_from(now: u64) -> u64 {
    let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
    now.saturating_add(pause)
}
