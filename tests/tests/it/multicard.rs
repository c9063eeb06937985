//! Deposits by Uzcard and Humo: the payer's money is on the balance exactly when Multicard keeps it, whatever is lost, late,
//! forged, repeated or contradicted on the way.

use futures::future::join_all;
use reqwest::Method;
use sandbox::{Call, Effect, Mode, Order, Reply, SANDBOX_HUMO, SANDBOX_UZCARD, Status};
use serde_json::{Value, json};
use tests::{
    Acquirer, Person, Reply as Answer, TestApp, eventually, signed_success, signed_webhook,
};

const SOUM: i64 = 50_000;
const TIYIN: i64 = SOUM * 100;

struct Deposit {
    id: String,
    invoice: String,
    person: Person,
}

/// A deposit that waits on Multicard's page.
async fn deposit(app: &TestApp, acquirer: &Acquirer, method: &str) -> Deposit {
    let person = app.person("payer").await;
    let body = json!({ "amount": SOUM, "payment_method": method });
    let reply = person.client.post("payments/deposit/", body).await.expect(201);
    let id = reply.text_at("/id").to_owned();
    let invoices = acquirer.multicard.invoices();
    let invoice = invoices.iter().find(|invoice| invoice.invoice_id == id).expect("an invoice");
    assert!(reply.text_at("/payment_url").ends_with(&invoice.uuid), "{}", reply.text);
    Deposit { id, invoice: invoice.uuid.clone(), person }
}

async fn status(app: &TestApp, deposit: &Deposit) -> String {
    let sql = format!("SELECT status FROM transactions WHERE id = '{}'", deposit.id);
    app.database.texts(&sql).await.remove(0)
}

