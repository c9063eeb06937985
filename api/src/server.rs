//! Listening, and going away without dropping anybody.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use salvo::Server;
use salvo::conn::tcp::TcpAcceptor;
use salvo::fuse::FuseConfig;
use salvo::server::ServerHandle;
use shared::App;
use shared::telemetry::internal::Readiness;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::app::Draining;
use crate::router::build;

/// A client that sends its head or its body more slowly is cut off.
const SLOW_AFTER: Duration = Duration::from_secs(15);
/// An idle connection is closed.
const IDLE_AFTER: Duration = Duration::from_secs(75);
/// More connections wait in the listen queue.
const CONNECTIONS_MAX: usize = 10_000;

/// A server that is listening.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    draining: Draining,
    serving: JoinHandle<io::Result<()>>,
}

/// Binds and serves until [`Running::stop`]. Port 0 takes a free one.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(app: Arc<App>, address: SocketAddr) -> io::Result<Running> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
    let acceptor = TcpAcceptor::try_from(listener)?;
    let address = acceptor.local_addr()?;
    let draining = Draining::default();
    let service = build(app, draining.clone());
    let fuse = FuseConfig::default()
        .with_http1_header_timeout(SLOW_AFTER)
        .with_request_body_timeout(SLOW_AFTER)
        .with_write_stall_timeout(SLOW_AFTER)
        .with_connection_idle_timeout(IDLE_AFTER);
    let server = Server::new(acceptor).fuse_config(fuse).max_connections(CONNECTIONS_MAX);
    let handle = server.handle();
    #[expect(
        clippy::disallowed_methods,
        reason = "the server belongs to the process, not to a request"
    )]
    let serving = tokio::spawn(server.try_serve(service));
    Ok(Running { address, handle, draining, serving })
}

impl Running {
    /// Whether new requests are welcome, for the internal port.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let draining = self.draining.clone();
        Arc::new(move || !draining.started())
    }

    /// Is not ready any more, accepts nothing new, finishes what it has within `grace`, and cuts off the rest.
    ///
    /// # Errors
    /// When serving had failed.
    pub async fn stop(self, grace: Duration) -> io::Result<()> {
        self.draining.start();
        tracing::info!(target: "http", "stopping: finishing requests within {} s", grace.as_secs());
        self.handle.stop_graceful(grace);
        self.serving.await.map_err(io::Error::other)?
    }
}

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
/// When the process cannot listen for signals.
pub async fn terminated() -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
