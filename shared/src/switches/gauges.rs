//! Which switches are off, for the metrics.

use super::model::all;
use crate::Conn;
use crate::error::Result;
use crate::telemetry::metrics;

/// Shows them.
pub(crate) async fn measure(conn: &mut Conn) -> Result<()> {
    for row in all(conn).await? {
        let off = i64::from(row.off_at.is_some());
        metrics::SWITCH_OFF.with_label_values(&[row.name.as_str()]).set(off);
    }
    Ok(())
}
