//! The database: commands take a [`Tx`], queries take a [`Conn`], and only [`Db::transaction`] makes a `Tx`.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::connection::InstrumentationEvent;
use diesel::sql_types::{Bool, Text};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    TransactionManager,
};
use futures::FutureExt as _;

use crate::error::{Error, Result};
use crate::jobs::{Doorbell, Enqueued, Origin};
use crate::settings::DatabaseSettings;
use crate::statement::statement;
use crate::telemetry::timing::Statements;
use crate::telemetry::{metrics, trace};

/// A connection, for queries.
pub type Conn = AsyncPgConnection;

/// What every session is set to: a lock or a statement that takes longer is an answer (503 `BUSY`), not a hang;
/// a process that is stopped in the middle of a transaction loses it. Compiling a plan takes longer than any of ours runs.
const SESSION: &str = "SET lock_timeout = '2s'; SET statement_timeout = '5s'; SET jit = off; \
                       SET idle_in_transaction_session_timeout = '10s'; SET timezone = 'UTC'";

/// All statements see the same instant, and none can write.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// A snapshot reads whole tables; nobody waits for it. Gone with the transaction.
const SNAPSHOT_LIMITS: &str =
    "SET LOCAL statement_timeout = '55s'; SET LOCAL idle_in_transaction_session_timeout = '60s'";

/// The database of one process.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    doorbell: Doorbell,
    statements: Arc<AtomicU64>,
    watched: bool,
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// Business time: `now()` plus the shift that only tests and demos move.
    fn app_now() -> Timestamptz;

    /// Real time.
    #[sql_name = "now"]
    fn real_now() -> Timestamptz;

    /// Sets a variable, with `true` to the end of the transaction.
    fn set_config(name: Text, value: Text, is_local: Bool) -> Text;
}

impl Db {
    /// A pool of connections to `DATABASE_URL`, and the doorbell on the direct one. Connects lazily.
    ///
    /// # Errors
    /// When the pool cannot be built from the settings.
    pub fn connect(settings: &DatabaseSettings) -> Result<Self> {
        let statements = Arc::new(AtomicU64::new(0));
        let mut config = ManagerConfig::<AsyncPgConnection>::default();
        config.recycling_method = RecyclingMethod::Fast;
        let (counter, watched) = (Arc::clone(&statements), settings.watched);
        config.custom_setup = Box::new(move |url| {
            establish(url.to_owned(), Statements::new(Arc::clone(&counter), watched)).boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config(settings.url.expose(), config);
        let pool = Pool::builder(manager)
            .max_size(settings.pool_size)
            .wait_timeout(Some(settings.pool_wait))
            .create_timeout(Some(settings.pool_wait))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(Error::internal)?;
        let doorbell = Doorbell::start(settings.direct_url.clone());
        Ok(Self { pool, doorbell, statements, watched })
    }

    /// A connection for queries.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when none is free in time or the server does not answer.
    pub async fn read(&self) -> Result<Object<AsyncPgConnection>> {
        self.pool.get().await.map_err(Error::unavailable)
    }

    /// A connection outside the pool, for what must not wait behind work.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` when the server does not answer.
    pub async fn connect_apart(&self, settings: &DatabaseSettings) -> Result<Conn> {
        let url = settings.url.expose().to_owned();
        let statements = Statements::new(Arc::clone(&self.statements), self.watched);
        tokio::time::timeout(settings.pool_wait, establish(url, statements))
            .await
            .map_err(Error::unavailable)?
            .map_err(Error::unavailable)
    }

    /// Runs `work` in one transaction: READ COMMITTED, with row locks where a decision is made.
    ///
    /// There are no hidden retries: `work` can run only once, and a rare deadlock is 503 `BUSY` for a client
    /// or another attempt for a job. Due jobs recorded by `work` ring the doorbell after the commit.
    ///
    /// # Errors
    /// Whatever `work` returns, after a rollback; or the database's own failure.
    pub async fn transaction<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'t> AsyncFnOnce(&'t mut Tx) -> Result<T>
            + for<'t> Work<&'t mut Tx, Result<T>, Fut: Send>
            + Send,
        T: Send,
    {
        let mut tx = self.begin().await?;
        let result = work(&mut tx).await;
        // On the heap: the future of a transaction is part of many others.
        Box::pin(self.end(tx, result)).await
    }

    /// Commits what succeeded, and rolls back what did not.
    pub(crate) async fn end<T>(&self, mut tx: Tx, result: Result<T>) -> Result<T> {
        match result {
            Ok(value) => {
                self.commit(tx).await?;
                Ok(value)
            }
            Err(error) => {
                match AnsiTransactionManager::rollback_transaction(tx.conn()).await {
                    Ok(()) => tx.release(),
                    Err(rollback) => {
                        tracing::warn!(target: "db", error = %rollback, "rollback failed; the connection is thrown away");
                    }
                }
                Err(error)
            }
        }
    }

    /// Runs `work` on one snapshot of the whole database: what it reads belongs together. Read only, and with more
    /// time per statement than a request has.
    ///
    /// # Errors
    /// Whatever `work` returns; or the database's own failure.
    pub async fn snapshot<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> AsyncFnOnce(&'c mut Conn) -> Result<T>
            + for<'c> Work<&'c mut Conn, Result<T>, Fut: Send>
            + Send,
        T: Send,
    {
        let mut conn = self.read().await?;
        AnsiTransactionManager::begin_transaction_sql(&mut *conn, SNAPSHOT).await?;
        let result = match conn.batch_execute(SNAPSHOT_LIMITS).await {
            Ok(()) => work(&mut conn).await,
            Err(error) => Err(error.into()),
        };
        AnsiTransactionManager::rollback_transaction(&mut *conn).await?;
        result
    }

    /// Opens a snapshot of the whole database that is read in steps, with time for something else between them. It lasts
    /// as long as the session's limit on idle transactions lets it.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_snapshot(&self) -> Result<Snapshot> {
        let mut conn = Held(Some(self.read().await?));
        AnsiTransactionManager::begin_transaction_sql(conn.get(), SNAPSHOT).await?;
        Ok(Snapshot(conn))
    }

    /// Opens a transaction; [`Db::end`] ends it.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        let mut conn = Held(Some(self.read().await?));
        AnsiTransactionManager::begin_transaction(conn.get()).await?;
        let (now, real_now) = instants(conn.get()).await?;
        Ok(Tx {
            conn,
            now,
            real_now,
            enqueued: Vec::new(),
            rings: false,
            origin: Origin::Api,
            trace: trace::current(),
        })
    }

