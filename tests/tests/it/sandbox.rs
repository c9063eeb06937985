//! Payments as a developer makes them: a checkout link, a page of the sandbox, a button, and the money.

use reqwest::Client;
use serde_json::json;
use tests::TestApp;

/// Opens a page and presses a button; what the page says then.
async fn press(page: &str, button: &str) -> String {
    let browser = Client::builder().no_proxy().build().expect("a browser");
    let shown = browser.get(page).send().await.expect("opens");
    assert_eq!(shown.status(), 200, "{page}");
    let body = format!("do={button}");
    let form = "application/x-www-form-urlencoded";
    let answer = browser.post(page).header("Content-Type", form).body(body).send().await;
    answer.expect("answers").text().await.expect("a page")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payme_link_is_opened_paid_and_refunded_in_a_browser() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let payer = app.person("payer").await;
    let deposit = |soum: i64| {
        let body = json!({ "amount": soum, "payment_method": "payme" });
        async { payer.client.post("payments/deposit/", body).await.expect(201) }
    };

    let first = deposit(50_000).await;
    let said = press(first.text_at("/payment_url"), "pay").await;
    assert!(said.contains("Paid.") && said.contains(first.text_at("/id")), "{said}");
    assert_eq!(app.available(&payer).await, "50000.00");

    let second = deposit(20_000).await;
    press(second.text_at("/payment_url"), "pay-and-cancel").await;
    press(deposit(30_000).await.text_at("/payment_url"), "cancel").await;
    assert_eq!(
        app.available(&payer).await,
        "50000.00",
        "what was given back or never paid is not there"
    );

    let sent: Vec<_> = sandbox.calls().into_iter().map(|call| (call.what, call.status)).collect();
    assert_eq!(sent.iter().filter(|(what, _)| what == "PerformTransaction").count(), 2);
    assert!(sent.iter().all(|(_, status)| *status == Some(200)), "{sent:?}");
    app.run_due_jobs().await;
    app.settle_mail().await;
    app.finish().await;
}
