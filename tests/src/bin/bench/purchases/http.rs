//! The API's side: the real binary, and buyers who press the button as fast as it answers.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::stock::Sale;
use super::story::Story;
use crate::failure::{Attempt, Result};
use crate::series::Timed;
use crate::servers::Servers;

const READY_WITHIN: Duration = Duration::from_secs(30);
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A running API. Dropping it kills it.
pub(crate) struct Api {
    child: Child,
    base: String,
}

impl Api {
    /// Starts the binary and waits until it is ready.
    pub(crate) async fn start(
        servers: &Servers,
        mut variables: HashMap<String, String>,
    ) -> Result<Self> {
        let (listen, metrics) = (free_address()?, free_address()?);
        variables.insert("API_LISTEN".to_owned(), listen.clone());
        variables.insert("API_METRICS_LISTEN".to_owned(), metrics);
        let program = servers.binaries.join("api");
        let child = Command::new(&program)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .attempt(program.display())?;
        let mut api = Self { child, base: format!("http://{listen}") };
        let (http, started) = (reqwest::Client::new(), Instant::now());
        loop {
            let answer =
                http.get(format!("{}/health/ready/", api.base)).timeout(ANSWER_WITHIN).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(api);
            }
            if let Some(status) = api.child.try_wait().attempt("the API cannot be asked")? {
                return Err(format!("the API does not start: {status}"));
            }
            if started.elapsed() > READY_WITHIN {
                return Err(format!("the API is not ready within {} s", READY_WITHIN.as_secs()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its address, without a path.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().attempt("the API has ended")
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.attempt("the API does not end")
    }

    /// Plays the story of every sale once: `clients` of them at a time on a connection each, one after another.
    /// Any unexpected answer fails the bench.
    pub(crate) async fn sell(
        &self,
        story: &Story,
        sales: &[Sale],
        clients: usize,
    ) -> Result<Timed> {
        let mut people = JoinSet::new();
        let started = Instant::now();
        for block in sales.chunks(sales.len().div_ceil(clients).max(1)) {
            let (story, base, block) = (story.clone(), self.base.clone(), block.to_vec());
            people.spawn(async move { story.play(base, block).await });
        }
        let mut latencies = Vec::with_capacity(sales.len());
        while let Some(sold) = people.join_next().await {
            latencies.extend(sold.attempt("a buyer is gone")??);
        }
        Ok(Timed { elapsed: started.elapsed(), latencies })
    }
}

/// An address nobody listens on.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).attempt("no free port")?;
    listener.local_addr().map(|address| address.to_string()).attempt("no free port")
}