    async fn commit(&self, mut tx: Tx) -> Result<()> {
        let started = Instant::now();
        AnsiTransactionManager::commit_transaction(tx.conn()).await?;
        metrics::observe_commit(started.elapsed());
        metrics::jobs_enqueued(&tx.enqueued, tx.origin);
        if tx.rings || tx.enqueued.iter().any(|job| job.run_at <= tx.now) {
            self.doorbell.ring();
        }
        tx.release();
        Ok(())
    }

    /// How many statements this process has sent: tests count them. What one request sends is in [`timing`](crate::telemetry::timing).
    #[must_use]
    pub fn statements(&self) -> u64 {
        AtomicU64::load(&self.statements, Ordering::Relaxed)
    }

    /// Connections in use and connections allowed, for the metrics.
    #[must_use]
    pub fn pool_status(&self) -> deadpool::Status {
        self.pool.status()
    }
}

/// Business time and real time; and says whose request it is, which is what the columns of the audit log default to.
async fn instants(conn: &mut Conn) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
    let times = (app_now(), real_now());
    let Some(client) = trace::client() else {
        return Ok(diesel::select(times).get_result(conn).await?);
    };
    let say = |name: &'static str, value: Option<String>| {
        set_config(name, value.unwrap_or_default(), true)
    };
    let said = (say("wibe.ip", client.ip), say("wibe.user_agent", client.user_agent));
    let (times, _said): (_, (String, String)) =
        diesel::select((times, said)).get_result(conn).await?;
    Ok(times)
}

/// A new session with the platform's limits, counting its statements.
pub(crate) async fn establish(
    url: String,
    mut statements: Statements,
) -> diesel::ConnectionResult<AsyncPgConnection> {
    let mut conn = AsyncPgConnection::establish(&url).await?;
    conn.batch_execute(SESSION)
        .await
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| statements.heed(&event));
    Ok(conn)
}

/// The connection of an open transaction. Dropped before the transaction has ended (the client went away, a job ran out
/// of time), it is closed and not given back: its locks must not wait for the next user of the pool.
struct Held(Option<Object<AsyncPgConnection>>);

impl Held {
    fn get(&mut self) -> &mut Conn {
        self.0.as_mut().expect("a transaction has its connection until it ends")
    }

    fn peek(&self) -> &Conn {
        self.0.as_ref().expect("a transaction has its connection until it ends")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(Object::take(conn));
        }
    }
}

/// A read-only view of the database as it was at one instant. Dropped before [`Snapshot::close`], it takes its connection
/// with it.
pub struct Snapshot(Held);

impl Snapshot {
    /// The connection, for queries.
    pub fn conn(&mut self) -> &mut Conn {
        self.0.get()
    }

    /// Gives the connection back.
    ///
    /// # Errors
    /// The database's.
    pub async fn close(mut self) -> Result<()> {
        AnsiTransactionManager::rollback_transaction(self.0.get()).await?;
        drop(self.0.0.take());
        Ok(())
    }
}

/// A transaction with its instant. Commands take it first; it cannot be made elsewhere.
pub struct Tx {
    conn: Held,
    now: DateTime<Utc>,
    real_now: DateTime<Utc>,
    pub(crate) enqueued: Vec<Enqueued>,
    rings: bool,
    pub(crate) origin: Origin,
    pub(crate) trace: Option<String>,
}

impl Tx {
    /// The transaction's instant in business time, in microseconds as PostgreSQL keeps them.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The same instant in real time: what the clocks of partners are compared with, and nothing else.
    #[must_use]
    pub fn real_now(&self) -> DateTime<Utc> {
        self.real_now
    }

    /// Gives the connection back: the transaction has ended.
    fn release(mut self) {
        drop(self.conn.0.take());
    }

    /// The connection, for diesel.
    pub fn conn(&mut self) -> &mut Conn {
        self.conn.get()
    }

    /// Says who causes the jobs of this transaction, for the metrics; requests are the default.
    pub fn caused_by(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Rings the doorbell after the commit: jobs that were there before are due now.
    pub(crate) fn ring(&mut self) {
        self.rings = true;
    }

    /// Waits for other transactions that named the same work, and holds it to the end of this one: for a rule about
    /// rows that do not exist yet, which no row lock can guard. Taken after the listing's lock, before the deal's.
    pub(crate) async fn one_at_a_time(&mut self, work: &str) -> Result<()> {
        statement("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(work)
            .execute(self.conn.get())
            .await?;
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.conn.peek()
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn.get()
    }
}

/// Names the future of an async closure, so that it can be required to be `Send` (the bound on
/// `AsyncFnOnce::CallOnceFuture` is not stable yet; diesel-async uses the same help).
pub trait Work<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as Work<T, R>>::Fut {
    /// The future the closure returns.
    type Fut: Future<Output = R>;
}

impl<F, T, Fut, R> Work<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}