async fn call(app: &TestApp, method: &str, body: &Value) -> Answer {
    let path = format!("payments/webhooks/{method}/");
    app.client.post(&path, body.clone()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_pays_a_deposit_once_in_both_modes_and_no_card_is_kept() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    for (method, card, mode) in [
        ("uzcard", SANDBOX_UZCARD, Mode::Success),
        ("humo", SANDBOX_HUMO, Mode::Success),
        ("uzcard", SANDBOX_UZCARD, Mode::Webhooks),
        ("humo", SANDBOX_HUMO, Mode::Webhooks),
    ] {
        acquirer.multicard.switch(mode);
        let deposit = deposit(&app, &acquirer, method).await;
        let invoice = acquirer.multicard.invoices().pop().expect("an invoice");
        assert_eq!(invoice.amount, TIYIN);
        assert!(invoice.callback_url.ends_with(&format!("/api/v1/payments/webhooks/{method}/")));
        assert_eq!(status(&app, &deposit).await, "pending", "a page is no payment");
        let payment = acquirer.multicard.pay(&deposit.invoice, card).await.expect("pays");
        assert_eq!(payment.status, Status::Success, "{:?}", payment.callback_message);
        assert_eq!(app.available(&deposit.person).await, "50000.00");
        for _ in 0..3 {
            assert!(
                acquirer.multicard.call_back(&payment.uuid).await.expect("known"),
                "again: 200"
            );
        }
        assert_eq!(app.available(&deposit.person).await, "50000.00");
        let shown =
            deposit.person.client.get(&format!("payments/transactions/{}/", deposit.id)).await;
        assert_eq!(shown.text_at("/status"), "completed");
    }
    app.advance("3 minutes").await;
    app.run_due_jobs().await;
    let kept = app.database.texts("SELECT request::text || response FROM webhook_calls").await;
    assert!(kept.len() >= 16, "every call is on record");
    for text in &kept {
        for secret in [SANDBOX_UZCARD, SANDBOX_HUMO, "998901234567", "\"card_token\": \"t"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let credits = "SELECT count(*) FROM ledger.journal WHERE kind = 'deposit'";
    assert_eq!(app.database.number(credits).await, 4);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_or_does_not_fit_changes_nothing() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    let Deposit { id, invoice, person } = deposit(&app, &acquirer, "uzcard").await;
    let payme = json!({ "amount": SOUM, "payment_method": "payme" });
    let payme = person.client.post("payments/deposit/", payme).await.expect(201);
    let payme = payme.text_at("/id");
    let nobody = uuid::Uuid::new_v4().to_string();
    let right = signed_success(&invoice, &id, TIYIN);
    let with = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        body
    };
    for (method, body, expected) in [
        ("uzcard", with("sign", json!("0".repeat(32))), 403),
        ("uzcard", with("sign", json!("")), 403),
        ("uzcard", with("amount", json!(TIYIN + 1)), 403),
        ("uzcard", with("store_id", json!(7)), 403),
        ("uzcard", with("invoice_id", json!(nobody)), 403),
        ("uzcard", with("status", json!("success")), 403),
        ("uzcard", with("amount", json!(1.5)), 400),
        ("uzcard", with("uuid", json!("../auth")), 400),
        ("uzcard", json!({}), 400),
        ("uzcard", json!([]), 400),
        ("uzcard", signed_success(&invoice, &nobody, TIYIN), 404),
        ("uzcard", signed_success(&invoice, "order-77", TIYIN), 404),
        ("uzcard", signed_success(&invoice, payme, TIYIN), 404),
        ("humo", right.clone(), 404),
        ("uzcard", signed_success(&invoice, &id, TIYIN / 100), 422),
        ("uzcard", signed_success(&nobody, &id, TIYIN), 422),
        ("uzcard", signed_webhook(&nobody, &id, TIYIN, "success"), 422),
        // Signed, but Multicard itself says that nobody has paid.
        ("uzcard", right.clone(), 409),
        ("uzcard", signed_webhook(&invoice, &id, TIYIN, "success"), 409),
        ("uzcard", signed_webhook(&invoice, &id, TIYIN, "paid"), 400),
        // What changes nothing is taken.
        ("uzcard", signed_webhook(&invoice, &id, TIYIN, "draft"), 200),
        ("uzcard", signed_webhook(&invoice, &id, TIYIN, "revert"), 200),
    ] {
        let answer = call(&app, method, &body).await;
        assert_eq!(answer.status, expected, "{body} {}", answer.text);
        assert_eq!(answer.at("/success"), &json!(expected == 200), "{}", answer.text);
    }
    the_body_itself_may_be_wrong(&app, &right).await;
    assert_eq!(app.available(&person).await, "0.00");
    let changed = "SELECT count(*) FROM transactions WHERE status <> 'pending'";
    assert_eq!(app.database.number(changed).await, 0);
    assert_eq!(app.database.number("SELECT count(*) FROM ledger.journal").await, 0);
    app.finish().await;
}

async fn the_body_itself_may_be_wrong(app: &TestApp, right: &Value) {
    let post = |kind: &str, body: Vec<u8>| {
        let request = app.client.request(Method::POST, "payments/webhooks/uzcard/");
        app.client.send(request.header("Content-Type", kind.to_owned()).body(body))
    };
    let text = right.to_string().into_bytes();
    assert_eq!(post("text/plain", text.clone()).await.status, 415);
    assert_eq!(post("application/x-www-form-urlencoded", text.clone()).await.status, 415);
    assert_eq!(post("application/json", vec![b' '; 2 << 20]).await.status, 413);
    assert_eq!(post("application/json", b"{".to_vec()).await.status, 400);
    let packed = app.client.request(Method::POST, "payments/webhooks/uzcard/");
    let packed =
        packed.header("Content-Type", "application/json").header("Content-Encoding", "gzip");
    assert_eq!(app.client.send(packed.body(text)).await.status, 415);
    app.client.get("payments/webhooks/uzcard/").await.expect_error(405, "METHOD_NOT_ALLOWED");
    app.client.post("payments/webhooks/visa/", right.clone()).await.expect_error(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_equal_callbacks_at_once_are_one_credit_and_sixteen_equal_answers() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[("DATABASE_POOL_WAIT", "10s")]).await;
    for mode in [Mode::Success, Mode::Webhooks] {
        acquirer.multicard.switch(mode);
        let deposit = deposit(&app, &acquirer, "uzcard").await;
        // Multicard's own call is lost; sixteen copies of it arrive together.
        acquirer.multicard.order(Order::on(Call::Callback).times(2).reply(Reply::Silence));
        let payment = acquirer.multicard.pay(&deposit.invoice, SANDBOX_UZCARD).await.expect("pays");
        acquirer.multicard.forget_orders();
        let body = match mode {
            Mode::Success => signed_success(&payment.uuid, &deposit.id, TIYIN),
            Mode::Webhooks => signed_webhook(&payment.uuid, &deposit.id, TIYIN, "success"),
        };
        let answers = join_all((0..16).map(|_| call(&app, "uzcard", &body))).await;
        for answer in &answers {
            assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"success":true}"#));
        }
        assert_eq!(app.available(&deposit.person).await, "50000.00");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM ledger.journal").await, 2);
    app.advance("3 minutes").await;
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_payment_of_a_paid_deposit_goes_back_to_its_payer() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    let multicard = &acquirer.multicard;
    for mode in [Mode::Success, Mode::Webhooks] {
        multicard.switch(mode);
        let deposit = deposit(&app, &acquirer, "uzcard").await;
        let first = multicard.pay(&deposit.invoice, SANDBOX_UZCARD).await.expect("pays");
        let second = multicard.pay_again(&deposit.invoice, SANDBOX_UZCARD).await.expect("pays");
        assert_ne!(first.uuid, second.uuid);
        let now = |uuid: &str| {
            let found = multicard.payments().into_iter().find(|payment| payment.uuid == uuid);
            found.expect("known").status
        };
        let told = second.callback_message.as_deref().unwrap_or_default();
        match mode {
            Mode::Success => assert!(told.starts_with("HTTP 409"), "{told}"),
            Mode::Webhooks => assert_eq!(now(&second.uuid), Status::Success, "taken, not kept"),
        }
        // The answer to the give-back is lost once: it is looked up, and not given back twice.
        multicard.order(Order::on(Call::Refund).reply(Reply::Cut));
        app.run_due_jobs().await;
        app.advance("1 hour").await;
        app.run_due_jobs().await;
        multicard.forget_orders();
        assert_eq!((now(&first.uuid), now(&second.uuid)), (Status::Success, Status::Revert));
        assert_eq!(app.available(&deposit.person).await, "50000.00");
    }
    assert_eq!(multicard.asked(Call::Refund), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_cannot_be_made_is_503_and_nothing_is_lost() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    let person = app.person("payer").await;
    let body = json!({ "amount": SOUM, "payment_method": "humo" });
    for (on, reply) in [
        (Call::CreateInvoice, Reply::Silence),
        (Call::CreateInvoice, Reply::Cut),
        (Call::CreateInvoice, Reply::Status(502)),
        (Call::CreateInvoice, Reply::Garbage),
        (Call::CreateInvoice, Reply::Refusal("ERROR_FIELDS".to_owned())),
    ] {
        acquirer.multicard.order(Order::on(on).reply(reply));
        let reply = person.client.post("payments/deposit/", body.clone()).await;
        reply.expect_error(503, "SERVICE_UNAVAILABLE");
    }
    acquirer.multicard.expire_tokens();
    let reply = person.client.post("payments/deposit/", body).await.expect(201);
    let invoice = acquirer.multicard.invoices().pop().expect("an invoice");
    assert_eq!(invoice.invoice_id, reply.text_at("/id"), "a worthless token is renewed");
    acquirer.multicard.pay(&invoice.uuid, SANDBOX_HUMO).await.expect("pays");
    assert_eq!(app.available(&person).await, "50000.00");
    app.advance("25 hours").await;
    app.enqueue(shared::jobs::kinds::ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    let left = "SELECT status || ' ' || count(*) FROM transactions GROUP BY status ORDER BY 1";
    assert_eq!(app.database.texts(left).await, ["cancelled 5", "completed 1"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_nobody_can_confirm_is_refused_and_found_out_about() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    let multicard = &acquirer.multicard;
    for (mode, ends, balance) in
        [(Mode::Success, "cancelled", "0.00"), (Mode::Webhooks, "completed", "50000.00")]
    {
        multicard.switch(mode);
        let deposit = deposit(&app, &acquirer, "uzcard").await;
        multicard.order(
            Order::on(Call::GetPayment).times(50).reply(Reply::Status(500)).effect(Effect::Nothing),
        );
        let payment = multicard.pay(&deposit.invoice, SANDBOX_UZCARD).await.expect("pays");
        if mode == Mode::Success {
            assert_eq!(payment.status, Status::Revert, "503 gives the money back");
        }
        assert_eq!(status(&app, &deposit).await, "processing", "a payment was told of");
        assert_eq!(app.available(&deposit.person).await, "0.00");
        app.run_due_jobs().await;
        assert_eq!(status(&app, &deposit).await, "processing", "still nobody answers");
        multicard.forget_orders();
        app.advance("70 minutes").await;
        app.run_due_jobs().await;
        assert_eq!(status(&app, &deposit).await, ends);
        assert_eq!(app.available(&deposit.person).await, balance);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_was_lost_is_asked_for() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    let deposit = deposit(&app, &acquirer, "uzcard").await;
    acquirer.multicard.order(Order::on(Call::Callback).reply(Reply::Silence));
    let payment = acquirer.multicard.pay(&deposit.invoice, SANDBOX_UZCARD).await.expect("pays");
    assert_eq!(payment.status, Status::Success);
    assert_eq!(app.available(&deposit.person).await, "0.00");
    // Even the job that would ask is lost: the scan of the deposits gives it back.
    app.database.execute("DELETE FROM jobs WHERE kind = 'process_deposit'").await;
    app.advance("25 hours").await;
    app.enqueue(shared::jobs::kinds::ReconcilePayments::default()).await;
    app.run_due_jobs().await;
    assert_eq!(app.available(&deposit.person).await, "50000.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_nobody_pays_is_taken_back_after_a_day() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    let deposit = deposit(&app, &acquirer, "humo").await;
    let declined = acquirer.multicard.decline(&deposit.invoice, SANDBOX_HUMO).await.expect("asks");
    assert_eq!(declined.status, Status::Error);
    for step in ["21 minutes", "2 hours", "8 hours"] {
        app.advance(step).await;
        app.run_due_jobs().await;
        assert_eq!(status(&app, &deposit).await, "pending", "{step}");
    }
    app.advance("14 hours").await;
    app.enqueue(shared::jobs::kinds::ExpireDeposits::default()).await;
    app.run_due_jobs().await;
    assert_eq!(status(&app, &deposit).await, "cancelled");
    let late = acquirer.multicard.pay(&deposit.invoice, SANDBOX_HUMO).await;
    assert!(late.is_err(), "nobody can pay it any more");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_multicard_gives_back_and_that_is_spent_is_owed() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[("WITHDRAWAL_HOLD", "0s")]).await;
    acquirer.multicard.switch(Mode::Webhooks);
    let deposit = deposit(&app, &acquirer, "uzcard").await;
    let payment = acquirer.multicard.pay(&deposit.invoice, SANDBOX_UZCARD).await.expect("pays");
    let spent = Person::withdrawal(SOUM, SANDBOX_UZCARD);
    deposit.person.client.post("payments/withdrawal/create/", spent).await.expect(201);
    app.run_due_jobs().await;
    acquirer.refund(&payment.uuid).await;
    let owed = "SELECT count(*) FROM audit_log WHERE action = 'deposit.owed'";
    eventually("it is on record", async || app.database.number(owed).await == 1).await;
    assert!(acquirer.multicard.call_back(&payment.uuid).await.expect("known"), "told again: 200");
    assert_eq!(app.database.number(owed).await, 1);
    assert_eq!(app.available(&deposit.person).await, "0.00");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_multicard_gives_back_leaves_the_balance() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    // In the webhooks mode it is told; after a success callback it is asked for, because our yes may have been lost.
    for mode in [Mode::Webhooks, Mode::Success] {
        acquirer.multicard.switch(mode);
        let deposit = deposit(&app, &acquirer, "uzcard").await;
        let payment = acquirer.multicard.pay(&deposit.invoice, SANDBOX_UZCARD).await.expect("pays");
        assert_eq!(app.available(&deposit.person).await, "50000.00");
        acquirer.refund(&payment.uuid).await;
        if mode == Mode::Success {
            app.advance("3 minutes").await;
            app.run_due_jobs().await;
        }
        eventually("the money is taken back", async || {
            app.available(&deposit.person).await == "0.00"
        })
        .await;
        let refunds =
            format!("SELECT count(*) FROM transactions WHERE reverses_id = '{}'", deposit.id);
        assert_eq!(app.database.number(&refunds).await, 1);
        assert_eq!(
            status(&app, &deposit).await,
            "completed",
            "the way back is a movement of its own"
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credited_payment_without_its_one_posting_its_page_or_its_amount_is_found() {
    let acquirer = Acquirer::start().await;
    let app = acquirer.platform(&[]).await;
    let deposit = deposit(&app, &acquirer, "humo").await;
    acquirer.multicard.pay(&deposit.invoice, SANDBOX_HUMO).await.expect("pays");
    app.advance("3 minutes").await;
    app.run_due_jobs().await;
    let id = &deposit.id;
    let set = |change: &str| {
        format!("UPDATE transactions SET {change}, updated_at = app_now() WHERE id = '{id}'")
    };
    let copy = uuid::Uuid::now_v7();
    for (broken, mended) in [
        (set("amount = amount + 1"), set("amount = amount - 1")),
        (
            set("payment_method_id = (SELECT id FROM payment_methods WHERE code = 'uzcard')"),
            set("payment_method_id = (SELECT id FROM payment_methods WHERE code = 'humo')"),
        ),
        (
            format!(
                "INSERT INTO transactions (id, user_id, amount, type, status, processed_at, payment_method_id, provider_transaction_id)
                 SELECT '{copy}', user_id, amount, type, status, processed_at, payment_method_id, 'another' FROM transactions WHERE id = '{id}'"
            ),
            format!("DELETE FROM transactions WHERE id = '{copy}'"),
        ),
    ] {
        app.database.execute(&broken).await;
        let everything = shared::ledger::check(&app.app.db).await.expect("checks");
        let recent = shared::ledger::check_recent(&app.app.db).await.expect("checks").violations;
        for found in [everything, recent] {
            let names: Vec<_> = found.iter().map(|violation| violation.invariant).collect();
            assert!(names.contains(&"I7_multicard_agrees"), "{broken}: {names:?}");
        }
        app.database.execute(&mended).await;
    }
    let page = "SELECT count(*) FROM multicard_invoices";
    assert_eq!(app.database.number(page).await, 1);
    app.finish().await;
}
