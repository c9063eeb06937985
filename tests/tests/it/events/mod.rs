//! Every payment operation is a line in the log and a row in the audit log, by the same name.

mod deals;
mod deposits;
mod subscriptions;
mod withdrawals;

use std::collections::BTreeSet;
use std::future::Future;

use serde_json::{Value, json};
use tests::{LogLines, Person, TestApp};

/// The actions since the last call.
fn actions(lines: &LogLines) -> BTreeSet<String> {
    let targets = ["payments", "escrow", "ledger", "subscriptions"];
    let ours = |event: &Value| targets.iter().any(|target| event["target"] == *target);
    let events = lines.take().into_iter().filter(ours);
    events.filter_map(|event| event["action"].as_str().map(str::to_owned)).collect()
}

/// The actions in the audit log after a row, about money and not about sessions.
async fn audited(app: &TestApp, after: i64) -> BTreeSet<String> {
    let rows = format!(
        "SELECT DISTINCT action FROM audit_log WHERE id > {after}
         AND split_part(action, '.', 1) IN ('deposit', 'money', 'adjustment', 'balance', 'switch', 'withdrawal',
                                            'subscription', 'payment_case', 'payment_method')"
    );
    app.database.texts(&rows).await.into_iter().collect()
}

/// Fails unless a step leaves exactly these actions in both.
async fn told<T>(
    app: &TestApp,
    lines: &LogLines,
    expected: &[&str],
    step: impl Future<Output = T>,
) -> T {
    actions(lines);
    let after = app.database.number("SELECT coalesce(max(id), 0) FROM audit_log").await;
    let came = step.await;
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(audited(app, after).await, expected, "the audit log");
    assert_eq!(actions(lines), expected, "the log");
    came
}

/// Begins a deposit of 5,000.00.
async fn begun(person: &Person, method: &str) -> String {
    let body = json!({ "amount": 5_000, "payment_method": method });
    person.client.post("payments/deposit/", body).await.expect(201).text_at("/id").to_owned()
}
