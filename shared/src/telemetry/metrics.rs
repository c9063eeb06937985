//! Every metric of the platform, by its fixed name. Labels are small sets: never an id, never a worker's name.
//!
//! Figures that are read from the database come from every process: take `max by`, never `sum`. There is no leader here,
//! so there is no `leader{role}`. The text format knows no exemplars: from a figure to its requests and jobs leads the
//! trace id, which is on every log line and on the job's row.
#![expect(
    clippy::disallowed_types,
    reason = "Prometheus speaks in floats; no money is decided here"
)]

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::{
    Encoder as _, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, TextEncoder, histogram_opts, register_gauge_vec, register_histogram,
    register_histogram_vec, register_int_counter, register_int_counter_vec, register_int_gauge,
    register_int_gauge_vec,
};

use crate::jobs::{Enqueued, Origin};

macro_rules! metrics {
    ($($(#[$meta:meta])* $name:ident: $kind:ty = $register:expr;)+) => {
        $($(#[$meta])* pub static $name: LazyLock<$kind> =
            LazyLock::new(|| $register.expect("every metric is registered once"));)+

        /// Registers every metric, so that a scrape shows it before its first use.
        pub fn register() { $(LazyLock::force(&$name);)+ }
    };
}

/// Seconds of work: a request, a run, a commit.
const WORK: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Seconds of waiting. The objectives of the alert rules (2.5 s and 30 s) are bounds, or they could not be counted.
const WAIT: [f64; 15] =
    [0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0, 300.0, 1800.0];
/// Attempts.
const ATTEMPTS: [f64; 7] = [1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0];

metrics! {
    /// The version of this process.
    BUILD_INFO: IntGaugeVec = register_int_gauge_vec!("wibe_build_info", "1 for the version that runs", &["version"]);
    /// When the figures from the database were read last.
    GAUGES_READ: IntGauge = register_int_gauge!("database_gauges_read_timestamp", "When this process last read its figures from the database, real time");
    /// Requests by route template, method and status.
    HTTP_REQUESTS: IntCounterVec = register_int_counter_vec!("http_requests_total", "HTTP requests", &["method", "route", "status"]);
    /// Request time.
    HTTP_SECONDS: HistogramVec = register_histogram_vec!(histogram_opts!("http_request_duration_seconds", "HTTP request time", WORK.to_vec()), &["method", "route"]);
    /// Requests over a limit, by group of routes.
    RATE_LIMITED: IntCounterVec = register_int_counter_vec!("rate_limited_total", "Requests refused because of a rate limit", &["group"]);
    /// Requests counted without Redis.
    RATE_LIMITER_FALLBACK: IntCounter = register_int_counter!("rate_limiter_fallback_total", "Requests counted by this process alone because Redis did not answer");
    /// Provider calls by method and answer.
    WEBHOOK_CALLS: IntCounterVec = register_int_counter_vec!("webhook_calls_total", "Payment provider calls", &["provider", "method", "outcome"]);
    /// Jobs recorded.
    JOB_ENQUEUED: IntCounterVec = register_int_counter_vec!("job_enqueued_total", "Jobs recorded", &["kind", "queue", "via"]);
    /// Jobs claimed.
    JOB_STARTED: IntCounterVec = register_int_counter_vec!("job_started_total", "Runs started", &["kind", "queue"]);
    /// Runs ended.
    JOB_FINISHED: IntCounterVec = register_int_counter_vec!("job_finished_total", "Runs ended", &["kind", "queue", "outcome"]);
    /// Run time.
    JOB_DURATION: HistogramVec = register_histogram_vec!(histogram_opts!("job_duration_seconds", "Run time", WORK.to_vec()), &["kind"]);
    /// From due to start.
    JOB_WAIT: HistogramVec = register_histogram_vec!(histogram_opts!("job_wait_seconds", "Time from due to start", WAIT.to_vec()), &["kind", "queue"]);
    /// Attempts a finished job took.
    JOB_ATTEMPTS: HistogramVec = register_histogram_vec!(histogram_opts!("job_attempts", "Attempts a finished job took", ATTEMPTS.to_vec()), &["kind"]);
    /// Rows by queue and state.
    JOB_DEPTH: IntGaugeVec = register_int_gauge_vec!("job_depth", "Jobs by queue and state; 10000 means so many or more", &["queue", "state"]);
    /// Age of the oldest row by queue and state.
    JOB_OLDEST_AGE: GaugeVec = register_gauge_vec!("job_oldest_age_seconds", "Age of the oldest job by queue and state", &["queue", "state"]);
    /// Dead letter by kind.
    JOB_DEAD: IntGaugeVec = register_int_gauge_vec!("job_dead", "Dead jobs by kind; 1000 means so many or more", &["kind"]);
    /// Age of the oldest dead job by kind.
    JOB_DEAD_OLDEST_AGE: GaugeVec = register_gauge_vec!("job_dead_oldest_age_seconds", "Age of the oldest dead job by kind", &["kind"]);
    /// Due jobs of kinds this process does not know.
    JOB_UNKNOWN_KIND: IntGaugeVec = register_int_gauge_vec!("job_unknown_kind", "Jobs of unknown kinds among the oldest due ones", &["kind"]);
    /// Queues that an operator stopped.
    JOB_QUEUE_PAUSED: IntGaugeVec = register_int_gauge_vec!("job_queue_paused", "1 while an operator has paused the queue", &["queue"]);
    /// How far long work is.
    JOB_PROGRESS: IntGaugeVec = register_int_gauge_vec!("job_progress_rows", "Rows of running batch jobs: done, and due in all", &["kind", "part"]);
    /// Workers by queue.
    JOB_WORKERS: IntGaugeVec = register_int_gauge_vec!("job_workers", "Workers that serve the queue", &["queue", "state"]);
    /// Runs in this process.
    JOB_RUNNING: IntGaugeVec = register_int_gauge_vec!("job_running", "Jobs running in this process", &["kind", "queue"]);
    /// Slots of this process.
    JOB_SLOTS: IntGaugeVec = register_int_gauge_vec!("job_slots", "Jobs this process can run at a time", &["queue"]);
    /// The longest run a queue allows.
    JOB_MAX_RUNTIME: IntGaugeVec = register_int_gauge_vec!("job_max_runtime_seconds", "The longest run a queue allows", &["queue"]);
    /// Jobs taken back from where they were lost.
    JOB_RESCUED: IntCounterVec = register_int_counter_vec!("job_rescued_total", "Jobs taken back from a lost worker or transport", &["reason"]);
    /// Runs that ended after they had lost their lease.
    JOB_STALE: IntCounterVec = register_int_counter_vec!("job_stale_completion_total", "Completions refused by the fencing token", &["kind"]);
    /// Messages that claimed nothing.
    JOB_STALE_DELIVERY: IntCounterVec = register_int_counter_vec!("job_stale_delivery_total", "Messages that were repeated or out of date", &["queue"]);
    /// Effects that were there already.
    EFFECT_DUPLICATE: IntCounterVec = register_int_counter_vec!("effect_duplicate_suppressed_total", "Runs that found their effect done", &["kind"]);
    /// Age of the oldest due row that nobody has handed out.
    RELAY_LAG: GaugeVec = register_gauge_vec!("relay_lag_seconds", "Age of the oldest due job not yet handed out", &["queue"]);
    /// Rows handed out and not started.
    RELAY_WINDOW: IntGaugeVec = register_int_gauge_vec!("relay_inflight_window", "Jobs handed out and not started", &["queue"]);
    /// Rows handed to Redis.
    RELAY_PUSHED: IntCounterVec = register_int_counter_vec!("relay_pushed_total", "Jobs handed to Redis", &["queue"]);
    /// Pushes that failed.
    RELAY_ERRORS: IntCounterVec = register_int_counter_vec!("relay_push_errors_total", "Pushes to Redis that failed", &["queue"]);
    /// 1 for the transport in use.
    TRANSPORT_MODE: IntGaugeVec = register_int_gauge_vec!("transport_mode", "1 for the transport in use", &["mode"]);
    /// How often this process saw Redis lose its memory.
    REDIS_EPOCH: IntCounter = register_int_counter!("redis_epoch", "Times Redis was seen to have lost its memory");
    /// When a schedule fired last.
    CRON_LAST_FIRE: IntGaugeVec = register_int_gauge_vec!("cron_last_fire_timestamp", "When the schedule fired last, real time", &["schedule"]);
    /// The distance of a schedule's ticks.
    CRON_INTERVAL: IntGaugeVec = register_int_gauge_vec!("cron_interval_seconds", "Seconds between two ticks", &["schedule"]);
    /// Ticks that were skipped by policy.
    CRON_MISSED: IntCounterVec = register_int_counter_vec!("cron_missed_ticks_total", "Ticks skipped by the catch-up policy", &["schedule"]);
    /// Ticks that were caught up.
    CRON_CATCHUP: IntCounterVec = register_int_counter_vec!("cron_catchup_total", "Late ticks that were fired", &["schedule", "policy"]);
    /// When a sweep succeeded last.
    RECONCILER_SUCCESS: IntGaugeVec = register_int_gauge_vec!("reconciler_last_success_timestamp", "When the sweep succeeded last, real time", &["sweep"]);
    /// Due work found without a job.
    RECONCILER_FOUND: IntCounterVec = register_int_counter_vec!("reconciler_found_without_job_total", "Due work found without a job", &["sweep"]);
    /// Postings written.
    LEDGER_POSTINGS: IntCounterVec = register_int_counter_vec!("ledger_postings_total", "Postings written", &["kind"]);
    /// The sum of all entries: must be 0.
    LEDGER_IMBALANCE: IntGaugeVec = register_int_gauge_vec!("ledger_imbalance_minor_units", "Sum of all ledger entries in tiyin: must be 0", &["currency"]);
    /// Accounts whose balance is not the sum of their entries: must be 0.
    WALLET_MISMATCH: IntGauge = register_int_gauge!("wallet_vs_ledger_mismatch_count", "Accounts that differ from their entries: must be 0");
    /// Ledger invariants violated at the last check: must be 0.
    LEDGER_VIOLATIONS: IntGaugeVec = register_int_gauge_vec!("ledger_invariant_violations", "Rows that violate a ledger invariant: must be 0", &["invariant"]);
    /// What staff or the ledger's check switched off.
    SWITCH_OFF: IntGaugeVec = register_int_gauge_vec!("platform_switch_off", "1 while withdrawals or releases are switched off", &["switch"]);
    /// Open paid deals.
    ESCROW_HELD_COUNT: IntGauge = register_int_gauge!("escrow_held_count", "Deals whose money is held");
    /// Money in open deals, whole UZS.
    ESCROW_HELD_AMOUNT: IntGauge = register_int_gauge!("escrow_held_amount", "Money held in deals, whole UZS");
    /// Delivered deals past their release.
    ESCROW_OVERDUE_COUNT: IntGauge = register_int_gauge!("escrow_release_overdue_count", "Deals past their release time");
    /// By how much the oldest is late.
    ESCROW_OVERDUE_MAX: IntGauge = register_int_gauge!("escrow_release_overdue_max_seconds", "By how much the most overdue release is late");
    /// Deals that staff must decide.
    ESCROW_DISPUTED_COUNT: IntGauge = register_int_gauge!("escrow_disputed_count", "Deals that wait for a decision by staff");
    /// Those that wait for longer than staff promise.
    ESCROW_DISPUTES_OVERDUE: IntGauge = register_int_gauge!("escrow_disputes_overdue_count", "Deals disputed for more than 14 days");
    /// Deposits that wait for their provider.
    DEPOSIT_PENDING_COUNT: IntGaugeVec = register_int_gauge_vec!("deposit_pending_count", "Deposits that wait for their provider", &["provider"]);
    /// Since when the oldest waits.
    DEPOSIT_PENDING_OLDEST: IntGaugeVec = register_int_gauge_vec!("deposit_pending_oldest_seconds", "Age of the oldest deposit in processing", &["provider"]);
    /// Subscriptions that give their rights, by plan.
    SUBSCRIPTIONS_RUNNING: IntGaugeVec = register_int_gauge_vec!("subscription_active_count", "Subscriptions that give their rights", &["plan"]);
    /// Ends of subscriptions that nobody has dealt with.
    SUBSCRIPTIONS_OVERDUE: IntGauge = register_int_gauge!("subscription_expired_not_processed_count", "Subscriptions whose period ended more than ten minutes ago and was neither renewed nor ended");
    /// What became of ends.
    SUBSCRIPTION_RENEWALS: IntCounterVec = register_int_counter_vec!("subscription_renewals_total", "Ends of subscription periods by what became of them", &["outcome"]);
    /// Messages by what became of them.
    SMS_MESSAGES: IntCounterVec = register_int_counter_vec!("sms_messages_total", "SMS by what became of them; one that is sent again counts again", &["outcome"]);
    /// One-time codes that were not taken.
    CODES_REFUSED: IntCounterVec = register_int_counter_vec!("one_time_codes_refused_total", "Guesses at one-time codes that were refused", &["purpose", "reason"]);
    /// Requests for codes over a limit.
    CODES_LIMITED: IntCounterVec = register_int_counter_vec!("one_time_codes_limited_total", "Requests for one-time codes over a limit", &["limit"]);
    /// Payouts on their way.
    WITHDRAWAL_IN_FLIGHT_COUNT: IntGaugeVec = register_int_gauge_vec!("withdrawal_in_flight_count", "Withdrawals that a worker has begun and nobody has settled", &["provider"]);
    /// Their money, whole UZS.
    WITHDRAWAL_IN_FLIGHT_AMOUNT: IntGaugeVec = register_int_gauge_vec!("withdrawal_in_flight_amount", "Money of withdrawals in flight, whole UZS", &["provider"]);
    /// Since when the oldest is on its way.
    WITHDRAWAL_IN_FLIGHT_OLDEST: IntGauge = register_int_gauge!("withdrawal_in_flight_oldest_seconds", "Age of the oldest withdrawal in flight");
    /// Payouts that nobody knows about.
    WITHDRAWAL_UNKNOWN: IntGauge = register_int_gauge!("withdrawal_unknown_outcome_count", "Withdrawals in flight without a definite answer");
    /// What staff must look at.
    PAYMENT_CASES_OPEN: IntGaugeVec = register_int_gauge_vec!("payment_cases_open", "Payment cases that wait for staff", &["kind"]);
    /// Of them, payments about which a provider and our books differ.
    PROVIDER_RECON_MISMATCH_COUNT: IntGaugeVec = register_int_gauge_vec!("provider_recon_mismatch_count", "Open disagreements between a provider's report and our books", &["provider"]);
    /// Payments that were compared with a provider's report, by what came of it.
    PROVIDER_REPORT_PAYMENTS: IntCounterVec = register_int_counter_vec!("provider_report_payments_total", "Payments compared with a provider's report", &["source", "result"]);
    /// Since when the oldest comparison runs.
    PROVIDER_REPORT_RUNNING: IntGaugeVec = register_int_gauge_vec!("provider_report_running_seconds", "Age of the oldest comparison with a provider's report that has not come to its end", &["source"]);
    /// Listings that wait for a moderator for longer than they may.
    AUTO_APPROVAL_OVERDUE: IntGauge = register_int_gauge!("auto_approval_overdue_count", "Listings that wait for longer than LISTING_AUTO_APPROVE_AFTER");
    /// What a durable commit costs: the ceiling of everything.
    DB_COMMIT: Histogram = register_histogram!(histogram_opts!("db_commit_seconds", "Time of COMMIT", WORK.to_vec()));
    /// Connections in use.
    DB_CONNECTIONS: IntGaugeVec = register_int_gauge_vec!("db_pool_connections", "Database connections of this process", &["state"]);
    /// Requests that wait for a connection.
    DB_WAITING: IntGauge = register_int_gauge!("db_pool_waiting", "Tasks that wait for a database connection");
}

/// Counts the jobs of a committed transaction.
pub(crate) fn jobs_enqueued(jobs: &[Enqueued], origin: Origin) {
    for job in jobs {
        JOB_ENQUEUED.with_label_values(&[job.kind, job.queue.as_str(), origin.as_str()]).inc();
    }
}

/// Observes a time.
pub fn observe(histogram: &HistogramVec, labels: &[&str], elapsed: Duration) {
    histogram.with_label_values(labels).observe(elapsed.as_secs_f64());
}

/// Observes how many attempts a job took.
pub fn observe_attempts(kind: &str, attempts: i16) {
    JOB_ATTEMPTS.with_label_values(&[kind]).observe(f64::from(attempts));
}

/// Observes the time of a commit.
pub(crate) fn observe_commit(elapsed: Duration) {
    DB_COMMIT.observe(elapsed.as_secs_f64());
}

/// Sets a timestamp to now. Real time: Prometheus compares it with its own clock.
pub(crate) fn stamp(gauge: &IntGauge) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gauge.set(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
}

/// Sets an age given in milliseconds.
pub(crate) fn set_age(gauge: &GaugeVec, labels: &[&str], milliseconds: i64) {
    let age = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    gauge.with_label_values(labels).set(age.as_secs_f64());
}

/// Everything, in the Prometheus text format.
#[must_use]
pub fn exposition() -> Vec<u8> {
    let mut text = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&prometheus::gather(), &mut text) {
        tracing::error!(%error, "metrics cannot be written");
    }
    text
}
