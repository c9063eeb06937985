//! The oracle: SQL invariants over what is in the database at the end, never a log line.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::load::{Books, open};
use crate::payouts;
use crate::world::World;

/// How long what has just fallen due may take.
const LEFT_FOR: Duration = Duration::from_secs(10);

/// What this fault may leave behind. Nothing else may.
pub(crate) struct Expected {
    /// Kinds that are meant to die.
    pub(crate) dead: &'static [&'static str],
    /// The most crashes that one job may have had; none means that no worker was killed.
    pub(crate) crashes: i64,
    /// Whether runs may have failed and been tried again.
    pub(crate) retries: bool,
    /// Whether payouts may have come to nothing: then the money is back.
    pub(crate) refused: bool,
    /// Whether the table of jobs was emptied: then only the business tables know what was due.
    pub(crate) forgotten: bool,
    /// How late the last start of any ordered job may be.
    pub(crate) bound: Duration,
}

impl Expected {
    /// Nothing: every job was done at its first attempt.
    pub(crate) fn nothing(bound: Duration) -> Self {
        Self { dead: &[], crashes: 0, retries: false, refused: false, forgotten: false, bound }
    }
}

/// What one fault came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// How often the fault was injected.
    pub(crate) injections: u64,
    /// Jobs that were recorded.
    pub(crate) jobs: i64,
    /// Deposits that Payme was told are performed.
    pub(crate) deposits: i64,
    /// Deals whose receipt was confirmed.
    pub(crate) sales: i64,
    /// Withdrawals that were taken on.
    pub(crate) withdrawals: i64,
    /// Acknowledged effects that are not there.
    pub(crate) lost: i64,
    /// Effects that are there more than once.
    pub(crate) duplicated: i64,
    /// The latest start, or the longest recovery, and the bound on it.
    pub(crate) worst: Duration,
    /// What `worst` is compared with.
    pub(crate) bound: Duration,
    /// Everything that does not hold.
    pub(crate) problems: Vec<String>,
    /// What was measured besides.
    pub(crate) notes: Vec<String>,
}

impl Verdict {
    /// Whether everything holds.
    pub(crate) fn holds(&self) -> bool {
        self.problems.is_empty()
            && self.lost == 0
            && self.duplicated == 0
            && self.worst <= self.bound
    }

    /// Notes a problem unless this holds.
    pub(crate) fn require(&mut self, holds: bool, otherwise: impl Into<String>) {
        if !holds {
            self.problems.push(otherwise.into());
        }
    }

    /// A recovery that took this long.
    pub(crate) fn recovered(&mut self, took: Duration) {
        self.worst = self.worst.max(took);
    }

    /// Adds another part of the same fault.
    pub(crate) fn add(&mut self, other: Self) {
        self.injections += other.injections;
        self.jobs += other.jobs;
        self.deposits += other.deposits;
        self.sales += other.sales;
        self.withdrawals += other.withdrawals;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.worst = self.worst.max(other.worst);
        self.bound = self.bound.max(other.bound);
        self.problems.extend(other.problems);
        self.notes.extend(other.notes);
    }

    /// No row may be found by this query of one text column.
    pub(crate) async fn none(&mut self, world: &World, what: &str, sql: &str) {
        let found = world.sql.texts(&format!("{sql} LIMIT 5")).await;
        self.require(found.is_empty(), format!("{what}: {}", found.join("; ")));
    }
}

/// Judges what is in the database, once everything that was due has been done.
pub(crate) async fn judge(world: &World, books: &Books, expected: &Expected) -> Verdict {
    world.pay_out().await;
    let mut verdict = Verdict {
        jobs: world.sql.number("SELECT count(*) FROM jobs").await,
        deposits: count(open(&books.deposited).len()),
        sales: count(open(&books.sold).len()),
        withdrawals: count(open(&books.withdrawn).len()),
        bound: expected.bound,
        ..Verdict::default()
    };
    orders(&mut verdict, world, books, expected).await;
    deposits(&mut verdict, world, books).await;
    sales(&mut verdict, world, books).await;
    payouts::judge(&mut verdict, world, books, expected).await;
    attempts(&mut verdict, world, expected).await;
    left(&mut verdict, world).await;
    let violations = shared::ledger::check(&world.app.db).await.expect("the books are checked");
    verdict.problems.extend(violations.iter().map(ToString::to_string));
    verdict
}

/// Nothing stays due. What has fallen due a moment ago may still be on its way: a jump of the clock brings the night's
/// work, a part of which begins only when another part is done.
async fn left(verdict: &mut Verdict, world: &World) {
    const LEFT: &str = "SELECT kind || ' ' || state FROM jobs
        WHERE kind <> 'a_kind_of_tomorrow' AND queue IN (SELECT queue FROM job_workers)
          AND (state IN ('dispatched', 'running') OR (state = 'pending' AND run_at <= app_now())) LIMIT 5";
    let started = Instant::now();
    let mut left = world.sql.texts(LEFT).await;
    while !left.is_empty() && started.elapsed() < LEFT_FOR {
        tokio::time::sleep(Duration::from_millis(100)).await;
        left = world.sql.texts(LEFT).await;
    }
    verdict.require(left.is_empty(), format!("jobs are left: {}", left.join("; ")));
}

