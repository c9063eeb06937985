//! Messages as files, for developers and tests: one `.json` per message, in the order they were asked for.

use std::path::Path;

use serde_json::json;

use super::{Delivery, Sms};
use crate::error::{Error, Result};

/// Writes a message down. The same message again is the same file; whoever reads it finds it whole.
pub(super) async fn write(dir: &Path, sms: &Sms) -> Result<Delivery> {
    let content = json!({
        "to": sms.to,
        "text": sms.text,
        "channel": sms.channel,
        "reference": sms.reference,
    });
    let content = serde_json::to_vec_pretty(&content).map_err(Error::internal)?;
    tokio::fs::create_dir_all(dir).await.map_err(Error::unavailable)?;
    let (whole, begun) = (format!("{}.json", sms.reference), format!("{}.part", sms.reference));
    let begun = dir.join(begun);
    tokio::fs::write(&begun, content).await.map_err(Error::unavailable)?;
    tokio::fs::rename(&begun, dir.join(whole)).await.map_err(Error::unavailable)?;
    Ok(Delivery::Accepted)
}
