//! A batch of payments that were compared: its cases, its counts, and its place, in one transaction.

use serde::Serialize;
use serde_json::Value;

use super::judge::{Discrepancy, Verdict};
use super::row::Report;
use crate::Tx;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::payments::cases::{CaseKind, NewCase, close_agreed, open_case_again, reference};
use crate::payments::providers::Provider;
use crate::telemetry::metrics;

/// What the platform writes on a case that it closes itself.
const AGREED: &str = "The provider's report and our books agree now.";

/// Which payment was compared.
pub(in crate::payments) struct About {
    /// With whom.
    pub provider: Provider,
    /// The provider's id of the payment.
    pub payment: String,
    /// The deposit, if there is one.
    pub transaction: Option<TransactionId>,
    /// Both views, for staff; no secrets.
    pub details: Value,
}

/// A batch of a comparison.
pub(in crate::payments) struct Batch {
    report: Report,
    /// References of cases that are over.
    over: Vec<String>,
}

impl Batch {
    /// Of a comparison that runs.
    pub(in crate::payments) fn of(report: Report) -> Self {
        Self { report, over: Vec::new() }
    }

    /// The comparison.
    pub(in crate::payments) fn report(&self) -> &Report {
        &self.report
    }

    /// Counts a payment, opens its case where staff must decide, and says whether a job is to mend it.
    pub(in crate::payments) async fn conclude(
        &mut self,
        tx: &mut Tx,
        about: About,
        verdict: Verdict,
    ) -> Result<bool> {
        let (result, differs) = match verdict {
            Verdict::Agreed => ("agreed", None),
            Verdict::Repair(what) => ("repaired", Some(what)),
            Verdict::Disagreed(what) => ("disagreed", Some(what)),
        };
        let mends = matches!(verdict, Verdict::Repair(_));
        // What the night before was to mend has not been mended.
        let case = differs.filter(|_| !mends || self.report.comparisons > 0);
        let report = &mut self.report;
        report.compared = report.compared.saturating_add(1);
        match verdict {
            Verdict::Agreed => {}
            Verdict::Repair(_) => report.repaired = report.repaired.saturating_add(1),
            Verdict::Disagreed(_) => report.disagreed = report.disagreed.saturating_add(1),
        }
        metrics::PROVIDER_REPORT_PAYMENTS
            .with_label_values(&[report.source.as_str(), result])
            .inc();
        let others = Discrepancy::ALL.iter().filter(|what| Some(**what) != differs);
        self.over.extend(others.map(|what| {
            reference(about.provider, CaseKind::Disagreement, &fact(&about.payment, *what))
        }));
        if let Some(what) = case {
            let case = NewCase {
                kind: CaseKind::Disagreement,
                provider: about.provider,
                transaction_id: about.transaction,
                fact: fact(&about.payment, what),
                details: about.details,
            };
            let _opened = open_case_again(tx, case).await?;
        }
        Ok(mends)
    }

    /// Keeps the counts and the place, and closes the cases that are over. Without a place the comparison has ended.
    pub(in crate::payments) async fn save<P: Serialize>(
        self,
        tx: &mut Tx,
        place: Option<P>,
    ) -> Result<()> {
        close_agreed(tx, &self.over, AGREED).await?;
        self.report.save(tx, place.as_ref()).await?;
        if place.is_none() {
            let Report { source, day, compared, repaired, disagreed, .. } = self.report;
            tracing::info!(target: "payments", %source, %day, compared, repaired, disagreed, "a provider's report was compared");
        }
        Ok(())
    }
}

/// One disagreement about one payment is one fact.
pub(in crate::payments) fn fact(payment: &str, what: Discrepancy) -> String {
    format!("{payment}:{what}")
}
