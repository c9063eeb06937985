//! A comparison that is stopped in the middle goes on where it was: nothing is left out, and nothing counts twice.

use futures::future::{BoxFuture, FutureExt as _};
use serde_json::json;
use shared::jobs::kinds::CompareProviderReports;
use shared::jobs::{Prepared, Runner};
use tests::TestApp;

use super::{compare, next_day, open_cases, press, reports, running};

const DEPOSITS: usize = 45;
/// Whose Complete was lost: in the first batch of twenty, at the edges of the second, and in the third.
const LOST: [usize; 5] = [3, 20, 31, 39, 44];

/// What the comparison has so far, and whether it knows where to go on.
async fn so_far(app: &TestApp) -> String {
    let sql = "SELECT compared || ' compared, ' || repaired || ' repaired, ' || comparisons || ' ended, ' ||
               CASE WHEN place IS NULL THEN 'at the beginning' ELSE 'in the middle' END
               FROM provider_reports WHERE source = 'click' AND compared > 0";
    app.database.texts(sql).await.join("; ")
}

/// A worker asks Click about the next batch, and dies before it can say what it heard.
fn die_after_the_call(app: &TestApp) -> BoxFuture<'_, ()> {
    async move {
        let registry = shared::jobs::registry();
        let entry = registry.get("compare_click_report").expect("registered");
        let Runner::External(runner) = &entry.runner else { panic!("a call to the outside") };
        let day = "SELECT day FROM provider_reports WHERE source = 'click' AND compared > 0";
        let args = json!({ "day": app.database.texts(day).await.remove(0) });
        let prepared = app
            .app
            .db
            .transaction(async |tx| runner.prepare(args.clone(), 1, tx, &app.app).await)
            .await
            .expect("prepares");
        let Prepared::Call(mut call) = prepared else { panic!("there is a batch to ask about") };
        call.call(&app.app).await.expect("asks");
    }
    .boxed()
}

/// The job is gone with the whole job table, and the next night begins a new one.
async fn lose_the_job(app: &TestApp) {
    app.database.execute("DELETE FROM jobs WHERE kind = 'compare_click_report'").await;
    app.advance("1 minute").await;
    app.run_due_jobs().await;
    assert_eq!(running(app, "click").await, 1, "nobody goes on by itself");
    app.enqueue(CompareProviderReports {}).await;
    app.run_due_jobs().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_that_is_stopped_after_any_batch_goes_on_where_it_was() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[("PAYMENT_REPORT_DAYS", "1")]).await;
    let person = app.person("payer").await;
    for number in 0..DEPOSITS {
        let body = json!({ "amount": 10_000, "payment_method": "click" });
        let deposit = person.client.post("payments/deposit/", body).await.expect(201);
        let button = if LOST.contains(&number) { "lose" } else { "pay" };
        press(deposit.text_at("/payment_url"), button).await;
    }
    assert_eq!(app.available(&person).await, "400000.00");
    next_day(&app, &sandbox).await;
    app.enqueue(CompareProviderReports {}).await;
    app.run_due_jobs().await;
    assert_eq!(so_far(&app).await, "20 compared, 1 repaired, 0 ended, in the middle");
    die_after_the_call(&app).await;
    assert_eq!(so_far(&app).await, "20 compared, 1 repaired, 0 ended, in the middle");
    lose_the_job(&app).await;
    assert_eq!(so_far(&app).await, "40 compared, 4 repaired, 0 ended, in the middle");
    lose_the_job(&app).await;
    assert_eq!(running(&app, "click").await, 0);
    let whole = "45 compared, 5 repaired, 1 ended, at the beginning";
    assert_eq!(so_far(&app).await, whole);
    assert_eq!(reports(&app).await, ["click: 45 compared, 5 repaired, 0 disagreed"]);
    assert_eq!(app.available(&person).await, "450000.00", "each lost one is credited, once");
    let twice = "SELECT count(*) FROM (SELECT ref FROM ledger.journal WHERE kind = 'deposit' GROUP BY ref HAVING count(*) > 1) t";
    assert_eq!(app.database.number(twice).await, 0);
    compare(&app).await;
    assert_eq!(so_far(&app).await, "45 compared, 0 repaired, 2 ended, at the beginning");
    assert_eq!(open_cases(&app).await, [""; 0]);
    app.finish().await;
}
