//! The doorbell: one debounced NOTIFY per process, on a connection of its own, after the commit.
//!
//! A NOTIFY inside every transaction takes a database-wide lock and kills group commit; a lost ring costs one poll.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures::StreamExt as _;
use tokio::sync::Notify;

use crate::db::establish;
use crate::settings::Secret;
use crate::telemetry::timing::Statements;

/// Rings closer together than this are one.
const DEBOUNCE: Duration = Duration::from_millis(3);
/// The wait before a lost connection is made again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Rings for the dispatchers of every worker.
#[derive(Clone)]
pub struct Doorbell(Arc<Notify>);

impl Doorbell {
    /// Starts the ringer of this process. It lives as long as the process and connects at the first ring.
    pub(crate) fn start(direct_url: Secret) -> Self {
        let bell = Arc::new(Notify::new());
        let ringer = Arc::downgrade(&bell);
        #[expect(
            clippy::disallowed_methods,
            reason = "the ringer is the process's own, and losing a ring loses nothing"
        )]
        tokio::spawn(async move {
            let mut conn: Option<AsyncPgConnection> = None;
            while let Some(bell) = ringer.upgrade() {
                tokio::select! {
                    () = bell.notified() => ring(&mut conn, &direct_url).await,
                    () = tokio::time::sleep(Duration::from_secs(30)) => {}
                }
            }
        });
        Self(bell)
    }

    /// Says that a job is due.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

async fn ring(conn: &mut Option<AsyncPgConnection>, url: &Secret) {
    if conn.is_none() {
        *conn = establish(url.expose().to_owned(), Statements::default()).await.ok();
    }
    if let Some(open) = conn
        && let Err(error) = open.batch_execute("NOTIFY wibe_jobs").await
    {
        tracing::debug!(target: "jobs", %error, "doorbell lost its connection");
        *conn = None;
    }
    tokio::time::sleep(DEBOUNCE).await;
}

/// Calls `on_ring` for every ring, for ever: reconnects by itself, and rings once after each connect.
pub async fn listen(direct_url: Secret, on_ring: impl Fn()) {
    loop {
        match establish(direct_url.expose().to_owned(), Statements::default()).await {
            Ok(mut conn) => {
                if conn.batch_execute("LISTEN wibe_jobs").await.is_ok() {
                    on_ring();
                    let mut rings = std::pin::pin!(conn.notifications_stream());
                    while let Some(Ok(_)) = rings.next().await {
                        on_ring();
                    }
                }
            }
            Err(error) => {
                tracing::warn!(target: "jobs", %error, "cannot listen for due jobs; polling meanwhile");
            }
        }
        tokio::time::sleep(RECONNECT).await;
    }
}
