//! Log-ins beside everything else: what a reader waits for while fifty people sign in at once, against what they wait for
//! when nobody does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use reqwest::header::CONTENT_TYPE;
use shared::Money;
use shared::testing::{NewListing, NewUser, PASSWORD};
use tokio::task::JoinSet;

use crate::failure::{Attempt, Result};
use crate::meter::{Meter, Worker};
use crate::purchases::http::Api;
use crate::report::{Report, Section, millis};
use crate::series::{Series, Turn};
use crate::servers::{Database, prefix};
use crate::{Bench, progress};

/// People who sign in at the same time, again and again.
const PEOPLE: usize = 50;
/// What is for sale: a list has several pages.
const LISTINGS: i64 = 200;
/// What is promised of the reader's p99, in idle p99s.
const PROMISE: f64 = 3.0;
/// The pause of the reader between two pages.
const PAUSE: Duration = Duration::from_millis(4);
/// Reads before any is counted: connections and prepared statements.
const WARM_UP: u32 = 100;
/// The log-ins have filled the pool of hashes by then.
const RAMP_UP: Duration = Duration::from_millis(500);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Measures both in turns.
pub(crate) async fn compare(bench: &Bench, report: &mut Report) -> Result<()> {
    let database = bench.servers.database("passwords").await?;
    let people = people(&database).await?;
    let mut variables = database.variables();
    variables.insert("REDIS_URL".to_owned(), bench.servers.redis_url());
    variables.insert("REDIS_PREFIX".to_owned(), prefix());
    let api = Api::start(&bench.servers, variables).await?;
    let reads = bench.sizes.password_reads;
    read(api.base(), WARM_UP).await?;
    database.settle().await?;
    let (mut idle, mut busy) =
        (Series::new("listing reads, idle"), Series::new("beside 50 log-ins"));
    let mut log_ins = Vec::new();
    for round in 1..=bench.sizes.rounds {
        for turn in [round % 2, (round + 1) % 2] {
            if turn == 1 {
                let meter = Meter::start(&bench.servers, Worker::Process(api.pid()?)).await?;
                idle.add(measured(meter, read(api.base(), reads).await?).await?);
            } else {
                let meter = Meter::start(&bench.servers, Worker::Process(api.pid()?)).await?;
                let crowd = Crowd::start(api.base(), &people);
                tokio::time::sleep(RAMP_UP).await;
                let latencies = read(api.base(), reads).await;
                log_ins.push(crowd.stop().await?);
                busy.add(measured(meter, latencies?).await?);
            }
        }
        let p99 = |series: &Series| millis(series.latencies().percentile(99));
        progress(&format!("passwords, round {round}: p99 {} and {} ms", p99(&idle), p99(&busy)));
    }
    api.stop().await?;
    say(report, idle, busy, &log_ins);
    Ok(())
}

fn say(report: &mut Report, idle: Series, busy: Series, log_ins: &[f64]) {
    let percentile = |series: &Series, percent| series.latencies().percentile(percent);
    let ratio = |percent| {
        let (busy, idle) = (percentile(&busy, percent)?, percentile(&idle, percent)?);
        Some(busy.as_secs_f64() / idle.as_secs_f64())
    };
    let mut section = Section::new(format!(
        "PASSWORDS   a page of GET /api/v1/listings/ every {} ms, beside {PEOPLE} people who sign in again and again",
        PAUSE.as_millis()
    ));
    if let (Some(p50), Some(p99)) = (ratio(50), ratio(99)) {
        section.headline(format!("{p99:>6.2}   p99 beside log-ins / p99 idle   (p50: {p50:.2})"));
        report.target(
            p99 <= PROMISE,
            format!("p99 of a listing read beside {PEOPLE} parallel log-ins is within {PROMISE} times its idle value: {p99:.2}"),
        );
    }
    let rates: Vec<String> = log_ins.iter().map(|rate| format!("{rate:.0}")).collect();
    section.note(format!(
        "log-ins per second meanwhile, each with a real argon2id: {}",
        rates.join(" ")
    ));
    section.note("reader and log-ins share the cores with the API and PostgreSQL; the figures are of both turns in one run");
    section.series(idle);
    section.series(busy);
    report.add(section);
}

