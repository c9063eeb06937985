//! The id that ties a request to the jobs it caused, their log lines, and the requests they are seen in; and who sent the
//! request.

use std::future::Future;

use crate::accounts::Client;

tokio::task_local! {
    static TRACE: String;
    static CLIENT: Client;
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

/// Runs the rest of a request for the program that sent it: what is written into the audit log meanwhile says so.
pub async fn on_behalf_of<T>(client: Client, work: impl Future<Output = T>) -> T {
    CLIENT.scope(client, work).await
}

/// The program whose request is running here; jobs and commands have none.
#[must_use]
pub fn client() -> Option<Client> {
    CLIENT.try_with(Clone::clone).ok()
}
