//! The processes as a shell or a supervisor has them: what they are told to do, and how they leave while people use them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use shared::jobs::kinds::{LedgerCheck, ReconcileEscrows, ReconcileListings};
use tests::{Client, Finished, Payme, Person, Process, TestApp, eventually, free_port};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Who has nothing in flight leaves within this, on a busy machine too.
const LEAVES_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_serves_the_queues_it_is_told_on_its_command_line_whatever_the_variable_says() {
    let app = TestApp::start().await;
    app.enqueue(ReconcileEscrows::default()).await;
    app.enqueue(ReconcileListings::default()).await;
    app.enqueue(LedgerCheck::default()).await;
    let mut variables = worker(&app, "told");
    variables.insert("WORKER_QUEUES".to_owned(), "money,mail".to_owned());
    let mut told = Process::start_with_args("worker", &["--queues", "default,bulk"], &variables);
    let left = "SELECT queue FROM jobs WHERE state <> 'done' AND queue IN ('money', 'default', 'bulk') ORDER BY queue";
    eventually("its queues are served", async || app.database.texts(left).await == ["money"]).await;
    assert_eq!(queues(&app, "told").await, ["bulk", "default"]);

    // Without the flag the variable decides.
    variables.extend(worker(&app, "by-variable"));
    let mut by_variable = Process::start("worker", &variables);
    eventually("the rest is done", async || app.database.texts(left).await.is_empty()).await;
    assert_eq!(queues(&app, "by-variable").await, ["mail", "money"]);
    assert!(told.terminate().success() && by_variable.terminate().success());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_an_unknown_queue_says_which_there_are_and_does_not_start() {
    let app = TestApp::start().await;
    let refused =
        Finished::run("worker", &["--queues", "money,gold"], &worker(&app, "w")).expect(2);
    for word in ["gold", "--queues", "money, default, mail, bulk"] {
        assert!(refused.err.contains(word), "{word}: {}", refused.err);
    }
    let mut variables = worker(&app, "w");
    variables.insert("WORKER_QUEUES".to_owned(), "money,gold".to_owned());
    let refused = Finished::run("worker", &[], &variables).expect(1);
    for word in ["WORKER_QUEUES", "money, default, mail, bulk"] {
        assert!(refused.err.contains(word), "{word}: {}", refused.err);
    }
    assert_eq!(app.database.number("SELECT count(*) FROM job_workers").await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_told_to_leave_is_not_ready_finishes_what_it_has_and_exits_with_0() {
    let app = TestApp::start().await;
    let (address, metrics) = (free_address(), free_address());
    let mut variables = app.variables();
    variables.insert("API_LISTEN".to_owned(), address.clone());
    variables.insert("API_METRICS_LISTEN".to_owned(), metrics.clone());
    variables.insert("SHUTDOWN_GRACE".to_owned(), "20s".to_owned());
    let mut api = Process::start("api", &variables);
    let ready = format!("http://{metrics}/health/ready/");
    eventually("the API is ready", async || status(&ready).await == Some(200)).await;
    let client = Client::at(&format!("http://{address}"));
    let rights = ("buyer", "is_verified = true");
    let person = Person::insert(&app.database, &app.app, &client, rights).await;
    let crowd = Crowd::start(&person, &Payme::new(&client, "test-payme-key"));
    eventually("people use it", async || crowd.served() >= 20).await;

    let mut slow = SlowRequest::begin(&address).await;
    let asked = Instant::now();
    api.signal("TERM");
    // Whoever balances the load sees it while the last requests are at work.
    eventually("it says that it is not ready", async || status(&ready).await == Some(503)).await;
    assert!(api.ended().is_none(), "it waits for the request in flight");
    let answer = slow.end().await;
    assert!(answer.starts_with("HTTP/1.1 4") && answer.ends_with('}'), "a whole answer: {answer}");
    eventually("the API leaves", async || api.ended().is_some()).await;
    assert!(api.ended().is_some_and(|status| status.success()), "with status 0");
    assert!(asked.elapsed() < LEAVES_WITHIN, "within its grace: {:?}", asked.elapsed());
    assert!(TcpStream::connect(&address).await.is_err(), "nobody new is taken");

    let paid = crowd.stop().await;
    let kept = "SELECT count(*) FROM transactions WHERE type = 'deposit' AND status = 'completed'";
    let kept = app.database.number(kept).await;
    assert!(kept >= paid && paid > 0, "{paid} were told that they paid, {kept} did");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduler_that_is_told_to_leave_in_the_middle_of_its_ticks_exits_with_0_and_leaves_none_half()
 {
    let app = TestApp::start().await;
    let ticks = "SELECT count(*) FROM cron_ticks";
    let mut before = 0;
    for round in 0..3 {
        let mut variables = app.variables();
        variables.insert("SCHEDULER_METRICS_LISTEN".to_owned(), free_address());
        let mut scheduler = Process::start("scheduler", &variables);
        eventually("ticks fire", async || {
            app.advance("1 hour").await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            app.database.number(ticks).await > before
        })
        .await;
        // Everything is due at once: it is in the middle of it now.
        app.advance("1 day").await;
        tokio::time::sleep(Duration::from_millis(300 * round)).await;
        let asked = Instant::now();
        assert!(scheduler.terminate().success(), "with status 0");
        assert!(asked.elapsed() < LEAVES_WITHIN, "at once: {:?}", asked.elapsed());
        let without = "SELECT schedule FROM cron_ticks t WHERE NOT EXISTS (SELECT FROM jobs j WHERE j.kind = t.schedule)";
        assert!(app.database.texts(without).await.is_empty(), "a tick is there with its job");
        before = app.database.number(ticks).await;
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scheduler_fires_one_kind_by_hand_and_says_what_came_of_it() {
    let app = TestApp::start().await;
    let variables = app.variables();
    let once = |kind: &str| Finished::run("scheduler", &["--once", kind], &variables);
    let waiting = "SELECT count(*) FROM jobs WHERE kind = 'prune_jobs' AND state = 'pending'";
    once("prune_jobs").expect(0);
    assert_eq!(app.database.number(waiting).await, 1);
    once("prune_jobs").expect(0);
    assert_eq!(app.database.number(waiting).await, 1, "the one that waits counts");
    let refused = once("prune_everything").expect(1);
    for word in ["prune_everything is not scheduled", "prune_jobs", "ledger_check"] {
        assert!(refused.err.contains(word), "{word}: {}", refused.err);
    }
    assert_eq!(app.database.number("SELECT count(*) FROM cron_ticks").await, 0, "it is no tick");
    app.run_due_jobs().await;
    app.finish().await;
}

fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// The variables of a worker of this name.
fn worker(app: &TestApp, name: &str) -> HashMap<String, String> {
    let mut variables = app.variables();
    variables.insert("WORKER_NAME".to_owned(), name.to_owned());
    variables.insert("WORKER_METRICS_LISTEN".to_owned(), free_address());
    variables
}

/// The queues that a worker has announced.
async fn queues(app: &TestApp, name: &str) -> Vec<String> {
    let rows = format!("SELECT queue FROM job_workers WHERE worker LIKE '{name}-%' ORDER BY queue");
    app.database.texts(&rows).await
}

async fn status(url: &str) -> Option<u16> {
    Some(reqwest::get(url).await.ok()?.status().as_u16())
}

/// People who pay in and look at their balance, one request after the other, until the API is gone.
struct Crowd {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    people: Vec<tokio::task::JoinHandle<i64>>,
}

impl Crowd {
    fn start(person: &Person, payme: &Payme) -> Self {
        let (stop, served) = (Arc::default(), Arc::default());
        let one = |_| {
            let (person, payme) = (person.clone(), payme.clone());
            tokio::spawn(pay_in(person, payme, Arc::clone(&stop), Arc::clone(&served)))
        };
        let people = (0..4).map(one).collect();
        Self { stop, served, people }
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    /// How many deposits they were told are paid.
    async fn stop(self) -> i64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut paid = 0;
        for person in self.people {
            paid += person.await.expect("nobody was answered wrongly");
        }
        paid
    }
}

/// Whoever is answered at all is answered well: 503 or a cut answer is no way to leave.
async fn pay_in(
    person: Person,
    payme: Payme,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
) -> i64 {
    let mut paid = 0;
    while !stop.load(Ordering::Relaxed) {
        let balance = person.client.request(reqwest::Method::GET, "payments/balance/");
        let body = json!({ "amount": 5_000, "payment_method": "payme" });
        let deposit = person.client.request(reqwest::Method::POST, "payments/deposit/").json(&body);
        let (Ok(balance), Ok(deposit)) =
            (person.client.try_send(balance).await, person.client.try_send(deposit).await)
        else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        assert_eq!((balance.status, deposit.status), (200, 201), "{}", deposit.text);
        let (id, order) = (Payme::transaction_id(), deposit.text_at("/id"));
        let create = json!({ "id": id, "time": Payme::now_ms(), "amount": 500_000, "account": { "order_id": order } });
        for (method, params) in
            [("CreateTransaction", create), ("PerformTransaction", json!({ "id": id }))]
        {
            let Ok(reply) = person.client.try_send(payme.request(method, &params)).await else {
                break;
            };
            assert!(reply.status == 200 && reply.json["error"].is_null(), "{}", reply.text);
            paid += i64::from(reply.json.pointer("/result/state") == Some(&json!(2)));
        }
        served.fetch_add(1, Ordering::Relaxed);
    }
    paid
}

/// A request whose second half comes when it is told to.
struct SlowRequest {
    stream: TcpStream,
}

impl SlowRequest {
    const BODY: &str = r#"{"email":"nobody@example.uz","password":"not-a-password-1"}"#;

    /// Sends the head and the first byte of the body.
    async fn begin(address: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let head = format!(
            "POST /api/v1/auth/login/ HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{{",
            Self::BODY.len()
        );
        stream.write_all(head.as_bytes()).await.expect("is sent");
        stream.flush().await.expect("is sent");
        // It is the server's now: what waits to be accepted is nobody's yet.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Self { stream }
    }

    /// Sends the rest; returns the answer, up to the end of the connection.
    async fn end(&mut self) -> String {
        self.stream.write_all(&Self::BODY.as_bytes()[1..]).await.expect("is sent");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.expect("a whole answer");
        answer
    }
}