async fn measured(meter: Meter, latencies: Vec<Duration>) -> Result<Turn> {
    let elapsed = meter.started().elapsed();
    let cost = meter.finish(latencies.len()).await?;
    Ok(Turn { rate: latencies.len() as f64 / elapsed.as_secs_f64(), latencies, cost })
}

/// Everybody's address, and something for sale. Their password is hashed as carefully as anybody's.
async fn people(database: &Database) -> Result<Vec<String>> {
    let app = Database::app(database.variables())?;
    let hash = app.passwords.hash(PASSWORD).await.attempt("a password is not hashed")?;
    let made = app.db.transaction(async |tx| {
        let mut people = Vec::new();
        for _ in 0..PEOPLE {
            people.push(NewUser::new().insert(tx).await?);
        }
        for (n, seller) in (0..LISTINGS).zip(people.iter().cycle()) {
            let price = Money::from_soum(100_000 + n);
            NewListing::of(seller.id).price(price).insert(tx, &app.vault).await?;
        }
        diesel::sql_query("UPDATE users SET password_hash = $1")
            .bind::<Text, _>(&hash)
            .execute(tx.conn())
            .await?;
        Ok(people.into_iter().map(|person| person.email).collect())
    });
    made.await.attempt("people are not made")
}

/// Reads pages one after another; how long each took.
async fn read(base: &str, pages: u32) -> Result<Vec<Duration>> {
    let http = client()?;
    let url = format!("{base}/api/v1/listings/");
    let mut latencies = Vec::new();
    for _ in 0..pages {
        let started = Instant::now();
        let answer = http.get(&url).send().await.attempt("a page is not answered")?;
        let status = answer.status();
        let body = answer.text().await.attempt("a page breaks off")?;
        latencies.push(started.elapsed());
        if !status.is_success() {
            return Err(format!("a page was answered with {status}: {body}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(latencies)
}

/// People who sign in.
struct Crowd {
    enough: Arc<AtomicBool>,
    people: JoinSet<Result<u32>>,
    started: Instant,
}

impl Crowd {
    fn start(base: &str, people: &[String]) -> Self {
        let enough = Arc::new(AtomicBool::new(false));
        let mut crowd = JoinSet::new();
        for email in people {
            crowd.spawn(sign_in(base.to_owned(), email.clone(), Arc::clone(&enough)));
        }
        Self { enough, people: crowd, started: Instant::now() }
    }

    /// Ends it: log-ins per second. Anything but a 200 fails the bench.
    async fn stop(mut self) -> Result<f64> {
        AtomicBool::store(&self.enough, true, Ordering::Relaxed);
        let elapsed = self.started.elapsed();
        let mut done = 0;
        while let Some(person) = self.people.join_next().await {
            done += person.attempt("somebody is gone")??;
        }
        Ok(f64::from(done) / elapsed.as_secs_f64())
    }
}

async fn sign_in(base: String, email: String, enough: Arc<AtomicBool>) -> Result<u32> {
    let http = client()?;
    let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
    let mut done = 0;
    while !AtomicBool::load(&enough, Ordering::Relaxed) {
        let request = http.post(format!("{base}/api/v1/auth/login/"));
        let request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        let answer = request.send().await.attempt("a log-in is not answered")?;
        let status = answer.status();
        let body = answer.text().await.attempt("a log-in breaks off")?;
        if !status.is_success() {
            return Err(format!("a log-in was answered with {status}: {body}"));
        }
        done += 1;
    }
    Ok(done)
}

fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder().timeout(ANSWER_WITHIN).build().attempt("an HTTP client")
}
