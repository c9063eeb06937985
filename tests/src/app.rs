//! The platform as one test sees it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sandbox::Sandbox;
use shared::App;
use shared::ids::{SessionId, UserId};
use shared::jobs::{self, JobKind};
use shared::security::Tokens;
use shared::settings::{SecuritySettings, Settings};
use tokio::sync::oneshot;
use worker::Engine;

use crate::{Click, Client, Database, Payme, environment};

/// The real router, the real registry, a database and a clock of its own.
pub struct TestApp {
    pub database: Database,
    pub app: Arc<App>,
    /// A visitor.
    pub client: Client,
    pub redis_url: String,
    pub redis_prefix: String,
    pub mail_dir: PathBuf,
    pub media_dir: PathBuf,
    pub sms_dir: PathBuf,
    variables: HashMap<String, String>,
    engine: Arc<Engine>,
    api: Option<api::Running>,
    finished: AtomicBool,
}

/// Somebody with a session.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    pub client: Client,
}

impl Person {
    /// Stores somebody by name and rights, such as `is_verified = true`, with an empty account and a session that lasts.
    pub async fn insert(
        database: &Database,
        app: &App,
        client: &Client,
        (name, rights): (&str, &str),
    ) -> Self {
        let (id, session) = (UserId::new(), SessionId::new());
        let email = format!("{}-{}@example.uz", name.to_lowercase(), id.0.simple());
        database
            .execute(&format!(
                "INSERT INTO users (id, email, full_name, language) VALUES ('{id}', '{email}', '{name}', 'en');
                 UPDATE users SET {rights} WHERE id = '{id}';
                 UPDATE users SET email_verified_at = created_at WHERE id = '{id}' AND is_verified;
                 INSERT INTO staff_roles (user_id, role) SELECT id, unnest(ARRAY['moderator', 'finance']) FROM users WHERE id = '{id}' AND is_staff;
                 INSERT INTO sessions (id, user_id, expires_at) VALUES ('{session}', '{id}', app_now() + interval '400 days');
                 UPDATE sessions SET rotated_at = app_now() + interval '300 days' WHERE id = '{session}';
                 SELECT ledger.open_account('user_available', '{id}')"
            ))
            .await;
        // Long-lived: what is tested with it is not its expiry.
        let lasting = SecuritySettings {
            access_lifetime: Duration::from_secs(400 * 86_400),
            ..app.settings.security.clone()
        };
        let now = app.db.transaction(async |tx| Ok(tx.now())).await.expect("answers");
        let token = Tokens::new(&lasting).access(id, session, now).expect("signs");
        Self { id, email, client: client.with_token(&token) }
    }
}

/// A worker with all its services inside the test's process.
pub struct InProcessWorker {
    pub engine: Arc<Engine>,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
}

impl InProcessWorker {
    /// Drains it.
    pub async fn stop(self) {
        self.stop.send(()).expect("still runs");
        self.running.await.expect("drains");
    }
}

impl TestApp {
    /// Starts a platform with the default settings.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a platform with some settings of its own.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let database = Database::create().await;
        let redis_prefix = database.name.clone();
        let redis_url = format!("{}/0", environment().redis_url);
        let mail_dir = std::env::temp_dir().join(format!("wibe-test-mail-{}", database.name));
        let media_dir = std::env::temp_dir().join(format!("wibe-test-media-{}", database.name));
        let sms_dir = std::env::temp_dir().join(format!("wibe-test-sms-{}", database.name));
        let mut variables = database.variables();
        for (name, value) in [
            ("REDIS_URL", redis_url.as_str()),
            ("REDIS_PREFIX", &redis_prefix),
            ("MAIL_DIR", mail_dir.to_str().expect("a UTF-8 path")),
            ("MEDIA_DIR", media_dir.to_str().expect("a UTF-8 path")),
            ("SMS_DIR", sms_dir.to_str().expect("a UTF-8 path")),
            ("DATABASE_POOL_SIZE", "10"),
            // No test waits for its turn to mail, unless that is what it is about.
            ("MAIL_PER_SECOND", "1000"),
            // Nor for being many at once.
            ("RATE_LIMIT_AUTH", "off"),
            ("RATE_LIMIT_API", "off"),
            ("RATE_LIMIT_WS", "off"),
            // Where it is on, counts are exact however busy the machine is.
            ("RATE_LIMIT_REDIS_TIMEOUT", "10s"),
            ("LOG_LEVEL", "warn"),
            ("PAYME_SECRET_KEY", "test-payme-key"),
            ("CLICK_SECRET_KEY", "test-click-key"),
            // Nobody listens there: a test that has no sandbox asks nobody outside, and is told so at once.
            ("MULTICARD_BASE_URL", "http://127.0.0.1:9"),
        ]
        .iter()
        .chain(settings)
        {
            variables.insert((*name).to_owned(), (*value).to_owned());
        }
        let settings = Settings::from_vars(variables.clone()).expect("valid settings");
        let app = Arc::new(App::new(settings).expect("an app"));
        let engine = Engine::with_registry(Arc::clone(&app), crate::kinds::registry());
        let api = api::serve(Arc::clone(&app), SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("listens");
        let client = Client::new(api.address);
        Self {
            database,
            app,
            client,
            redis_url,
            redis_prefix,
            mail_dir,
            media_dir,
            sms_dir,
            variables,
            engine,
            api: Some(api),
            finished: AtomicBool::new(false),
        }
    }

