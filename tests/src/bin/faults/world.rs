//! One fault's platform: a database, a Redis, an API, workers and schedulers as processes, and people who use it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sandbox::Sandbox;
use shared::App;
use shared::jobs::{self, JobKind};
use shared::settings::Settings;
use tests::kinds::Mark;
use tests::{
    Client, Database, Payme, Person, PostgresUrls, Process, environment, free_port, kinds,
};

use crate::load::open;
use crate::plan::Plan;
use crate::sql::{Sql, write_order};

const PAYME_KEY: &str = "test-payme-key-of-the-campaign";
/// How long a process may take to be ready on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Five minutes each: three times as long as an unanswered payout takes at worst.
const PAYOUT_STEPS: usize = 60;

/// The platform of one fault.
pub(crate) struct World {
    pub(crate) name: String,
    /// Its database, asked as the owner of the schema.
    pub(crate) sql: Sql,
    pub(crate) database: Database,
    /// The platform's own code, to record jobs the way the API does.
    pub(crate) app: Arc<App>,
    pub(crate) seller: Person,
    pub(crate) buyer: Person,
    pub(crate) payme: Payme,
    /// The API process; none while it is replaced.
    pub(crate) api: Mutex<Option<Process>>,
    variables: HashMap<String, String>,
    /// The acquirer that withdrawals are paid by, and whom the nightly comparison asks.
    pub(crate) providers: Sandbox,
}

/// A worker or a scheduler.
pub(crate) struct Running {
    pub(crate) process: Process,
    metrics: String,
}

impl World {
    /// A platform on a clone of the migrated template, with an API that is ready and no worker yet.
    pub(crate) async fn start(plan: Plan, name: &str, redis_url: &str) -> Self {
        Self::start_with(plan, name, redis_url, &[]).await
    }

    /// The same with settings of its own.
    pub(crate) async fn start_with(
        plan: Plan,
        name: &str,
        redis_url: &str,
        more: &[(&str, &str)],
    ) -> Self {
        let database = Database::create().await;
        let mut variables = variables(plan, name, redis_url, &database);
        variables.extend(more.iter().map(|(name, value)| text(name, value)));
        Self::start_on(name, database, variables).await
    }

    /// A platform on a server of the fault's own.
    pub(crate) async fn start_at(
        plan: Plan,
        name: &str,
        redis_url: &str,
        server: &PostgresUrls,
    ) -> Self {
        let database = Database::migrate_on(server).await;
        let variables = variables(plan, name, redis_url, &database);
        Self::start_on(name, database, variables).await
    }

    async fn start_on(
        name: &str,
        database: Database,
        mut variables: HashMap<String, String>,
    ) -> Self {
        database.execute(kinds::TABLES).await;
        let providers = Sandbox::start(sandbox::Settings::development()).await.expect("listens");
        let acquirer = providers.variables().into_iter();
        let acquirer = acquirer.filter(|(name, _)| name.starts_with("MULTICARD_"));
        variables.extend(acquirer.map(|(name, value)| text(name, &value)));
        let settings = Settings::from_vars(variables.clone()).expect("valid settings");
        let app = Arc::new(App::new(settings).expect("an app"));
        let client = Client::at(&format!("http://{}", variables["API_LISTEN"]));
        let somebody = async |name| {
            Person::insert(&database, &app, &client, (name, "is_verified = true")).await
        };
        let (seller, buyer) = (somebody("seller").await, somebody("buyer").await);
        let api = Mutex::new(Some(start_api(name, &variables)));
        let payme = Payme::new(&client, PAYME_KEY);
        let sql = Sql::new(database.owner_url());
        let name = name.to_owned();
        let world =
            Self { name, sql, database, app, seller, buyer, payme, api, variables, providers };
        world.api_ready().await;
        world
    }

    /// Starts the API again, after the process before it has ended, and waits until it is ready.
    pub(crate) async fn next_api(&self) {
        *open(&self.api) = Some(start_api(&self.name, &self.variables));
        self.api_ready().await;
    }

    async fn api_ready(&self) {
        let api = format!("http://{}", self.variables["API_METRICS_LISTEN"]);
        ready(&format!("{api}/health/ready/")).await;
    }

