//! Listening, and going away without dropping anybody.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
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

/// A connection on which no byte moves is closed, whatever it waits for.
const SILENT_AFTER: Duration = Duration::from_secs(75);
/// A request's head in bytes: more is 431. So are more than 100 headers, the parser's own limit.
const HEAD_MAX: u16 = 16 * 1024;
/// Requests that one HTTP/2 connection may have at work.
const STREAMS_MAX: u32 = 100;
/// Of the files that the process may open, this part may be connections of clients: the rest is for the database, Redis
/// and logs.
const CONNECTIONS_OF_FILES: (u64, u64) = (3, 4);

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
    let limits = app.settings.server;
    let fuse = FuseConfig::default()
        .with_http1_header_timeout(limits.header_timeout)
        .with_request_body_timeout(limits.body_timeout)
        .with_write_stall_timeout(limits.body_timeout)
        .with_connection_idle_timeout(SILENT_AFTER);
    let connections = connections_max(limits.max_connections);
    let mut server = Server::new(acceptor).fuse_config(fuse).max_connections(connections);
    server.http1_mut().max_header_size(usize::from(HEAD_MAX));
    server
        .http2_mut()
        .max_header_list_size(u32::from(HEAD_MAX))
        .max_concurrent_streams(STREAMS_MAX);
    let service = build(app, draining.clone());
    let handle = server.handle();
    #[expect(
        clippy::disallowed_methods,
        reason = "the server belongs to the process, not to a request"
    )]
    let serving = tokio::spawn(server.try_serve(service));
    Ok(Running { address, handle, draining, serving })
}

/// As many connections as wanted, if the system gives the process the files for them. It asks for all it may have:
/// shells grant 1024, and a server that cannot open a file answers nobody.
fn connections_max(wanted: usize) -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map(|(soft, hard)| {
        let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
        if raised { hard } else { soft }
    });
    let Ok(files) = limit else { return wanted };
    let (part, of) = CONNECTIONS_OF_FILES;
    let possible = usize::try_from(files / of * part).unwrap_or(usize::MAX).max(1);
    if possible < wanted {
        tracing::warn!(target: "http", files, "at most {possible} connections, not {wanted}: the process may open no more files");
    }
    wanted.min(possible)
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
