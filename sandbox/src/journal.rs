//! Every call that a provider made to the platform, with its reply: what a developer wants to see.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::world::lock;

/// Older calls are forgotten.
const KEPT: usize = 500;
/// Longer replies are shortened.
const REPLY_MAX: usize = 4_000;

/// One call to the platform. Its authorization is not recorded.
#[derive(Clone, Debug)]
pub struct WebhookCall {
    /// When, in Tashkent.
    pub at: String,
    /// Who called: `payme`, `click`, `paynet` or `multicard`.
    pub provider: &'static str,
    /// What for, such as `PerformTransaction`.
    pub what: String,
    /// Where to.
    pub url: String,
    /// The body that was sent.
    pub request: String,
    /// The reply's HTTP status; none when there was no reply.
    pub status: Option<u16>,
    /// The reply's body, or why there is none.
    pub reply: String,
    /// How long it took.
    pub took: Duration,
}

/// The last calls, oldest first.
#[derive(Default)]
pub(crate) struct Journal {
    calls: Mutex<VecDeque<WebhookCall>>,
}

impl Journal {
    /// Sends a request, waits for its reply, and records both.
    pub(crate) async fn send(
        &self,
        clock: &Clock,
        provider: &'static str,
        what: impl Into<String>,
        body: String,
        request: reqwest::RequestBuilder,
    ) -> WebhookCall {
        let (at, began) = (clock.stamp(), Instant::now());
        let (client, built) = request.body(body.clone()).build_split();
        let (url, answered) = match built {
            Ok(built) => (built.url().to_string(), client.execute(built).await),
            Err(error) => (String::new(), Err(error)),
        };
        let (status, reply) = match answered {
            Ok(response) => {
                let status = response.status().as_u16();
                (Some(status), response.text().await.unwrap_or_else(|error| error.to_string()))
            }
            Err(error) if error.is_timeout() => (None, "no answer in time".to_owned()),
            Err(error) => (None, error.without_url().to_string()),
        };
        let reply = reply.chars().take(REPLY_MAX).collect();
        let (what, took) = (what.into(), began.elapsed());
        let call = WebhookCall { at, provider, what, url, request: body, status, reply, took };
        let mut calls = lock(&self.calls);
        if calls.len() == KEPT {
            calls.pop_front();
        }
        calls.push_back(call.clone());
        call
    }

    /// The recorded calls, oldest first.
    pub(crate) fn calls(&self) -> Vec<WebhookCall> {
        lock(&self.calls).iter().cloned().collect()
    }
}
