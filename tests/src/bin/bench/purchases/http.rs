//! The API's side: the real binary, and buyers who press the button as fast as it answers.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::stock::Sale;
use crate::failure::{Attempt, Result};
use crate::series::Timed;
use crate::servers::Servers;

const READY_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

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

    /// Makes every purchase once: `clients` buyers at a time on a connection each, one purchase after another.
    /// Anything but a 201 fails the bench.
    pub(crate) async fn sell(&self, sales: &[Sale], clients: usize) -> Result<Timed> {
        let mut buyers = JoinSet::new();
        let started = Instant::now();
        for block in sales.chunks(sales.len().div_ceil(clients).max(1)) {
            buyers.spawn(buy_all(self.base.clone(), block.to_vec()));
        }
        let mut latencies = Vec::with_capacity(sales.len());
        while let Some(bought) = buyers.join_next().await {
            latencies.extend(bought.attempt("a buyer is gone")??);
        }
        Ok(Timed { elapsed: started.elapsed(), latencies })
    }
}

async fn buy_all(base: String, sales: Vec<Sale>) -> Result<Vec<Duration>> {
    let http =
        reqwest::Client::builder().timeout(ANSWER_WITHIN).build().attempt("an HTTP client")?;
    let url = format!("{base}/api/v1/payments/purchase/");
    let mut latencies = Vec::with_capacity(sales.len());
    for sale in sales {
        let body = format!(r#"{{"listing_id":"{}","payment_method":"balance"}}"#, sale.listing);
        let request = http
            .post(&url)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", sale.token))
            .body(body);
        let started = Instant::now();
        let answer = request.send().await.attempt("a purchase is not answered")?;
        let status = answer.status();
        let body = answer.text().await.attempt("a purchase is not answered to the end")?;
        latencies.push(started.elapsed());
        if status != reqwest::StatusCode::CREATED {
            return Err(format!("a purchase was answered with {status}: {body}"));
        }
    }
    Ok(latencies)
}

/// An address nobody listens on.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).attempt("no free port")?;
    listener.local_addr().map(|address| address.to_string()).attempt("no free port")
}
