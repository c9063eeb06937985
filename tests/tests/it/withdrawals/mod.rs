//! Withdrawals: a person's money leaves once, to the card they named, or comes back whole.

mod asking;
mod paying;
mod races;
mod secrecy;
mod staff;

use sandbox::Payout;
use tests::{Acquirer, Person, Reply, TestApp};

/// Multicard's own sandbox card.
const UZCARD: &str = "8600533364098829";
const HUMO: &str = "9860012345678903";

/// A platform that pays out at once: what makes money wait is tried out where it is the subject.
async fn platform(settings: &[(&str, &str)]) -> (Acquirer, TestApp) {
    let acquirer = Acquirer::start().await;
    let quick = [("WITHDRAWAL_HOLD", "0s"), ("DATABASE_POOL_WAIT", "20s")];
    let app = acquirer.platform(&[quick.as_slice(), settings].concat()).await;
    (acquirer, app)
}

/// Somebody with this much money.
async fn rich(app: &TestApp, soum: i64) -> Person {
    let person = app.person("seller").await;
    app.fund(&person, soum).await;
    app.run_due_jobs().await;
    person
}

/// Asks for a withdrawal as the UI does.
async fn ask(person: &Person, soum: i64, card: &str) -> Reply {
    person.client.post("payments/withdrawal/create/", Person::withdrawal(soum, card)).await
}

/// How a withdrawal stands, as its owner sees it.
async fn status(person: &Person, id: &str) -> String {
    let shown = person.client.get(&format!("payments/withdrawals/{id}/")).await.expect(200);
    shown.text_at("/status").to_owned()
}

/// What Multicard has of a withdrawal.
fn payouts(acquirer: &Acquirer, id: &str) -> Vec<Payout> {
    acquirer.multicard.payouts().into_iter().filter(|payout| payout.invoice_id == id).collect()
}

/// What a person has: to spend, and held.
async fn balance(person: &Person) -> (String, String) {
    let balance = person.client.get("payments/balance/").await.expect(200);
    (balance.text_at("/available").to_owned(), balance.text_at("/held").to_owned())
}

fn money(available: &str, held: &str) -> (String, String) {
    (available.to_owned(), held.to_owned())
}
