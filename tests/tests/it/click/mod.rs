//! Click's SHOP-API, as Click speaks it: its own test list in order, every replay and race, and whatever else arrives.

mod checklist;
mod hostile;
mod money;
mod races;

use serde_json::{Value, json};
use tests::{Person, TestApp};

/// What every deposit here is about, as Click writes it.
const SOUM: &str = "50000";

struct Order {
    id: String,
    person: Person,
}

async fn order(app: &TestApp) -> Order {
    let person = app.person("payer").await;
    let body = json!({ "amount": SOUM, "payment_method": "click" });
    let reply = person.client.post("payments/deposit/", body).await.expect(201);
    Order { id: reply.text_at("/id").to_owned(), person }
}

fn error(answer: &Value) -> i64 {
    assert!(answer["error_note"].as_str().is_some_and(|note| !note.is_empty()), "{answer}");
    answer["error"].as_i64().unwrap_or_else(|| panic!("a number in {answer}"))
}

async fn status(app: &TestApp, order: &str) -> String {
    let rows = format!("SELECT status FROM transactions WHERE id = '{order}'");
    app.database.texts(&rows).await.remove(0)
}

/// The open cases of a deposit, by kind.
async fn cases(app: &TestApp, order: &str) -> Vec<String> {
    let rows =
        format!("SELECT kind FROM payment_cases WHERE transaction_id = '{order}' ORDER BY id");
    app.database.texts(&rows).await
}

async fn credits(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM ledger.journal WHERE kind = 'deposit'").await
}
