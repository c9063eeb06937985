//! How every provider is called: a limit on every wait, no redirect, and nothing sent twice by itself.

use std::time::Duration;

use reqwest::{Client, Response, redirect};

use crate::error::{Error, Result as OurResult};

/// Answers are small; more than this is not read.
const ANSWER_MAX: usize = 1 << 20;

/// Why a call brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// It never left: nothing happened.
    NotSent(&'static str),
    /// It may have been read, and done.
    Unknown(&'static str),
}

/// A client; connects to nothing yet.
///
/// # Errors
/// When the TLS library cannot be set up.
pub(super) fn client(connect_timeout: Duration, timeout: Duration) -> OurResult<Client> {
    // A repeated sending could pay twice, and an answer from elsewhere is nobody's.
    Client::builder()
        .user_agent("wibestore")
        .connect_timeout(connect_timeout)
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .build()
        .map_err(Error::internal)
}

/// What a failed sending means. A connection that never stood has carried nothing.
pub(super) fn lost(error: &reqwest::Error) -> Lost {
    if error.is_connect() || error.is_builder() {
        Lost::NotSent("no connection")
    } else if error.is_timeout() {
        Lost::Unknown("timed out")
    } else {
        Lost::Unknown("the connection broke")
    }
}

/// The body, unless it is too long.
pub(super) async fn read(mut response: Response) -> Result<Vec<u8>, Lost> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(Lost::Unknown("the answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