    /// Starts a worker called `name`; it may not be ready yet.
    pub(crate) fn worker(&self, name: &str, more: &[(&str, &str)]) -> Running {
        let metrics = format!("127.0.0.1:{}", free_port());
        let mut variables =
            self.with(&[("WORKER_NAME", name), ("WORKER_METRICS_LISTEN", &metrics)]);
        variables.extend(more.iter().map(|(name, value)| text(name, value)));
        let process = Process::start_with_log("test-worker", &variables, &log(&self.name, name));
        Running { process, metrics }
    }

    /// Starts workers with the same settings, and waits until they take jobs.
    pub(crate) async fn workers(&self, names: &[&str], more: &[(&str, &str)]) -> Vec<Running> {
        let workers: Vec<_> = names.iter().map(|name| self.worker(name, more)).collect();
        for worker in &workers {
            worker.ready().await;
        }
        workers
    }

    /// Moves the clock by half a minute until a tick has fired; says how long it took.
    pub(crate) async fn ticks(&self, bound: Duration) -> Duration {
        const TICKS: &str = "SELECT count(*) FROM cron_ticks";
        let before = self.sql.number(TICKS).await;
        within(bound, "ticks fire", async || {
            self.advance("30 seconds").await;
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            self.sql.try_number(TICKS).await.is_ok_and(|ticks| ticks > before)
        })
        .await
    }

    /// Starts a scheduler called `name`; it may not be ready yet.
    pub(crate) fn scheduler(&self, name: &str, more: &[(&str, &str)]) -> Running {
        let metrics = format!("127.0.0.1:{}", free_port());
        let mut variables =
            self.with(&[("SCHEDULER_NAME", name), ("SCHEDULER_METRICS_LISTEN", &metrics)]);
        variables.extend(more.iter().map(|(name, value)| text(name, value)));
        let process = Process::start_with_log("scheduler", &variables, &log(&self.name, name));
        Running { process, metrics }
    }

    fn with(&self, more: &[(&str, &str)]) -> HashMap<String, String> {
        let mut variables = self.variables.clone();
        variables.extend(more.iter().map(|(name, value)| text(name, value)));
        variables
    }

    /// Records an order and its job in one transaction, as the API would; `false` when nobody knows whether it was.
    pub(crate) async fn order<J: JobKind>(&self, key: &str, job: &J) -> bool {
        let ordered = self.app.db.transaction(async |tx| {
            write_order(tx, key).await?;
            jobs::enqueue(tx, job).await
        });
        ordered.await.is_ok()
    }

