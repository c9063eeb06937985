//! Removes the file of an upload that nobody wants any more.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::ids::UploadId;
use crate::jobs::{ExternalJob, JobKind, JobVerdict, Queue};
use crate::uploads::{Upload, remove};
use crate::{App, Tx};

/// Removes the file of an upload that nobody wants any more. Removing what is gone is no failure, so it may run twice.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RemoveUpload {
    /// Which.
    pub upload_id: UploadId,
}

impl JobKind for RemoveUpload {
    const KIND: &'static str = "remove_upload";
    const QUEUE: Queue = Queue::Bulk;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::KIND, self.upload_id))
    }
}

impl ExternalJob for RemoveUpload {
    type Plan = Upload;
    type Answer = ();

    async fn prepare(&self, tx: &mut Tx, _app: &App) -> Result<Option<Upload>> {
        remove::to_remove(tx, self.upload_id).await
    }

    async fn call(plan: &Upload, app: &App) -> Result<()> {
        app.storage.remove(&plan.key).await
    }

    async fn record(plan: Upload, (): (), tx: &mut Tx, _app: &App) -> Result<JobVerdict> {
        Ok(remove::removed(tx, plan.id).await?.into())
    }
}
