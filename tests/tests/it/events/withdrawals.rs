//! Withdrawals: asked for, looked at, paid, given back, and not known about.

use sandbox::{Call, Effect, Order, Reply};
use serde_json::json;
use tests::{Acquirer, LogLines, Person};

use super::told;

const CARD: &str = "8600533364098829";

/// Asks for a withdrawal; returns its id.
async fn ask(person: &Person, soum: i64) -> String {
    let path = "payments/withdrawal/create/";
    let reply = person.client.post(path, Person::withdrawal(soum, CARD)).await.expect(201);
    reply.text_at("/id").to_owned()
}

#[tokio::test]
async fn every_step_of_a_withdrawal_is_logged_and_audited_by_one_name() {
    let (lines, _listening) = LogLines::listen();
    let acquirer = Acquirer::start().await;
    let settings = [("WITHDRAWAL_HOLD", "0s"), ("WITHDRAWAL_REVIEW_ABOVE", "50000")];
    let app = acquirer.platform(&settings).await;
    let (staff, person) = (app.staff().await, app.person("seller").await);
    app.fund(&person, 500_000).await;
    app.run_due_jobs().await;
    let path = |id: &str, verb: &str| format!("payments/withdrawal/{id}/{verb}/");

    let asked = ["withdrawal.request", "money.withdraw_hold"];
    let id = told(&app, &lines, &asked, ask(&person, 60_000)).await;
    let approve = path(&id, "approve");
    let approve = staff.client.post_empty(&approve);
    told(&app, &lines, &["withdrawal.approve"], approve).await.expect(200);
    let paid = ["withdrawal.paid", "money.withdraw_paid"];
    told(&app, &lines, &paid, app.run_due_jobs()).await;

    let id = ask(&person, 61_000).await;
    let reject = path(&id, "reject");
    let reject = staff.client.post(&reject, json!({ "reason": "ask again" }));
    let rejected = ["withdrawal.reject", "money.withdraw_released"];
    told(&app, &lines, &rejected, reject).await.expect(200);
    let id = ask(&person, 62_000).await;
    let cancel = format!("payments/withdrawals/{id}/cancel/");
    let cancelled = ["withdrawal.cancel", "money.withdraw_released"];
    told(&app, &lines, &cancelled, person.client.post_empty(&cancel)).await.expect(200);

    let no = Reply::Refusal("ERROR_CARD_NOT_FOUND".to_owned());
    acquirer.multicard.order(Order::on(Call::CreateCredit).reply(no));
    ask(&person, 20_000).await;
    let refused = ["withdrawal.refused", "money.withdraw_released"];
    told(&app, &lines, &refused, async {
        for _ in 0..3 {
            app.run_due_jobs().await;
            app.advance("1 minute").await;
        }
    })
    .await;

    let lost = Order::on(Call::CreateCredit).reply(Reply::Cut).effect(Effect::Waits);
    acquirer.multicard.order(lost);
    ask(&person, 21_000).await;
    told(&app, &lines, &["withdrawal.unknown"], app.run_due_jobs()).await;
    let silence = Order::on(Call::CreditHistory).times(1_000).reply(Reply::Status(500));
    acquirer.multicard.order(silence.effect(Effect::Nothing));
    let called = ["withdrawal.unanswered", "payment_case.open"];
    told(&app, &lines, &called, async {
        for _ in 0..30 {
            app.advance("1 hour").await;
            app.run_due_jobs().await;
        }
    })
    .await;
    app.finish().await;
}