    /// Orders something now and waits until it has been done: jobs run again. Says how long it took.
    pub(crate) async fn starts_again(&self, bound: Duration, key: &str) -> Duration {
        let started = Instant::now();
        let marked = format!("SELECT count(*) FROM test_marks WHERE key = '{key}'");
        while !self.order(key, &Mark { key: key.to_owned(), takes_ms: 0 }).await {
            assert!(started.elapsed() < bound, "nothing can be ordered for {bound:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let left = bound.saturating_sub(started.elapsed());
        within(left, &format!("jobs run again ({key})"), async || {
            self.sql.try_number(&marked).await == Ok(1)
        })
        .await;
        started.elapsed()
    }

    /// Moves the platform's clock, such as by `24 hours`.
    pub(crate) async fn advance(&self, interval: &str) {
        self.sql
            .execute(&format!(
                "UPDATE app_clock SET shift = shift + interval '{interval}'; NOTIFY wibe_jobs"
            ))
            .await;
    }

    /// Waits until nothing is due any more and every deal that may be released is; says how long it took. A payout without
    /// a definite answer waits for minutes until the acquirer is asked again: the judge moves the clock for it.
    pub(crate) async fn settle(&self, bound: Duration) -> Duration {
        const LEFT: &str = "
            SELECT (SELECT count(*) FROM jobs WHERE kind <> 'a_kind_of_tomorrow'
                    AND queue IN (SELECT queue FROM job_workers)
                    AND (state IN ('dispatched', 'running') OR (state = 'pending' AND run_at <= app_now())))
                 + (SELECT count(*) FROM jobs WHERE state = 'pending' AND attempt > 0
                    AND NOT (kind = 'process_withdrawal' AND run_at > app_now()))
                 + (SELECT count(*) FROM escrows WHERE status = 'delivered' AND release_at <= app_now() + interval '3 seconds')";
        let started = Instant::now();
        loop {
            let left = self.sql.try_number(LEFT).await;
            if left == Ok(0) {
                return started.elapsed();
            }
            if started.elapsed() > bound {
                let live = "SELECT kind || ' ' || state || ' attempt ' || attempt || ' crashes ' || crashes || ' × ' || count(*)
                            || coalesce(' ' || max(last_error), '') FROM jobs
                            WHERE queue IN (SELECT queue FROM job_workers)
                            AND state NOT IN ('done', 'cancelled') AND (state <> 'pending' OR run_at <= app_now() OR attempt > 0)
                            GROUP BY kind, state, attempt, crashes LIMIT 12";
                let live = self.sql.texts(live).await;
                panic!("{left:?} jobs or releases are left after {bound:?}: {live:#?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Lets minutes pass until every withdrawal has an end. What a killed worker may have sent, and what was not answered,
    /// is asked about ever more rarely; it is sent again only when late answers have arrived.
    pub(crate) async fn pay_out(&self) {
        const OPEN: &str = "SELECT count(*) FROM withdrawals WHERE settled_at IS NULL";
        for _ in 0..PAYOUT_STEPS {
            if self.sql.number(OPEN).await == 0 {
                return;
            }
            self.advance("5 minutes").await;
            self.settle(READY_WITHIN).await;
        }
    }

    /// Takes the database away, whoever is connected to it.
    pub(crate) async fn finish(&self) {
        self.database.drop_now().await;
    }
}

impl Running {
    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self) {
        ready(&format!("http://{}/health/ready/", self.metrics)).await;
    }

    /// The sum of a metric over the samples whose labels contain `label`.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> i64 {
        let url = format!("http://{}/metrics", self.metrics);
        let response = reqwest::get(&url).await.expect("it shows its metrics");
        let text = response.text().await.expect("a text");
        let samples = text.lines().filter_map(|line| {
            let (sample, value) = line.rsplit_once(' ')?;
            let labels = sample.strip_prefix(name)?;
            let ours = labels.is_empty() || labels.starts_with('{');
            (ours && labels.contains(label)).then(|| value.parse::<f64>().expect("a number"))
        });
        samples.sum::<f64>() as i64
    }
}

/// Waits until something has happened, and says how long it took; fails with its name when it takes too long.
pub(crate) async fn within(
    bound: Duration,
    what: &str,
    mut happened: impl AsyncFnMut() -> bool,
) -> Duration {
    let started = Instant::now();
    while !happened().await {
        assert!(started.elapsed() < bound, "in {bound:?} it did not happen that {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    started.elapsed()
}

async fn ready(url: &str) {
    within(READY_WITHIN, &format!("{url} is ready"), async || {
        reqwest::get(url).await.is_ok_and(|response| response.status().is_success())
    })
    .await;
}

fn start_api(world: &str, variables: &HashMap<String, String>) -> Process {
    Process::start_with_log("api", variables, &log(world, "api"))
}

fn log(world: &str, process: &str) -> PathBuf {
    environment().folder.join("log").join(format!("{world}-{process}.log"))
}

fn text(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn variables(
    plan: Plan,
    name: &str,
    redis_url: &str,
    database: &Database,
) -> HashMap<String, String> {
    let mail = environment().folder.join("mail").join(&database.name);
    let address = || format!("127.0.0.1:{}", free_port());
    let mut variables = database.variables();
    for (name, value) in [
        ("REDIS_URL", redis_url),
        ("REDIS_PREFIX", name),
        ("MAIL_DIR", mail.to_str().expect("a UTF-8 path")),
        ("LOG_LEVEL", "warn"),
        ("RATE_LIMIT_API", "off"),
        ("RATE_LIMIT_AUTH", "off"),
        ("PAYME_SECRET_KEY", PAYME_KEY),
        ("ESCROW_RELEASE_AFTER", "1s"),
        ("MAIL_PER_SECOND", "500"),
        ("WITHDRAWAL_HOLD", "0s"),
        ("WITHDRAWAL_DAILY_MAX", "1000000000"),
        ("WORKER_QUEUES", "money,default"),
        ("API_LISTEN", &address()),
        ("API_METRICS_LISTEN", &address()),
    ]
    .iter()
    .chain(plan.settings())
    {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    variables
}
