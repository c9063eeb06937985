//! The id that ties a request to the jobs it caused, their log lines, and the requests they are seen in.

use std::future::Future;

tokio::task_local! {
    static TRACE: String;
}

/// Runs `work` under a trace id: jobs recorded meanwhile carry it.
pub async fn scope<T>(id: String, work: impl Future<Output = T>) -> T {
    TRACE.scope(id, work).await
}

/// The trace id of the request or job that is running here.
#[must_use]
pub fn current() -> Option<String> {
    TRACE.try_with(Clone::clone).ok()
}
