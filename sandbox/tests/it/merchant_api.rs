//! Click's Merchant API: what the platform may ask, and who may ask it.

use serde_json::{Value, json};

use crate::platform::World;

const LINK: &str = "/click?service_id=10001&merchant_id=20001&amount=1000.00&transaction_param=o-1";
/// sha1("1519051543" + "clickSecretKey01"), the vector of the documentation.
const AUTH: &str = "7:c9a8f24876da35e7291d73560e7f1ea0fd8dd236:1519051543";

async fn world() -> World {
    World::start_with(|settings| settings.click_key = "clickSecretKey01".to_owned()).await
}

impl World {
    async fn click(&self, method: &str, path: &str, auth: &str) -> (u16, Value) {
        let url = format!("{}/click/api/{path}", self.sandbox.url());
        let request =
            self.http.request(method.parse().expect("a method"), url).header("Auth", auth);
        let answer = request.send().await.expect("answers");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

#[tokio::test]
async fn only_the_right_digest_is_let_in() {
    let world = world().await;
    for auth in
        ["", "7", "7:00:1519051543", "7:c9a8f24876da35e7291d73560e7f1ea0fd8dd236:1519051544"]
    {
        assert_eq!(world.click("GET", "payment/status/10001/1", auth).await.0, 401, "{auth}");
    }
    assert_eq!(world.click("GET", "payment/status/10001/1", AUTH).await.0, 404);
}

#[tokio::test]
async fn a_payment_whose_complete_was_lost_is_found_by_its_order_and_reversed_once() {
    let world = world().await;
    world.press(LINK, &[("do", "prepare")]).await;
    world.press(LINK, &[("do", "lose")]).await;
    assert_eq!(world.heard().len(), 2, "two Prepares and no Complete");
    let day = world.heard()[1].field("sign_time")[..10].to_owned();
    let path = format!("payment/status_by_mti/10001/o-1/{day}");
    let (_, found) = world.click("GET", &path, AUTH).await;
    assert_eq!((&found["error_code"], &found["payment_status"]), (&json!(0), &json!(2)));
    let id = found["payment_id"].as_i64().expect("an id");
    assert_eq!(id.to_string(), world.heard()[1].field("click_trans_id"));
    let elsewhere = "payment/status_by_mti/10001/o-1/2020-01-01";
    assert_eq!(world.click("GET", elsewhere, AUTH).await.0, 404);

    let reversal = format!("payment/reversal/10001/{id}");
    assert_eq!(world.click("DELETE", &reversal, AUTH).await.1["error_code"], 0);
    assert_eq!(world.click("DELETE", &reversal, AUTH).await.0, 400);
    let (_, found) =
        world.click("GET", &format!("v2/merchant/payment/status/10001/{id}"), AUTH).await;
    assert_eq!(found["payment_status"], -2);
}

#[tokio::test]
async fn an_invoice_is_paid_with_its_order() {
    let world = world().await;
    let url = format!("{}/click/api/invoice/create", world.sandbox.url());
    let body = json!({ "service_id": 10001, "amount": 1000, "phone_number": "998901234567", "merchant_trans_id": "o-1" });
    let create = |body: &Value| world.http.post(&url).header("Auth", AUTH).json(body).send();
    let made: Value = create(&body).await.expect("answers").json().await.expect("JSON");
    let status = format!("invoice/status/10001/{}", made["invoice_id"]);
    assert_eq!(world.click("GET", &status, AUTH).await.1["invoice_status"], 0);
    world.press(LINK, &[("do", "pay")]).await;
    assert_eq!(world.click("GET", &status, AUTH).await.1["invoice_status"], 1);
    let refused = create(&json!({ "service_id": 6 })).await.expect("answers");
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn click_misbehaves_as_ordered_and_is_moved_by_hand() {
    let world = world().await;
    let order = |order: Value| {
        let url = format!("{}/click/_control", world.sandbox.url());
        let request = world.http.post(url).json(&json!({ "order": order }));
        async { request.send().await.expect("answers").status().as_u16() }
    };
    let click = world.sandbox.click();
    let id = click.paid_unheard("o-1", "1000.00");
    let (status, reversal) =
        (format!("payment/status/10001/{id}"), format!("payment/reversal/10001/{id}"));
    let says = json!({ "on": "payment_status", "reply": { "says": { "status": "failed", "amount": "1.00" } } });
    assert_eq!(order(says).await, 200);
    let (_, lie) = world.click("GET", &status, AUTH).await;
    assert_eq!((&lie["payment_status"], &lie["amount"]), (&json!(-1), &json!("1.00")));
    let (_, truth) = world.click("GET", &status, AUTH).await;
    assert_eq!((&truth["payment_status"], &truth["amount"]), (&json!(2), &json!("1000.00")));
    assert_eq!(order(json!({ "on": "payment_status", "reply": "terse" })).await, 200);
    assert_eq!(world.click("GET", &status, AUTH).await.1.get("payment_status"), None);
    assert_eq!(order(json!({ "on": "reversal", "reply": { "refusal": -31 } })).await, 200);
    assert_eq!(world.click("DELETE", &reversal, AUTH).await.1["error_code"], -31);
    assert_eq!(click.payments()[0].status, sandbox::ClickStatus::Paid, "a no does nothing");
    click.mark(id, sandbox::ClickStatus::Reversed);
    assert_eq!(world.click("GET", &status, AUTH).await.1["payment_status"], -2);
    assert_eq!(click.asked(sandbox::ClickCall::Reversal), 1);
    assert_eq!(order(json!({ "on": "reversal", "times": 0 })).await, 400);
    assert_eq!(order(json!({ "on": "everything" })).await, 400);
}
