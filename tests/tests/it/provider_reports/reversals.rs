//! Payments that Click gives back for us: once, and what it does not say stays unknown.

use sandbox::{ClickCall, ClickOrder, ClickReply, ClickStatus, Sandbox};
use serde_json::json;
use shared::jobs::kinds::ReverseClickPayment;
use tests::TestApp;

use super::{Deposit, compare, deposit, next_day, open_cases, press};

/// A deposit that was paid, and that staff then booked back.
async fn refunded(app: &TestApp, sandbox: &Sandbox) -> (Deposit, i64) {
    let deposit = deposit(app, "click").await;
    press(&deposit.url, "pay").await;
    assert_eq!(app.available(&deposit.person).await, "50000.00");
    let number = sandbox.click().payment_of(&deposit.id).expect("paid").id;
    let path = format!("admin-panel/transactions/{}/refund/", deposit.id);
    let reason = json!({ "reason": "paid in error" });
    app.staff().await.client.post(&path, reason).await.expect(201);
    assert_eq!(app.available(&deposit.person).await, "0.00");
    (deposit, number)
}

fn standing(sandbox: &Sandbox, number: i64) -> ClickStatus {
    let payments = sandbox.click().payments();
    payments.iter().find(|payment| payment.id == number).expect("known").status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_staff_book_back_click_gives_back_once_whatever_answer_is_lost() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[("CLICK_TIMEOUT", "300ms")]).await;
    let click = sandbox.click();
    for (number, order) in [
        None,
        Some(ClickOrder::on(ClickCall::Reversal).reply(ClickReply::Silence)),
        Some(ClickOrder::on(ClickCall::Reversal).reply(ClickReply::Cut)),
        Some(ClickOrder::on(ClickCall::Reversal).reply(ClickReply::Status(502)).undone()),
        Some(ClickOrder::on(ClickCall::StatusByOrder).reply(ClickReply::Silence)),
    ]
    .into_iter()
    .enumerate()
    {
        let (_deposit, payment) = refunded(&app, &sandbox).await;
        let lost = order.is_some();
        order.into_iter().for_each(|order| click.order(order));
        app.run_due_jobs().await;
        let waits = app.waiting_jobs::<ReverseClickPayment>().await.len();
        assert_eq!(waits, usize::from(lost), "unknown stays unknown ({number})");
        app.advance("1 hour").await;
        app.run_due_jobs().await;
        assert_eq!(standing(&sandbox, payment), ClickStatus::Reversed, "{number}");
    }
    // Two were repeated: before anything was done. What had been done was seen first.
    assert_eq!(click.asked(ClickCall::Reversal), 6);
    assert_eq!(open_cases(&app).await, [""; 0]);
    let effects = "SELECT count(*) FROM effects WHERE effect_key LIKE 'reverse_click_payment:%'";
    assert_eq!(app.database.number(effects).await, 5);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_back_in_the_cabinet_is_not_given_back_again() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let (_deposit, payment) = refunded(&app, &sandbox).await;
    sandbox.click().mark(payment, ClickStatus::Reversed);
    app.run_due_jobs().await;
    assert_eq!(sandbox.click().asked(ClickCall::Reversal), 0);
    next_day(&app, &sandbox).await;
    compare(&app).await;
    assert_eq!(open_cases(&app).await, [""; 0], "both agree that it went back");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reversal_that_click_refuses_is_for_staff_until_the_money_is_back() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let click = sandbox.click();
    let (_deposit, payment) = refunded(&app, &sandbox).await;
    click.order(ClickOrder::on(ClickCall::Reversal).times(3).reply(ClickReply::Refusal(-31)));
    app.run_due_jobs().await;
    assert_eq!(standing(&sandbox, payment), ClickStatus::Paid);
    let kept = ["disagreement click kept_there"];
    assert_eq!(open_cases(&app).await, kept);
    next_day(&app, &sandbox).await;
    compare(&app).await;
    assert_eq!(open_cases(&app).await, kept, "asked again, refused again, one case");
    assert_eq!(click.asked(ClickCall::Reversal), 2);
    click.mark(payment, ClickStatus::Reversed);
    compare(&app).await;
    assert_eq!(open_cases(&app).await, [""; 0], "Click's operator gave it back");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_paid_twice_gets_the_second_payment_back() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let deposit = deposit(&app, "click").await;
    press(&deposit.url, "lose").await;
    press(&deposit.url, "pay").await;
    assert_eq!(app.available(&deposit.person).await, "50000.00");
    let numbers: Vec<_> = sandbox.click().payments().iter().map(|payment| payment.id).collect();
    next_day(&app, &sandbox).await;
    compare(&app).await;
    app.run_due_jobs().await;
    assert_eq!(standing(&sandbox, numbers[0]), ClickStatus::Reversed);
    assert_eq!(standing(&sandbox, numbers[1]), ClickStatus::Paid, "the one that counts stays");
    assert_eq!(app.available(&deposit.person).await, "50000.00");
    assert_eq!(open_cases(&app).await, [""; 0]);
    app.finish().await;
}