/// A job exists exactly when its transaction committed, and left exactly one mark.
async fn orders(verdict: &mut Verdict, world: &World, books: &Books, expected: &Expected) {
    let marks = "SELECT o.key, count(m.key) AS n FROM test_orders o LEFT JOIN test_marks m USING (key) GROUP BY o.key";
    if !expected.forgotten {
        let missing = format!(
            "SELECT count(*) FROM ({marks}) q WHERE n = 0
             AND NOT EXISTS (SELECT FROM jobs WHERE args ->> 'key' = q.key AND state = 'cancelled')"
        );
        verdict.lost += world.sql.number(&missing).await;
        verdict
            .none(
                world,
                "an order without its job",
                "SELECT key FROM test_orders WHERE key NOT IN
                 (SELECT args ->> 'key' FROM jobs WHERE args ? 'key')",
            )
            .await;
        let latest =
            "SELECT extract(epoch FROM max(j.started_at - o.due)) * 1000 FROM test_orders o
                      JOIN jobs j ON j.args ->> 'key' = o.key WHERE j.state = 'done'";
        let latest = u64::try_from(world.sql.number(latest).await).unwrap_or(0);
        verdict.recovered(Duration::from_millis(latest));
    }
    verdict.duplicated +=
        world.sql.number(&format!("SELECT sum(n - 1) FROM ({marks}) q WHERE n > 1")).await;
    verdict
        .none(
            world,
            "a mark that nobody ordered",
            "SELECT key FROM test_marks WHERE key NOT IN (SELECT key FROM test_orders)",
        )
        .await;
    verdict
        .none(
            world,
            "a job whose transaction did not commit",
            "SELECT args ->> 'key' FROM jobs WHERE kind LIKE 'test_%' AND args ? 'key'
             AND args ->> 'key' NOT IN (SELECT key FROM test_orders)",
        )
        .await;
    let known: BTreeSet<String> =
        world.sql.texts("SELECT key FROM test_orders").await.into_iter().collect();
    verdict.lost += count(open(&books.ordered).difference(&known).count());
}

/// Deposits accepted = deposits credited, each once.
async fn deposits(verdict: &mut Verdict, world: &World, books: &Books) {
    let credited =
        "SELECT substr(j.ref, 9) FROM ledger.journal j JOIN ledger.entry e ON e.journal_id = j.id
                    WHERE j.kind = 'deposit' AND e.amount > 0";
    let credited = world.sql.texts(credited).await;
    let once: BTreeSet<String> = credited.iter().cloned().collect();
    let accepted = open(&books.deposited).clone();
    verdict.duplicated += count(credited.len() - once.len());
    verdict.lost += count(accepted.difference(&once).count());
    // The load insists on an answer, so nothing is credited that it was not told of.
    let silent: Vec<_> = once.difference(&accepted).take(5).cloned().collect();
    verdict
        .require(silent.is_empty(), format!("credited and never accepted: {}", silent.join("; ")));
}

/// Every deal whose receipt was confirmed is released, with one set of legs.
async fn sales(verdict: &mut Verdict, world: &World, books: &Books) {
    let released = "SELECT substr(j.ref, 15) FROM ledger.journal j JOIN ledger.entry e ON e.journal_id = j.id
                    JOIN ledger.account a ON a.id = e.account_id
                    WHERE j.ref LIKE 'escrow_settle:%' AND a.kind = 'user_available' AND e.amount = 90000";
    let released = world.sql.texts(released).await;
    let once: BTreeSet<String> = released.iter().cloned().collect();
    verdict.duplicated += count(released.len() - once.len());
    let sold = open(&books.sold).clone();
    verdict.lost += count(sold.difference(&once).count());
    verdict
        .none(
            world,
            "a settlement with other legs",
            "SELECT j.ref FROM ledger.journal j JOIN ledger.entry e ON e.journal_id = j.id
             WHERE j.ref LIKE 'escrow_settle:%' GROUP BY j.ref
             HAVING count(*) <> 3 OR sum(e.amount) <> 0 OR min(e.amount) <> -100000 OR max(e.amount) <> 90000",
        )
        .await;
}

/// Nobody is dead who was not meant to be, and every attempt but the last is accounted for by a crash or a failure.
async fn attempts(verdict: &mut Verdict, world: &World, expected: &Expected) {
    let meant: Vec<String> = expected.dead.iter().map(|kind| format!("'{kind}'")).collect();
    let meant = if meant.is_empty() { "''".to_owned() } else { meant.join(", ") };
    let dead = format!(
        "SELECT kind || ' ' || state || ' after ' || attempt || ' attempts and ' || crashes || ' crashes: ' || coalesce(last_error, '')
         FROM jobs WHERE state = 'dead' AND kind NOT IN ({meant})"
    );
    verdict.none(world, "dead", &dead).await;
    verdict
        .none(
            world,
            "an attempt that no crash and no failure used up",
            "SELECT kind || ' attempt ' || attempt FROM jobs j WHERE state = 'done' AND attempt - 1 <>
             (SELECT count(*) FROM job_attempts a WHERE a.job_id = j.id AND a.attempt < j.attempt
              AND a.outcome IN ('crashed', 'retry', 'dead'))",
        )
        .await;
    let crashes = format!(
        "SELECT j.kind || ' was taken from ' || string_agg(a.worker || ' after ' || round(extract(epoch FROM a.ended_at - a.started_at), 1) || ' s', ', ')
         FROM job_attempts a JOIN jobs j ON j.id = a.job_id WHERE a.outcome = 'crashed' AND j.kind NOT IN ({meant})
         GROUP BY j.id, j.kind HAVING count(*) > {}",
        expected.crashes
    );
    verdict.none(world, "more crashes than workers were killed", &crashes).await;
    if !expected.retries {
        verdict
            .none(
                world,
                "a run that failed",
                "SELECT j.kind || ': ' || coalesce(a.error, '') FROM job_attempts a JOIN jobs j ON j.id = a.job_id
                 WHERE a.outcome = 'retry'",
            )
            .await;
    }
}

pub(crate) fn count(things: usize) -> i64 {
    i64::try_from(things).expect("few")
}
