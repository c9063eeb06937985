//! Multicard, whose history is read page by page and matched both ways.

use sandbox::{
    Call, Order, Payment, Reply, SANDBOX_HUMO, SANDBOX_UZCARD, Sandbox, Settings, Status,
};
use serde_json::json;
use shared::jobs::kinds::{CompareMulticardReport, CompareProviderReports, ProcessDeposit};
use tests::TestApp;

use super::{Deposit, compare, deposit, next_day, open_cases, reports, running, status};

async fn pay(sandbox: &Sandbox, deposit: &Deposit, card: &str) -> Payment {
    let invoice = deposit.url.rsplit('/').next().expect("an id");
    sandbox.multicard().pay(invoice, card).await.expect("pays")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_both_know_alike_is_compared_page_by_page_and_is_no_case() {
    let mut settings = Settings::development();
    settings.payme_key = "test-payme-key".to_owned();
    settings.multicard_page_max = 2;
    let (app, sandbox) = TestApp::start_with_sandbox_of(settings, &[]).await;
    for (method, card) in
        [("uzcard", SANDBOX_UZCARD), ("humo", SANDBOX_HUMO), ("uzcard", SANDBOX_UZCARD)]
    {
        pay(&sandbox, &deposit(&app, method).await, card).await;
    }
    let unpaid = deposit(&app, "humo").await;
    next_day(&app, &sandbox).await;
    compare(&app).await;
    assert_eq!(reports(&app).await, ["multicard: 3 compared, 0 repaired, 0 disagreed"]);
    assert_eq!(
        sandbox.multicard().asked(Call::History),
        4,
        "two pages of a day, one of two others"
    );
    assert_eq!(open_cases(&app).await, [""; 0]);
    assert_eq!(status(&app, &unpaid).await, "cancelled", "nobody came to pay");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_whose_callback_was_lost_is_credited_by_the_job_that_asks() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let lost = deposit(&app, "uzcard").await;
    sandbox.multicard().order(Order::on(Call::Callback).times(9).reply(Reply::Silence));
    assert_eq!(pay(&sandbox, &lost, SANDBOX_UZCARD).await.status, Status::Success);
    // The job that would have asked is lost as well.
    app.database.execute("DELETE FROM jobs WHERE kind = 'process_deposit'").await;
    next_day(&app, &sandbox).await;
    compare(&app).await;
    assert_eq!(app.available(&lost.person).await, "50000.00");
    assert_eq!(reports(&app).await, ["multicard: 1 compared, 1 repaired, 0 disagreed"]);
    compare(&app).await;
    assert_eq!(reports(&app).await, ["multicard: 1 compared, 0 repaired, 0 disagreed"]);
    assert_eq!(open_cases(&app).await, [""; 0]);
    app.assert_not_enqueued::<ProcessDeposit>().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_payment_that_nobody_told_of_goes_back_to_its_payer() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let multicard = sandbox.multicard();
    let deposit = deposit(&app, "uzcard").await;
    let first = pay(&sandbox, &deposit, SANDBOX_UZCARD).await;
    multicard.order(Order::on(Call::Callback).times(9).reply(Reply::Silence));
    let second = multicard.pay_again(&first.invoice_uuid, SANDBOX_UZCARD).await.expect("pays");
    assert_eq!(second.status, Status::Success, "both are paid");
    next_day(&app, &sandbox).await;
    compare(&app).await;
    app.run_due_jobs().await;
    let now = |uuid: &str| {
        let payments = multicard.payments();
        payments.iter().find(|payment| payment.uuid == uuid).expect("known").status
    };
    assert_eq!((now(&first.uuid), now(&second.uuid)), (Status::Success, Status::Revert));
    assert_eq!(app.available(&deposit.person).await, "50000.00");
    assert_eq!(open_cases(&app).await, [""; 0]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_difference_is_one_case_and_takes_nobodys_money() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let multicard = sandbox.multicard();
    let mut paid = Vec::new();
    for _ in 0..6 {
        let deposit = deposit(&app, "humo").await;
        let payment = pay(&sandbox, &deposit, SANDBOX_HUMO).await;
        paid.push((deposit, payment.uuid));
    }
    app.advance("3 minutes").await;
    app.run_due_jobs().await;
    multicard.mark(&paid[0].1, Status::Revert).expect("known");
    multicard.mark(&paid[1].1, Status::Progress).expect("known");
    multicard.set_amount(&paid[2].1, 100).expect("known");
    multicard.set_reference(&paid[3].1, "somebody-else").expect("known");
    multicard.forget(&paid[4].1);
    next_day(&app, &sandbox).await;
    compare(&app).await;
    let mut cases = open_cases(&app).await;
    cases.sort();
    let expected = [
        "disagreement humo amount",
        "disagreement humo open_there",
        "disagreement humo undone_there",
        "disagreement humo unknown_here",
        "disagreement humo unknown_there",
    ];
    assert_eq!(cases, expected);
    compare(&app).await;
    let mut again = open_cases(&app).await;
    again.sort();
    assert_eq!(again, cases, "the next night opens nothing twice");
    for (deposit, _) in &paid {
        assert_eq!(app.available(&deposit.person).await, "50000.00", "staff decide");
    }
    // Staff book the first one back, as Multicard has done.
    let path = format!("admin-panel/transactions/{}/refund/", paid[0].0.id);
    let staff = app.staff().await.client;
    staff.post(&path, json!({ "reason": "given back there" })).await.expect(201);
    compare(&app).await;
    let left = open_cases(&app).await;
    assert!(!left.contains(&"disagreement humo undone_there".to_owned()), "{left:?}");
    assert_eq!(left.len(), cases.len() - 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_staff_booked_back_and_multicard_kept_is_a_case() {
    let (app, sandbox) = TestApp::start_with_sandbox(&[]).await;
    let deposit = deposit(&app, "uzcard").await;
    let payment = pay(&sandbox, &deposit, SANDBOX_UZCARD).await;
    let path = format!("admin-panel/transactions/{}/refund/", deposit.id);
    let staff = app.staff().await.client;
    staff.post(&path, json!({ "reason": "will be given back" })).await.expect(201);
    next_day(&app, &sandbox).await;
    compare(&app).await;
    assert_eq!(open_cases(&app).await, ["disagreement uzcard kept_there"]);
    sandbox.multicard().mark(&payment.uuid, Status::Revert).expect("known");
    compare(&app).await;
    assert_eq!(open_cases(&app).await, [""; 0]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn multicard_that_does_not_answer_is_asked_again_and_no_case_comes_of_it() {
    let settings = [("MULTICARD_TIMEOUT", "300ms"), ("PAYMENT_REPORT_DAYS", "1")];
    let (app, sandbox) = TestApp::start_with_sandbox(&settings).await;
    let multicard = sandbox.multicard();
    let deposit = deposit(&app, "uzcard").await;
    pay(&sandbox, &deposit, SANDBOX_UZCARD).await;
    app.advance("3 minutes").await;
    app.run_due_jobs().await;
    next_day(&app, &sandbox).await;
    for reply in [
        Reply::Silence,
        Reply::Cut,
        Reply::Status(502),
        Reply::Garbage,
        Reply::Refusal("ERROR_FIELDS".to_owned()),
    ] {
        multicard.order(Order::on(Call::History).reply(reply.clone()));
        app.enqueue(CompareProviderReports {}).await;
        app.run_due_jobs().await;
        assert_eq!(app.waiting_jobs::<CompareMulticardReport>().await.len(), 1, "{reply:?}");
        for wait in ["1 hour", "2 seconds", "2 seconds"] {
            app.advance(wait).await;
            app.run_due_jobs().await;
        }
        assert_eq!(running(&app, "multicard").await, 0, "{reply:?}");
        assert_eq!(open_cases(&app).await, [""; 0], "{reply:?}");
    }
    app.finish().await;
}
