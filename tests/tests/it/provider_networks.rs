//! Providers that call from known networks are not believed from anywhere else, whatever they know.

use sandbox::{Call, SANDBOX_UZCARD};
use serde_json::{Value, json};
use tests::{Acquirer, Paynet, Person, TestApp, signed_success};

const NAMES: [&str; 4] =
    ["PAYME_NETWORKS", "CLICK_NETWORKS", "PAYNET_NETWORKS", "MULTICARD_NETWORKS"];

async fn platform(acquirer: &Acquirer, networks: &str, proxies: &str) -> TestApp {
    let mut settings = NAMES.map(|name| (name, networks)).to_vec();
    settings.push(("TRUSTED_PROXIES", proxies));
    acquirer.platform(&settings).await
}

async fn begun(person: &Person, method: &str) -> String {
    let body = json!({ "amount": 50_000, "payment_method": method });
    person.client.post("payments/deposit/", body).await.expect(201).text_at("/id").to_owned()
}

async fn credits(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM ledger.journal WHERE kind = 'deposit'").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_signature_from_elsewhere_is_refused_as_a_wrong_one() {
    let acquirer = Acquirer::start().await;
    let app = platform(&acquirer, "203.0.113.0/24,2001:db8::/32", "").await;
    let person = app.person("payer").await;

    let params =
        json!({ "amount": 5_000_000, "account": { "order_id": begun(&person, "payme").await } });
    let payme = app.payme().call("CheckPerformTransaction", params.clone()).await;
    assert_eq!(payme["error"]["code"], -32_504, "{payme}");
    // Who is no proxy of ours says nothing about addresses.
    let request = app.payme().request("CheckPerformTransaction", &params);
    let claimed = app.client.send(request.header("X-Forwarded-For", "203.0.113.7")).await;
    assert_eq!(claimed.expect(200).at("/error/code"), &json!(-32_504));

    let click = app.click().prepare(4_711, &begun(&person, "click").await, "50000").await;
    assert_eq!(click["error"], -1, "{click}");

    let id = Paynet::transaction_id();
    let perform = Paynet::perform(id, &begun(&person, "paynet").await, 5_000_000);
    let paynet = Paynet::new(&app.client).reply("PerformTransaction", perform).await.expect(401);
    assert_eq!(paynet.at("/error/code"), &json!(412));

    let order = begun(&person, "uzcard").await;
    let body = signed_success("3f6d1c9e-0d5d-4c1f-8a8e-2f7a0c1d2e3f", &order, 5_000_000);
    let path = "payments/webhooks/uzcard/";
    app.client.post(path, body).await.expect_error(403, "SIGNATURE_INVALID");
    let asked = acquirer.multicard.asked(Call::GetPayment);
    assert_eq!((credits(&app).await, asked), (0, 0), "nobody asked Multicard either");
    let kept = "SELECT count(*) FROM webhook_calls WHERE ip = '127.0.0.1'";
    assert_eq!(app.database.number(kept).await, 5, "each call is on record with its address");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_their_networks_providers_are_heard_as_ever_also_behind_our_proxy() {
    let acquirer = Acquirer::start().await;
    let app = platform(&acquirer, "127.0.0.0/8", "").await;
    let person = app.person("payer").await;
    app.payme().pay(&begun(&person, "payme").await, 5_000_000).await;
    app.click().pay(&begun(&person, "click").await, "50000").await;
    Paynet::new(&app.client).pay(&begun(&person, "paynet").await, 5_000_000).await;
    let order = begun(&person, "uzcard").await;
    let invoices = acquirer.multicard.invoices();
    let page = invoices.iter().find(|invoice| invoice.invoice_id == order).expect("a page");
    acquirer.multicard.pay(&page.uuid, SANDBOX_UZCARD).await.expect("pays");
    assert_eq!((credits(&app).await, app.available(&person).await.as_str()), (4, "200000.00"));
    app.run_due_jobs().await;
    app.finish().await;

    let app = platform(&acquirer, "203.0.113.0/24", "127.0.0.1").await;
    let person = app.person("payer").await;
    let params =
        json!({ "amount": 5_000_000, "account": { "order_id": begun(&person, "payme").await } });
    for (seen, code) in [("203.0.113.7", Value::Null), ("203.0.114.7", json!(-32_504))] {
        let request = app.payme().request("CheckPerformTransaction", &params);
        let reply = app.client.send(request.header("X-Forwarded-For", seen)).await.expect(200);
        let found = reply.json.pointer("/error/code").cloned().unwrap_or_default();
        assert_eq!(found, code, "{seen}: {}", reply.text);
    }
    app.finish().await;
}