    /// Starts the payment providers, and a platform that speaks with them, with some settings of its own.
    pub async fn start_with_sandbox(settings: &[(&str, &str)]) -> (Self, Sandbox) {
        let mut known = sandbox::Settings::development();
        known.payme_key = "test-payme-key".to_owned();
        Self::start_with_sandbox_of(known, settings).await
    }

    /// The same with providers of these settings.
    pub async fn start_with_sandbox_of(
        mut known: sandbox::Settings,
        settings: &[(&str, &str)],
    ) -> (Self, Sandbox) {
        known.redeliver_after = Duration::from_millis(10);
        let sandbox = Sandbox::start(known).await.expect("listens");
        let variables = sandbox.variables();
        let told = variables.iter().map(|(name, value)| (*name, value.as_str()));
        let told: Vec<_> = told.chain(settings.iter().copied()).collect();
        let app = Self::start_with(&told).await;
        sandbox.move_platform(&app.url());
        (app, sandbox)
    }

    /// The API's base URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.api.as_ref().expect("serves").address)
    }

    /// The variables that make a process part of this platform.
    pub fn variables(&self) -> HashMap<String, String> {
        self.variables.clone()
    }

    /// Another engine on the same database, as another process would have it, without background services.
    pub async fn engine(&self) -> Arc<Engine> {
        let settings = Settings::from_vars(self.variables()).expect("valid settings");
        let app = Arc::new(App::new(settings).expect("an app"));
        Engine::with_registry(app, crate::kinds::registry())
    }

    /// A whole worker, Redis transport included, in this process.
    pub async fn in_process_worker(&self) -> InProcessWorker {
        let engine = self.engine().await;
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(worker::run(Arc::clone(&engine), async { drop(stopped.await) }));
        InProcessWorker { engine, stop, running }
    }

    /// Runs everything that is due, follow-ups included; returns how many runs it took.
    pub async fn run_due_jobs(&self) -> usize {
        self.engine.run_due().await.expect("jobs run")
    }

    /// Records a job in a transaction of its own.
    pub async fn enqueue<J: JobKind>(&self, job: J) {
        self.app
            .db
            .transaction(async |tx| jobs::enqueue(tx, &job).await)
            .await
            .expect("commits")
            .expect("is recorded");
    }

    /// The jobs of a kind that wait to be run, with the moment each is due.
    pub async fn waiting_jobs<J: JobKind>(&self) -> Vec<(DateTime<Utc>, J)> {
        let rows = format!(
            "SELECT (to_json(run_at) #>> '{{}}') || '|' || args FROM jobs WHERE kind = '{}' AND state = 'pending' ORDER BY run_at, id",
            J::KIND
        );
        let read = |row: String| {
            let (due, args) = row.split_once('|').expect("two parts");
            let due = due.parse().expect("a time");
            (due, serde_json::from_str(args).expect("arguments of this kind"))
        };
        self.database.texts(&rows).await.into_iter().map(read).collect()
    }

    /// Fails unless a job with these arguments waits to be run.
    #[track_caller]
    pub fn assert_enqueued<J: JobKind>(&self, job: &J) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let wanted = serde_json::to_value(job).expect("arguments");
            let waiting: Vec<_> = self
                .waiting_jobs::<J>()
                .await
                .iter()
                .map(|(_, job)| serde_json::to_value(job).expect("arguments"))
                .collect();
            assert!(
                waiting.contains(&wanted),
                "{caller}: no {} with {wanted} waits; these do: {waiting:?}",
                J::KIND
            );
        }
    }

    /// Fails when a job of this kind waits to be run.
    #[track_caller]
    pub fn assert_not_enqueued<J: JobKind>(&self) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let waiting = self.waiting_jobs::<J>().await.len();
            assert_eq!(waiting, 0, "{caller}: {waiting} jobs of {} wait", J::KIND);
        }
    }

    /// Moves the platform's clock, such as by `24 hours`.
    pub async fn advance(&self, interval: &str) {
        self.database
            .execute(&format!("UPDATE app_clock SET shift = shift + interval '{interval}'"))
            .await;
    }

    /// Business time.
    pub async fn now(&self) -> DateTime<Utc> {
        self.app.db.transaction(async |tx| Ok(tx.now())).await.expect("answers")
    }

    /// A verified person with an empty account.
    pub async fn person(&self, name: &str) -> Person {
        self.insert_person(name, "is_verified = true").await
    }

    /// A verified member of staff with every role of staff.
    pub async fn staff(&self) -> Person {
        self.insert_person("staff", "is_verified = true, is_staff = true").await
    }

    /// A verified member of staff with one role: `moderator` or `finance`; another word gives none.
    pub async fn staff_with(&self, role: &str) -> Person {
        let person = self.insert_person(role, "is_verified = true, is_staff = true").await;
        let others = "DELETE FROM staff_roles WHERE role <>";
        self.database.execute(&format!("{others} '{role}' AND user_id = '{}'", person.id)).await;
        person
    }

    /// A person who has proved nothing yet.
    pub async fn unverified(&self, name: &str) -> Person {
        self.insert_person(name, "is_verified = false").await
    }

    /// A verified person who may do everything.
    pub async fn superuser(&self) -> Person {
        self.insert_person("superuser", "is_verified = true, is_staff = true, is_superuser = true")
            .await
    }

    async fn insert_person(&self, name: &str, rights: &str) -> Person {
        Person::insert(&self.database, &self.app, &self.client, (name, rights)).await
    }

    /// Gives a person money, the way it comes: a deposit paid through Payme.
    pub async fn fund(&self, person: &Person, soum: i64) {
        let body = serde_json::json!({ "amount": soum, "payment_method": "payme" });
        let deposit = person.client.post("payments/deposit/", body).await.expect(201);
        self.payme().pay(deposit.text_at("/id"), soum * 100).await;
    }

    /// Payme, with the right key.
    pub fn payme(&self) -> Payme {
        Payme::new(&self.client, "test-payme-key")
    }

    /// Click, with the right key.
    pub fn click(&self) -> Click {
        Click::new(&self.client, "test-click-key")
    }

    /// What a person can spend, as text.
    pub async fn available(&self, person: &Person) -> String {
        person.client.get("payments/balance/").await.expect(200).text_at("/available").to_owned()
    }

    /// Runs `work` and says how many statements the platform sent meanwhile.
    pub async fn statements<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        let before = self.app.db.statements();
        let result = work.await;
        (self.app.db.statements() - before, result)
    }

    /// Says that jobs of this kind were meant to die.
    pub async fn expect_dead(&self, kind: &str) {
        self.database
            .execute(&format!(
                "UPDATE jobs SET state = 'cancelled' WHERE kind = '{kind}' AND state = 'dead'"
            ))
            .await;
    }

    /// Runs the mail queue and nothing else: almost every step of a test is followed by a letter to somebody.
    pub async fn settle_mail(&self) {
        let mut variables = self.variables();
        variables.insert("WORKER_QUEUES".to_owned(), "mail".to_owned());
        let settings = Settings::from_vars(variables).expect("valid settings");
        let app = Arc::new(App::new(settings).expect("an app"));
        let engine = Engine::with_registry(app, crate::kinds::registry());
        engine.run_due().await.expect("mail runs");
    }

    /// Ends the test: what it caused to be mailed can be mailed, no other due job is forgotten, none has died, and every
    /// invariant of the ledger holds.
    pub async fn finish(mut self) {
        self.settle_mail().await;
        let left = "SELECT kind || ' ' || state || coalesce(': ' || last_error, '') FROM jobs
                    WHERE state IN ('dispatched', 'running', 'dead') OR (state = 'pending' AND run_at <= app_now())";
        let left = self.database.texts(left).await;
        assert!(left.is_empty(), "jobs were left behind: {left:#?}");
        let violations = shared::ledger::check(&self.app.db).await.expect("checks");
        assert!(violations.is_empty(), "the ledger is violated: {violations:#?}");
        self.finished.store(true, Ordering::Relaxed);
        if let Some(api) = self.api.take() {
            api.stop(Duration::from_secs(5)).await.expect("stops");
        }
        self.database.drop_now().await;
        std::fs::remove_dir_all(&self.mail_dir).ok();
        std::fs::remove_dir_all(&self.media_dir).ok();
        std::fs::remove_dir_all(&self.sms_dir).ok();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // A test that fails keeps its database for the one who looks.
        if !self.finished.load(Ordering::Relaxed) && !std::thread::panicking() {
            eprintln!("a test ended without `app.finish()`: {}", self.database.name);
            std::process::abort();
        }
    }
}
