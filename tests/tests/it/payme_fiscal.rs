//! `SetFiscalData`: Payme tells the fiscal receipts of a payment and of its way back, and they are kept.

use reqwest::Client;
use serde_json::{Value, json};
use tests::{Payme, TestApp};

fn receipt(number: i64) -> Value {
    json!({
        "receipt_id": number, "status_code": 0, "message": "accepted", "terminal_id": "EP000000000025",
        "fiscal_sign": "800031554082", "qr_code_url": "https://ofd.soliq.uz/check?t=EP000000000025&r=121",
        "date": "20220706221021",
    })
}

async fn tell(payme: &Payme, id: &str, kind: &str, data: Value) -> Value {
    payme.call("SetFiscalData", json!({ "id": id, "type": kind, "fiscal_data": data })).await
}

/// What is kept about a payment, as JSON.
async fn kept(app: &TestApp, id: &str) -> Value {
    let sql = format!("SELECT fiscal_data FROM payme_transactions WHERE id = '{id}'");
    serde_json::from_str(&app.database.texts(&sql).await.remove(0)).expect("JSON")
}

/// A deposit that was paid through Payme, by Payme's id.
async fn paid(app: &TestApp) -> String {
    let body = json!({ "amount": 50_000, "payment_method": "payme" });
    let deposit =
        app.person("payer").await.client.post("payments/deposit/", body).await.expect(201);
    app.payme().pay(deposit.text_at("/id"), 5_000_000).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_a_payment_and_of_its_way_back_are_kept_and_told_again_without_harm() {
    let app = TestApp::start().await;
    let payme = app.payme();
    let id = paid(&app).await;
    for _ in 0..3 {
        let told = tell(&payme, &id, "PERFORM", receipt(121)).await;
        assert_eq!(told["result"], json!({ "success": true }), "{told}");
        assert_eq!(told["id"], 2032);
    }
    assert_eq!(kept(&app, &id).await, json!({ "PERFORM": receipt(121) }));
    // A corrected receipt takes the place of the first.
    tell(&payme, &id, "PERFORM", receipt(122)).await;
    payme.call("CancelTransaction", json!({ "id": id, "reason": 5 })).await;
    let told = tell(&payme, &id, "CANCEL", receipt(123)).await;
    assert_eq!(told["result"]["success"], true, "{told}");
    let both = json!({ "PERFORM": receipt(122), "CANCEL": receipt(123) });
    assert_eq!(kept(&app, &id).await, both);
    let standing = payme.call("CheckTransaction", json!({ "id": id })).await;
    assert_eq!(standing["result"]["state"], -2, "a receipt moves no money: {standing}");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_of_nothing_and_a_receipt_that_is_none_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let (payme, stranger) = (app.payme(), Payme::new(&app.client, "wrong"));
    let id = paid(&app).await;
    tell(&payme, &id, "PERFORM", receipt(121)).await;
    let error = |answer: &Value| answer["error"]["code"].as_i64().unwrap_or_default();
    let unknown = Payme::transaction_id();
    for kind in ["PERFORM", "CANCEL"] {
        let told = tell(&payme, &unknown, kind, receipt(1)).await;
        assert_eq!(error(&told), -32_001, "{told}");
        let told = tell(&stranger, &id, kind, receipt(1)).await;
        assert_eq!(error(&told), -32_504, "{told}");
    }
    for params in [
        json!({}),
        json!({ "id": id }),
        json!({ "id": id, "type": "PERFORM" }),
        json!({ "id": id, "type": "REFUND", "fiscal_data": receipt(1) }),
        json!({ "id": id, "type": "perform", "fiscal_data": receipt(1) }),
        json!({ "id": id, "type": 1, "fiscal_data": receipt(1) }),
        json!({ "id": 7, "type": "PERFORM", "fiscal_data": receipt(1) }),
        json!({ "type": "PERFORM", "fiscal_data": receipt(1) }),
        json!({ "id": id, "type": "PERFORM", "fiscal_data": null }),
        json!({ "id": id, "type": "PERFORM", "fiscal_data": [receipt(1)] }),
        json!({ "id": id, "type": "PERFORM", "fiscal_data": "a receipt" }),
    ] {
        let told = payme.call("SetFiscalData", params.clone()).await;
        assert_eq!(error(&told), -32_602, "{params}: {told}");
    }
    assert_eq!(kept(&app, &id).await, json!({ "PERFORM": receipt(121) }));
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_tells_the_receipts_as_payme_does() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let payer = app.person("payer").await;
    let body = json!({ "amount": 20_000, "payment_method": "payme" });
    let deposit = payer.client.post("payments/deposit/", body).await.expect(201);
    let browser = Client::builder().no_proxy().build().expect("a browser");
    let press = browser.post(deposit.text_at("/payment_url"));
    let press = press.header("Content-Type", "application/x-www-form-urlencoded");
    press.body("do=pay-and-cancel").send().await.expect("answers");
    let told: Vec<_> =
        sandbox.calls().into_iter().filter(|call| call.what == "SetFiscalData").collect();
    assert_eq!(told.len(), 2, "of the payment and of its way back");
    assert!(told.iter().all(|call| call.reply.contains("\"success\":true")), "{told:?}");
    let kept = app.database.texts("SELECT fiscal_data FROM payme_transactions").await;
    let kept: Value = serde_json::from_str(&kept[0]).expect("JSON");
    for kind in ["PERFORM", "CANCEL"] {
        assert!(kept[kind]["fiscal_sign"].is_string(), "{kept}");
    }
    app.run_due_jobs().await;
    app.settle_mail().await;
    app.finish().await;
}
