//! Payment cases: one fact is one case, staff close it once, and everything they do is on record.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Story, TestApp};

/// A provider asks for money back that was spent, nine times.
async fn spent_refund(app: &TestApp) -> String {
    let listing = Story::new(app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    let body = json!({ "amount": 100_000, "payment_method": "payme" });
    let deposit = buyer.client.post("payments/deposit/", body).await.expect(201);
    let id = app.payme().pay(deposit.text_at("/id"), 10_000_000).await;
    buyer.client.post("payments/purchase/", json!({ "listing_id": listing })).await.expect(201);
    let payme = app.payme();
    let asked = json!({ "id": id, "reason": 5 });
    let answers = join_all((0..9).map(|_| payme.call("CancelTransaction", asked.clone()))).await;
    assert!(answers.iter().all(|answer| answer["error"]["code"] == -31_007), "{answers:?}");
    deposit.text_at("/id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_refund_asked_for_nine_times_is_one_case_that_staff_close_once() {
    let app = TestApp::start().await;
    let deposit = spent_refund(&app).await;
    let staff = app.staff().await.client;
    let open = staff
        .get("admin-panel/payment-cases/?status=open&kind=refund_refused&provider=payme")
        .await
        .expect(200);
    assert_eq!(open.at("/count"), &json!(1), "{}", open.text);
    assert_eq!(open.text_at("/results/0/transaction_id"), deposit);
    assert_eq!(open.text_at("/results/0/details/amount"), "100000.00");
    for nothing in ["status=resolved", "kind=paid_twice"] {
        let list = staff.get(&format!("admin-panel/payment-cases/?{nothing}")).await.expect(200);
        assert_eq!(list.at("/count"), &json!(0), "{nothing}");
    }
    let path = format!("admin-panel/payment-cases/{}/resolve/", open.at("/results/0/id"));
    let note = json!({ "note": " Asked the buyer; Payme keeps it. " });
    let closed = join_all((0..9).map(|_| staff.post(&path, note.clone()))).await;
    for reply in &closed {
        assert_eq!((reply.status, reply.text_at("/status")), (200, "resolved"), "{}", reply.text);
        assert_eq!(reply.json, closed[0].json, "nine clicks, nine equal answers");
    }
    assert_eq!(closed[0].text_at("/note"), "Asked the buyer; Payme keeps it.");
    let audit = "SELECT count(*) FROM audit_log WHERE action = 'payment_case.resolve'";
    assert_eq!(app.database.number(audit).await, 1);
    let refused = staff.post(&path, json!({ "note": "Something else" })).await;
    assert_eq!(
        refused.expect_error(409, "INVALID_STATE").text_at("/error/details/status"),
        "resolved"
    );
    let open = staff.get("admin-panel/payment-cases/?status=open").await.expect(200);
    assert_eq!(open.at("/count"), &json!(0));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cases_are_for_staff_and_wrong_words_about_them_change_nothing() {
    let app = TestApp::start().await;
    spent_refund(&app).await;
    let person = app.person("curious").await.client;
    for (client, status, code) in
        [(&app.client, 401, "NOT_AUTHENTICATED"), (&person, 403, "PERMISSION_DENIED")]
    {
        client.get("admin-panel/payment-cases/").await.expect_error(status, code);
        client
            .post("admin-panel/payment-cases/1/resolve/", json!({ "note": "mine" }))
            .await
            .expect_error(status, code);
    }
    let staff = app.staff().await.client;
    let path = format!(
        "admin-panel/payment-cases/{}/resolve/",
        staff.get("admin-panel/payment-cases/").await.expect(200).at("/results/0/id")
    );
    for body in [
        json!({}),
        json!({ "note": "" }),
        json!({ "note": "  \n " }),
        json!({ "note": 7 }),
        json!({ "note": "a\u{0}b" }),
        json!({ "note": "x".repeat(2_001) }),
        json!({ "note": "fine", "status": "open" }),
    ] {
        staff.post(&path, body).await.expect_error(400, "VALIDATION_ERROR");
    }
    for nobody in ["0", "999999", "-1", "99999999999999999999", "abc"] {
        let path = format!("admin-panel/payment-cases/{nobody}/resolve/");
        staff.post(&path, json!({ "note": "fine" })).await.expect_error(404, "NOT_FOUND");
    }
    for wrong in ["status=closed", "kind=all", "provider=visa", "paid=1"] {
        staff
            .get(&format!("admin-panel/payment-cases/?{wrong}"))
            .await
            .expect_error(400, "VALIDATION_ERROR");
    }
    let left = staff.get("admin-panel/payment-cases/?status=open").await.expect(200);
    assert_eq!(left.at("/count"), &json!(1));
    assert_eq!(left.at("/results/0/note"), &Value::Null);
    app.finish().await;
}
