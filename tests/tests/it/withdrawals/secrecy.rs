//! A card's number is on its way to Multicard and nowhere else.

use sandbox::{Call, Order, Reply};
use shared::jobs::kinds;
use tests::{Client, Person, Process, TestApp, eventually, free_port};

use super::{HUMO, UZCARD, ask, platform, rich, status};

/// Every row of every table, as text; bytes are written as hexadecimal digits.
async fn everything(app: &TestApp) -> String {
    let tables = app
        .database
        .texts(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
             WHERE schemaname IN ('public', 'ledger') ORDER BY 1",
        )
        .await;
    let mut all = String::new();
    for table in tables {
        for row in app.database.texts(&format!("SELECT t::text FROM {table} t")).await {
            all.push_str(&row);
            all.push('\n');
        }
    }
    all
}

fn assert_no_card(text: &str, place: &str) {
    for card in [UZCARD, HUMO] {
        let hex: String = card.bytes().map(|byte| format!("{byte:02x}")).collect();
        let spaced = format!("{} {} {} {}", &card[..4], &card[4..8], &card[8..12], &card[12..]);
        for form in [card, &hex, &spaced, &card[4..]] {
            assert!(!text.contains(form), "{place} holds a card's number");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cards_number_is_in_no_table_no_log_and_no_letter() {
    let (acquirer, app) = platform(&[]).await;
    let (lucky, unlucky) = (rich(&app, 100_000).await, rich(&app, 100_000).await);
    let logs = std::env::temp_dir().join(format!("wibe-test-logs-{}", app.database.name));
    let mut variables = app.variables();
    let listen = format!("127.0.0.1:{}", free_port());
    for (name, value) in
        [("API_LISTEN", listen.as_str()), ("LOG_LEVEL", "trace"), ("JOBS_POLL_EVERY", "50ms")]
    {
        variables.insert(name.to_owned(), value.to_owned());
    }
    for name in ["API_METRICS_LISTEN", "WORKER_METRICS_LISTEN"] {
        variables.insert(name.to_owned(), format!("127.0.0.1:{}", free_port()));
    }
    let mut api = Process::start_with_log("api", &variables, &logs.join("api.log"));
    let mut worker = Process::start_with_log("worker", &variables, &logs.join("worker.log"));
    eventually("the API answers", async || {
        reqwest::get(format!("http://{listen}/health/")).await.is_ok()
    })
    .await;
    acquirer.multicard.order(
        Order::on(Call::CreateCredit).reply(Reply::Refusal("ERROR_CARD_NOT_FOUND".to_owned())),
    );
    for (person, card) in [(&unlucky, HUMO), (&lucky, UZCARD)] {
        let there = Client::at(&format!("http://{listen}")).as_somebody(&person.client);
        let path = "payments/withdrawal/create/";
        let wrong = there.post(path, Person::withdrawal(50_000_000, card)).await.expect(400);
        assert_no_card(&wrong.text, "a refusal");
        let asked = there.post(path, Person::withdrawal(50_000, card)).await.expect(201);
        assert_no_card(&asked.text, "an answer");
        let id = asked.text_at("/id").to_owned();
        eventually("the payout ends", async || {
            matches!(status(person, &id).await.as_str(), "completed" | "failed")
        })
        .await;
    }
    eventually("the letters are written", async || {
        [&lucky, &unlucky]
            .iter()
            .all(|person| tests::mail::mails_to(&app.mail_dir, &person.email).len() > 1)
    })
    .await;
    assert!(worker.terminate().success() && api.terminate().success());
    assert_eq!(acquirer.multicard.payouts().len(), 1, "and yet it was sent there");
    assert_no_card(&everything(&app).await, "a table");
    for log in ["api.log", "worker.log"] {
        let text = std::fs::read_to_string(logs.join(log)).expect("a log");
        assert!(text.contains("withdrawal"), "{log} tells of it");
        assert_no_card(&text, log);
    }
    for person in [&lucky, &unlucky] {
        assert_no_card(&tests::mail::mails_to(&app.mail_dir, &person.email).concat(), "a letter");
    }
    std::fs::remove_dir_all(&logs).ok();
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_after_the_end_the_number_is_wiped() {
    let (_acquirer, app) = platform(&[]).await;
    let person = rich(&app, 200_000).await;
    let paid = ask(&person, 50_000, UZCARD).await.expect(201);
    let cancelled = ask(&person, 60_000, HUMO).await.expect(201);
    let cancel = format!("payments/withdrawals/{}/cancel/", cancelled.text_at("/id"));
    person.client.post_empty(&cancel).await.expect(200);
    app.run_due_jobs().await;
    let sealed =
        "SELECT count(*) FROM withdrawals WHERE card_number IS NOT NULL AND data_key IS NOT NULL";
    app.advance("29 days 23 hours").await;
    app.enqueue(kinds::WipeCardNumbers::default()).await;
    app.run_due_jobs().await;
    assert_eq!(app.database.number(sealed).await, 2);
    app.advance("2 hours").await;
    let open = ask(&person, 70_000, UZCARD).await.expect(201);
    app.enqueue(kinds::WipeCardNumbers::default()).await;
    app.run_due_jobs().await;
    assert_eq!(app.database.number(sealed).await, 1, "what has just been paid stays");
    assert_eq!(status(&person, open.text_at("/id")).await, "completed");
    let shown = person.client.get(&format!("payments/withdrawals/{}/", paid.text_at("/id"))).await;
    assert_eq!(shown.expect(200).text_at("/card_number"), "860053••••8829");
    app.finish().await;
}
