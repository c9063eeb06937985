//! What a request asks of the database and of caches: counted for tests, and in development shown with the answer.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::InstrumentationEvent;
use tracing::Level;

tokio::task_local! {
    static METER: Arc<Meter>;
}

/// Counts what its request does.
#[derive(Debug, Default)]
struct Meter {
    statements: AtomicU64,
    statement_micros: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What a request has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Statements sent to the database.
    pub statements: u64,
    /// What they took together.
    pub in_database: Duration,
    /// Answers found in a cache.
    pub hits: u64,
    /// Answers looked for in a cache and not found there.
    pub misses: u64,
    /// What the request took.
    pub total: Duration,
}

/// Runs `work`, and says what it did on this task.
pub async fn measure<T>(work: impl Future<Output = T>) -> (T, Measured) {
    let meter = Arc::new(Meter::default());
    let started = Instant::now();
    let result = METER.scope(Arc::clone(&meter), work).await;
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let measured = Measured {
        statements: read(&meter.statements),
        in_database: Duration::from_micros(read(&meter.statement_micros)),
        hits: read(&meter.hits),
        misses: read(&meter.misses),
        total: started.elapsed(),
    };
    (result, measured)
}

/// Says that a cache was asked: every cache of the platform calls it.
pub fn cache_asked(hit: bool) {
    add(|meter| if hit { &meter.hits } else { &meter.misses }, 1);
}

/// Nothing where nobody measures.
fn add(counter: impl FnOnce(&Meter) -> &AtomicU64, amount: u64) {
    // Outside of a measured request there is nothing to add to.
    METER.try_with(|meter| counter(meter).fetch_add(amount, Ordering::Relaxed)).ok();
}

impl Measured {
    /// The value of a `Server-Timing` header, which browsers show with the request. Caches appear when one was asked.
    #[must_use]
    pub fn header(&self) -> String {
        let (db, total) = (millis(self.in_database), millis(self.total));
        let mut value =
            format!("db;desc=\"{}\";dur={db}", counted(self.statements, "query", "queries"));
        if self.hits + self.misses > 0 {
            let (hits, misses) =
                (counted(self.hits, "hit", "hits"), counted(self.misses, "miss", "misses"));
            write!(value, ", cache;desc=\"{hits}, {misses}\"").expect("a text takes everything");
        }
        write!(value, ", total;dur={total}").expect("a text takes everything");
        value
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Milliseconds with one decimal.
fn millis(duration: Duration) -> String {
    let tenths = duration.as_micros() / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Watches the statements of one connection; by default for nobody.
#[derive(Default)]
pub(crate) struct Statements {
    /// Of the whole process.
    sent: Arc<AtomicU64>,
    /// Whether statements are timed and logged: in development.
    watched: bool,
    started: Option<Instant>,
}

impl Statements {
    pub(crate) fn new(sent: Arc<AtomicU64>, watched: bool) -> Self {
        Self { sent, watched, started: None }
    }

    /// Is told everything that the connection does.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "diesel's events grow, and the others are not statements"
    )]
    pub(crate) fn heed(&mut self, event: &InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.sent.fetch_add(1, Ordering::Relaxed);
                self.started = self.watched.then(Instant::now);
            }
            InstrumentationEvent::FinishQuery { query, .. } => {
                let Some(elapsed) = self.started.take().map(|started| started.elapsed()) else {
                    return;
                };
                let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
                add(|meter| &meter.statements, 1);
                add(|meter| &meter.statement_micros, micros);
                if tracing::enabled!(target: "db", Level::DEBUG) {
                    let ms = millis(elapsed);
                    tracing::debug!(target: "db", ms = %ms, "{}", shown(&query.to_string()));
                }
            }
            _ => {}
        }
    }
}

/// A statement on one line, without what was bound to it: that may be anybody's secret.
fn shown(statement: &str) -> String {
    let sql = statement.split("-- binds:").next().unwrap_or_default();
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_figures_and_no_cache_that_nobody_asked() {
        let mut measured = Measured {
            statements: 7,
            in_database: Duration::from_micros(12_345),
            hits: 0,
            misses: 0,
            total: Duration::from_millis(20),
        };
        assert_eq!(measured.header(), "db;desc=\"7 queries\";dur=12.3, total;dur=20.0");
        (measured.statements, measured.hits) = (1, 1);
        assert_eq!(
            measured.header(),
            "db;desc=\"1 query\";dur=12.3, cache;desc=\"1 hit, 0 misses\", total;dur=20.0"
        );
    }

    #[test]
    fn a_statement_is_shown_without_what_was_bound() {
        let statement = "SELECT  id\n   FROM users WHERE email = $1 -- binds: [\"ali@example.uz\"]";
        assert_eq!(shown(statement), "SELECT id FROM users WHERE email = $1");
    }

    #[tokio::test]
    async fn only_what_a_request_itself_does_is_counted() {
        cache_asked(true);
        let ((), outer) = measure(async {
            cache_asked(false);
            let ((), inner) = measure(async { cache_asked(true) }).await;
            assert_eq!((inner.hits, inner.misses), (1, 0));
        })
        .await;
        assert_eq!((outer.hits, outer.misses, outer.statements), (0, 1, 0));
    }
}
