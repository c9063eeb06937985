//! A payment provider outside, as bad as they come: it pays at once and again for every request, and answers as it likes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::net::TcpListener;

use crate::load::open;

/// How it behaves in one request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Does what is asked and says so.
    Honest,
    /// Fails before it does anything.
    Broken,
    /// Does what is asked and then fails.
    Ambiguous,
    /// Does what is asked and answers when nobody listens any more.
    Silent,
}

struct State {
    dice: StdRng,
    silence: Duration,
    paid: BTreeMap<String, u32>,
    lies: u64,
}

/// The provider; its server ends when it is dropped.
pub(crate) struct Provider {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Provider {
    /// Starts one with these dice; it keeps silent for this long.
    pub(crate) async fn start(dice: StdRng, silence: Duration) -> Self {
        let listener =
            TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State { dice, silence, paid: BTreeMap::new(), lies: 0 }));
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    // A client that hangs up in the middle is what this is about.
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await
                        .ok();
                });
            }
        });
        Self { url, state, serving }
    }

    /// How often each reference was paid.
    pub(crate) fn paid(&self) -> BTreeMap<String, u32> {
        open(&self.state).paid.clone()
    }

    /// How often it did not say what it did.
    pub(crate) fn lies(&self) -> u64 {
        open(&self.state).lies
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let reference = request.uri().path().trim_start_matches("/payouts/").to_owned();
    let (mood, status, silence) = {
        let mut state = open(&state);
        let mood = match state.dice.random_range(0..10) {
            0..5 => Mood::Honest,
            5..7 => Mood::Broken,
            7 => Mood::Ambiguous,
            _ => Mood::Silent,
        };
        let status = match (mood, request.method() == Method::POST) {
            (Mood::Broken, _) => StatusCode::INTERNAL_SERVER_ERROR,
            (_, true) => {
                *state.paid.entry(reference).or_default() += 1;
                StatusCode::OK
            }
            (_, false) if state.paid.contains_key(&reference) => StatusCode::OK,
            (_, false) => StatusCode::NOT_FOUND,
        };
        state.lies += u64::from(mood != Mood::Honest);
        (mood, status, state.silence)
    };
    let status = if mood == Mood::Ambiguous { StatusCode::BAD_GATEWAY } else { status };
    if mood == Mood::Silent {
        tokio::time::sleep(silence).await;
    }
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    Ok(response)
}
