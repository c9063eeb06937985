//! Click, which is asked about each deposit of the day.

use sandbox::{ClickCall, ClickOrder, ClickReply, ClickStatus};
use serde_json::json;
use shared::jobs::kinds::{CompareClickReport, ExpireDeposits};
use tests::TestApp;

use super::{compare, deposit, next_day, open_cases, press, reports, running, status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payers_whose_complete_was_lost_are_credited_in_the_night_and_once() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let (paid, lost) = (deposit(&app, "click").await, deposit(&app, "click").await);
    let (begun, declined) = (deposit(&app, "click").await, deposit(&app, "click").await);
    let never = deposit(&app, "click").await;
    press(&paid.url, "pay").await;
    press(&lost.url, "lose").await;
    press(&begun.url, "prepare").await;
    press(&declined.url, "decline").await;
    next_day(&app, &sandbox).await;
    compare(&app).await;
    assert_eq!(app.available(&lost.person).await, "50000.00");
    assert_eq!(status(&app, &lost).await, "completed");
    for other in [&begun, &declined, &never] {
        assert_eq!(app.available(&other.person).await, "0.00");
    }
    assert_eq!(reports(&app).await, ["click: 4 compared, 1 repaired, 0 disagreed"]);
    compare(&app).await;
    assert_eq!(reports(&app).await, ["click: 4 compared, 0 repaired, 0 disagreed"]);
    assert_eq!(open_cases(&app).await, [""; 0]);
    let credits = "SELECT count(*) FROM ledger.journal WHERE kind = 'deposit'";
    assert_eq!(app.database.number(credits).await, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payer_whose_deposit_was_swept_is_credited_by_a_deposit_of_its_own() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let lost = deposit(&app, "click").await;
    press(&lost.url, "lose").await;
    // Click's documentation shows neither status nor amount in this answer.
    sandbox
        .click()
        .order(ClickOrder::on(ClickCall::StatusByOrder).times(9).reply(ClickReply::Terse));
    next_day(&app, &sandbox).await;
    app.advance("1 minute").await;
    app.enqueue(ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, &lost).await, "cancelled");
    compare(&app).await;
    assert_eq!(app.available(&lost.person).await, "50000.00");
    assert_eq!(open_cases(&app).await.len(), 1, "paid_late, so that staff may ask");
    compare(&app).await;
    assert_eq!(app.available(&lost.person).await, "50000.00");
    assert_eq!(open_cases(&app).await.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_difference_is_one_case_and_is_over_when_both_agree() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let click = sandbox.click();
    let mut numbers = Vec::new();
    for _ in 0..4 {
        let deposit = deposit(&app, "click").await;
        press(&deposit.url, "pay").await;
        numbers.push(click.payment_of(&deposit.id).expect("paid").id);
    }
    let unheard = deposit(&app, "click").await;
    let _number = click.paid_unheard(&unheard.id, "50000.00");
    click.mark(numbers[0], ClickStatus::Reversed);
    click.mark(numbers[1], ClickStatus::Created);
    click.forget(numbers[2]);
    next_day(&app, &sandbox).await;
    compare(&app).await;
    let expected = [
        "disagreement click undone_there",
        "disagreement click open_there",
        "disagreement click unknown_there",
        "disagreement click unknown_here",
    ];
    assert_eq!(open_cases(&app).await, expected);
    compare(&app).await;
    assert_eq!(open_cases(&app).await, expected, "the next night opens nothing twice");
    let staff = app.staff().await.client;
    let list = "admin-panel/payment-cases/?kind=disagreement&status=open";
    assert_eq!(staff.get(list).await.expect(200).at("/count"), &json!(4));

    click.mark(numbers[0], ClickStatus::Paid);
    compare(&app).await;
    assert_eq!(open_cases(&app).await, expected[1..], "both agree now");
    let closed = staff.get("admin-panel/payment-cases/?status=resolved").await.expect(200);
    assert_eq!(closed.at("/results/0/resolved_by"), &json!(null), "nobody has closed it");
    click.mark(numbers[0], ClickStatus::Reversed);
    compare(&app).await;
    assert_eq!(open_cases(&app).await, expected, "and differ again");
    let id = "SELECT id FROM payment_cases WHERE reference LIKE '%:open_there'";
    let path = format!("admin-panel/payment-cases/{}/resolve/", app.database.number(id).await);
    staff.post(&path, json!({ "note": "asked Click" })).await.expect(200);
    compare(&app).await;
    assert_eq!(open_cases(&app).await.len(), 3, "what staff have closed stays closed");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_amount_and_a_change_of_mind_are_for_staff_and_credit_nobody() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let click = sandbox.click();
    let (lost, declined) = (deposit(&app, "click").await, deposit(&app, "click").await);
    press(&lost.url, "lose").await;
    press(&declined.url, "decline").await;
    let number = click.payment_of(&declined.id).expect("declined").id;
    click.mark(number, ClickStatus::Paid);
    let less = ClickReply::Says { status: None, amount: Some("5.00".to_owned()) };
    click.order(ClickOrder::on(ClickCall::StatusByOrder).reply(less));
    next_day(&app, &sandbox).await;
    compare(&app).await;
    let mut cases = open_cases(&app).await;
    cases.sort();
    assert_eq!(cases, ["disagreement click amount", "disagreement click not_credited"]);
    for deposit in [&lost, &declined] {
        assert_eq!(app.available(&deposit.person).await, "0.00");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn click_that_does_not_answer_is_asked_again_and_no_case_comes_of_it() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[("CLICK_TIMEOUT", "300ms")]).await;
    let click = sandbox.click();
    let (paid, lost) = (deposit(&app, "click").await, deposit(&app, "click").await);
    press(&paid.url, "pay").await;
    press(&lost.url, "lose").await;
    next_day(&app, &sandbox).await;
    for (on, reply) in [
        (ClickCall::StatusByOrder, ClickReply::Silence),
        (ClickCall::StatusByOrder, ClickReply::Cut),
        (ClickCall::StatusByOrder, ClickReply::Status(502)),
        (ClickCall::StatusByOrder, ClickReply::Status(404)),
        (ClickCall::StatusByOrder, ClickReply::Garbage),
    ] {
        click.order(ClickOrder::on(on).reply(reply.clone()));
        app.enqueue(shared::jobs::kinds::CompareProviderReports {}).await;
        app.run_due_jobs().await;
        assert_eq!(running(&app, "click").await, 1, "{reply:?}");
        app.advance("1 hour").await;
        app.run_due_jobs().await;
        app.advance("2 seconds").await;
        app.run_due_jobs().await;
        assert_eq!(running(&app, "click").await, 0, "{reply:?}");
        assert_eq!(open_cases(&app).await, [""; 0], "{reply:?}");
    }
    assert_eq!(app.available(&lost.person).await, "50000.00");
    app.assert_not_enqueued::<CompareClickReport>().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_deposits_than_a_batch_holds_are_all_compared_and_once() {
    let settings = [("CLICK_TIMEOUT", "300ms"), ("PAYMENT_REPORT_DAYS", "1")];
    let (app, sandbox) = TestApp::start_with_sandbox(&settings).await;
    let person = app.person("payer").await;
    for _ in 0..23 {
        let body = json!({ "amount": 10_000, "payment_method": "click" });
        let deposit = person.client.post("payments/deposit/", body).await.expect(201);
        press(deposit.text_at("/payment_url"), "lose").await;
    }
    next_day(&app, &sandbox).await;
    compare(&app).await;
    assert_eq!(reports(&app).await, ["click: 23 compared, 23 repaired, 0 disagreed"]);
    assert_eq!(app.available(&person).await, "230000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_click_has_not_opened_its_api_to_us_it_is_not_asked() {
    let settings = [("CLICK_MERCHANT_USER_ID", "")];
    let (app, sandbox) = TestApp::start_with_sandbox(&settings).await;
    let lost = deposit(&app, "click").await;
    press(&lost.url, "lose").await;
    next_day(&app, &sandbox).await;
    compare(&app).await;
    assert_eq!(sandbox.click().asked(ClickCall::StatusByOrder), 0);
    assert_eq!(reports(&app).await, [""; 0]);
    app.finish().await;
}
