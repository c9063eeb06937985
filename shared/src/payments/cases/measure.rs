//! How many cases wait for staff.

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::CaseKind;
use crate::Conn;
use crate::error::Result;
use crate::schema::payment_cases;
use crate::telemetry::metrics;

/// Sets the gauge of every kind, also of those where nothing waits.
pub(in crate::payments) async fn measure(conn: &mut Conn) -> Result<()> {
    let open: Vec<(CaseKind, i64)> = payment_cases::table
        .filter(payment_cases::resolved_at.is_null())
        .group_by(payment_cases::kind)
        .select((payment_cases::kind, count_star()))
        .load(conn)
        .await?;
    for kind in CaseKind::ALL {
        let waiting = open.iter().find(|(found, _)| found == kind).map_or(0, |(_, count)| *count);
        metrics::PAYMENT_CASES_OPEN.with_label_values(&[kind.as_str()]).set(waiting);
    }
    Ok(())
}
