//! Deposits through the providers beside Payme, cases of payments, and methods that staff switch.

use sandbox::SANDBOX_UZCARD;
use serde_json::json;
use tests::{Acquirer, LogLines, Paynet, Story, TestApp};

use super::{begun, told};

#[tokio::test]
async fn a_deposit_is_logged_and_audited_alike_whoever_brings_it() {
    let (lines, _listening) = LogLines::listen();
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    let (person, click) = (app.person("payer").await, app.click());
    let paid = ["deposit.process", "money.deposit"];

    let order = told(&app, &lines, &["deposit.begin"], begun(&person, "click")).await;
    told(&app, &lines, &paid, click.pay(&order, "5000")).await;
    let order = begun(&person, "click").await;
    let (number, prepared) =
        told(&app, &lines, &["deposit.process"], click.begin(&order, "5000")).await;
    let failed = click.complete(number, &order, &prepared, ("5000", -5_017));
    told(&app, &lines, &["deposit.cancel"], failed).await;

    let order = told(&app, &lines, &["deposit.begin"], begun(&person, "paynet")).await;
    let paynet = Paynet::new(&app.client);
    told(&app, &lines, &["money.deposit"], paynet.pay(&order, 500_000)).await;

    let order = told(&app, &lines, &["deposit.begin"], begun(&person, "uzcard")).await;
    let invoices = acquirer.multicard.invoices();
    let invoice = invoices.iter().find(|invoice| invoice.invoice_id == order).expect("a page");
    let pay = acquirer.multicard.pay(&invoice.uuid, SANDBOX_UZCARD);
    let payment = told(&app, &lines, &["money.deposit"], pay).await.expect("pays");
    app.run_due_jobs().await;
    let back = async {
        acquirer.refund(&payment.uuid).await;
        app.advance("3 minutes").await;
        app.run_due_jobs().await;
    };
    told(&app, &lines, &["money.deposit_reversal"], back).await;
    app.finish().await;
}

#[tokio::test]
async fn cases_and_switched_methods_are_logged_and_audited_by_one_name() {
    let (lines, _listening) = LogLines::listen();
    let app = TestApp::start().await;
    let (staff, superuser) = (app.staff().await, app.superuser().await);
    let listing = Story::new(&app).listed(&app.person("seller").await).await;
    let buyer = app.person("buyer").await;
    let body = json!({ "amount": 100_000, "payment_method": "payme" });
    let deposit = buyer.client.post("payments/deposit/", body).await.expect(201);
    let id = app.payme().pay(deposit.text_at("/id"), 10_000_000).await;
    buyer.client.post("payments/purchase/", json!({ "listing_id": listing })).await.expect(201);
    let payme = app.payme();
    let back = payme.call("CancelTransaction", json!({ "id": id, "reason": 5 }));
    told(&app, &lines, &["payment_case.open"], back).await;
    let open = staff.client.get("admin-panel/payment-cases/?status=open").await.expect(200);
    let path = format!("admin-panel/payment-cases/{}/resolve/", open.at("/results/0/id"));
    let resolve = staff.client.post(&path, json!({ "note": "asked the buyer" }));
    told(&app, &lines, &["payment_case.resolve"], resolve).await.expect(200);
    for is_active in [false, true] {
        let body = json!({ "is_active": is_active });
        let switch = superuser.client.patch("admin-panel/payment-methods/click/", body);
        told(&app, &lines, &["payment_method.changed"], switch).await.expect(200);
    }
    app.run_due_jobs().await;
    app.finish().await;
}
