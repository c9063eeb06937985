//! Completing jobs without an effect: one commit for all that end at the same time.

use std::collections::HashSet;
use std::sync::Arc;

use shared::App;
use shared::ids::JobId;
use shared::jobs;

use crate::batcher::Batcher;

/// Takes `(job, token)`, and answers whether the job was still ours.
pub(crate) fn batcher(app: Arc<App>) -> Batcher<(JobId, i64), bool> {
    Batcher::start(move |group: Vec<(JobId, i64)>| {
        let app = Arc::clone(&app);
        async move {
            let completed = async {
                let conn = &mut app.db.read().await?;
                jobs::complete_group(conn, &group).await
            };
            match completed.await {
                Ok(ours) => {
                    let ours: HashSet<JobId> = ours.into_iter().collect();
                    group.iter().map(|(job, _)| ours.contains(job)).collect()
                }
                Err(error) => {
                    tracing::warn!(target: "jobs", error = error.causes(), "completions failed; the jobs run again");
                    Vec::new()
                }
            }
        }
    })
}
