//! How many cases wait for staff.

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::model::CaseKind;
use crate::Conn;
use crate::error::Result;
use crate::payments::providers::Provider;
use crate::schema::payment_cases;
use crate::telemetry::metrics;

/// Sets the gauges of every kind and every provider, also of those where nothing waits.
pub(in crate::payments) async fn measure(conn: &mut Conn) -> Result<()> {
    let open: Vec<(CaseKind, Provider, i64)> = payment_cases::table
        .filter(payment_cases::resolved_at.is_null())
        .group_by((payment_cases::kind, payment_cases::provider))
        .select((payment_cases::kind, payment_cases::provider, count_star()))
        .load(conn)
        .await?;
    for kind in CaseKind::ALL {
        let waiting =
            open.iter().filter(|(found, ..)| found == kind).map(|(.., count)| count).sum();
        metrics::PAYMENT_CASES_OPEN.with_label_values(&[kind.as_str()]).set(waiting);
    }
    for provider in Provider::ALL {
        let differ = |row: &&(CaseKind, Provider, i64)| {
            row.0 == CaseKind::Disagreement && row.1 == *provider
        };
        let waiting = open.iter().filter(differ).map(|(.., count)| count).sum();
        metrics::PROVIDER_RECON_MISMATCH_COUNT.with_label_values(&[provider.as_str()]).set(waiting);
    }
    Ok(())
}
