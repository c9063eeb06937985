//! The nightly comparison with what providers report: what was lost is credited or given back, what differs is for staff
//! once, and a provider that does not answer is asked again.

mod click;
mod multicard;
mod reversals;
mod stopped;

use std::time::Duration;

use sandbox::Sandbox;
use serde_json::json;
use shared::jobs::kinds::CompareProviderReports;
use tests::{Person, TestApp};

const SOUM: i64 = 50_000;

struct Deposit {
    id: String,
    url: String,
    person: Person,
}

async fn deposit(app: &TestApp, method: &str) -> Deposit {
    let person = app.person("payer").await;
    let body = json!({ "amount": SOUM, "payment_method": method });
    let reply = person.client.post("payments/deposit/", body).await.expect(201);
    let (id, url) = (reply.text_at("/id").to_owned(), reply.text_at("/payment_url").to_owned());
    Deposit { id, url, person }
}

/// A day passes, for the platform and for the providers.
async fn next_day(app: &TestApp, sandbox: &Sandbox) {
    app.advance("1 day").await;
    sandbox.advance(Duration::from_secs(86_400));
}

/// The night's comparisons, to their end, with everything that they cause.
async fn compare(app: &TestApp) {
    app.enqueue(CompareProviderReports {}).await;
    for _ in 0..20 {
        app.run_due_jobs().await;
        if running(app, "click").await + running(app, "multicard").await == 0 {
            app.run_due_jobs().await;
            return;
        }
        app.advance("2 seconds").await;
    }
    panic!("the comparisons do not end: {:?}", reports(app).await);
}

/// Comparisons with a provider that have not come to their end.
async fn running(app: &TestApp, source: &str) -> i64 {
    let sql = "SELECT count(*) FROM provider_reports WHERE finished_at IS NULL AND source = ";
    app.database.number(&format!("{sql}'{source}'")).await
}

/// What the comparisons of days with payments came to.
async fn reports(app: &TestApp) -> Vec<String> {
    let sql = "SELECT source || ': ' || compared || ' compared, ' || repaired || ' repaired, ' || disagreed || ' disagreed'
               FROM provider_reports WHERE compared > 0 ORDER BY source, day";
    app.database.texts(sql).await
}

/// Open cases by what differs.
async fn open_cases(app: &TestApp) -> Vec<String> {
    let sql = "SELECT kind || ' ' || provider || ' ' || regexp_replace(reference, '.*:', '') FROM payment_cases
               WHERE resolved_at IS NULL ORDER BY id";
    app.database.texts(sql).await
}

async fn status(app: &TestApp, deposit: &Deposit) -> String {
    let sql = format!("SELECT status FROM transactions WHERE id = '{}'", deposit.id);
    app.database.texts(&sql).await.remove(0)
}

/// Opens a page of the sandbox and presses a button.
async fn press(page: &str, button: &str) {
    let browser = reqwest::Client::builder().no_proxy().build().expect("a browser");
    let form = "application/x-www-form-urlencoded";
    let answer = browser.post(page).header("Content-Type", form).body(format!("do={button}"));
    let answer = answer.send().await.expect("answers");
    assert_eq!(answer.status(), 200, "{page}");
}
