//! A payout to a provider that answers late, wrongly or not at all: asked by its reference before it is sent again.

use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::error::{Error, Result};
use shared::jobs::{Backoff, ExternalJob, JobKind, JobVerdict, Limits, Queue};
use shared::{App, Tx};

use super::mark::leave;

/// The variable with the provider's base URL.
pub const PROVIDER_VARIABLE: &str = "TEST_PROVIDER_URL";
/// No answer within this time is no answer.
const PROVIDER_TIMEOUT: Duration = Duration::from_millis(700);

/// Pays once, under the reference that it was recorded with.
#[derive(Serialize, Deserialize)]
pub struct Payout {
    pub key: String,
}

impl JobKind for Payout {
    const KIND: &'static str = "test_payout";
    const QUEUE: Queue = Queue::Default;
    const LIMITS: Limits = Limits {
        max_attempts: 60,
        timeout: Duration::from_secs(5),
        backoff: Backoff { base: Duration::from_millis(300), max: Duration::from_secs(1) },
    };
}

impl ExternalJob for Payout {
    type Plan = String;
    type Answer = ();

    async fn prepare(&self, _: &mut Tx, _: &App) -> Result<Option<String>> {
        Ok(Some(self.key.clone()))
    }

    /// What the provider knows is not sent again; what nobody knows is asked again at the next attempt.
    async fn call(reference: &String, _: &App) -> Result<()> {
        let base = std::env::var(PROVIDER_VARIABLE).map_err(Error::internal)?;
        let payout = format!("{base}/payouts/{reference}");
        let known = client().get(&payout).send().await.map_err(Error::unavailable)?;
        match known.status().as_u16() {
            200 => return Ok(()),
            404 => {}
            status => return Err(Error::unavailable(format!("the provider says {status}"))),
        }
        let sent = client().post(&payout).send().await.map_err(Error::unavailable)?;
        match sent.status().as_u16() {
            200 => Ok(()),
            status => Err(Error::unavailable(format!("the provider says {status}"))),
        }
    }

    async fn record(reference: String, (): (), tx: &mut Tx, _: &App) -> Result<JobVerdict> {
        leave(tx, &reference).await
    }
}

fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        reqwest::Client::builder().timeout(PROVIDER_TIMEOUT).build().expect("a client")
    })
}
