//! Deals, deposits through Payme, corrections and switches.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tests::{Deal, LogLines, Payme, Person, Story, TestApp};

use super::{begun, told};

/// Everybody and everything that the steps need.
struct World {
    app: TestApp,
    staff: Person,
    second: Person,
    superuser: Person,
    person: Person,
    split: Deal,
    refunded: Deal,
    /// Deposits that were begun: one to pay, one to cancel, one that is paid.
    deposits: [String; 3],
}

impl World {
    async fn new() -> Self {
        let app = TestApp::start_with(&[("ADJUSTMENT_REVIEW_ABOVE", "10.00")]).await;
        let (staff, second, superuser) =
            (app.staff().await, app.staff().await, app.superuser().await);
        let (person, story) = (app.person("person").await, Story::new(&app));
        let (split, refunded) = (story.paid().await, story.paid().await);
        story.delivered().await;
        let deposits = [
            begun(&person, "payme").await,
            begun(&person, "payme").await,
            begun(&person, "payme").await,
        ];
        app.payme().pay(&deposits[2], 500_000).await;
        Self { app, staff, second, superuser, person, split, refunded, deposits }
    }

    async fn pay(&self) {
        self.app.payme().pay(&self.deposits[0], 500_000).await;
    }

    async fn cancel(&self) {
        let (id, payme) = (Payme::transaction_id(), self.app.payme());
        let account = json!({ "order_id": self.deposits[1] });
        let params =
            json!({ "id": id, "time": Payme::now_ms(), "amount": 500_000, "account": account });
        assert_eq!(payme.call("CreateTransaction", params).await["result"]["state"], 1);
        let cancelled = payme.call("CancelTransaction", json!({ "id": id, "reason": 3 })).await;
        assert_eq!(cancelled["result"]["state"], -1);
    }

    async fn purchase(&self) {
        let buyer = self.app.person("buyer").await;
        self.app.fund(&buyer, 100_000).await;
        let listing = Story::new(&self.app).listed(&self.app.person("seller").await).await;
        let body = json!({ "listing_id": listing });
        buyer.client.post("payments/purchase/", body).await.expect(201);
    }

    async fn release(&self) {
        self.app.advance("24 hours 1 second").await;
        self.app.run_due_jobs().await;
    }

    /// Staff do something, with a body that says why.
    async fn by_staff(&self, path: String, body: Value) {
        let reply = self.staff.client.post(&path, body).await;
        assert!(reply.status < 300, "{path}: {}", reply.text);
    }

    async fn adjust(&self, amount: &str) -> String {
        let path = format!("admin-panel/users/{}/adjust-balance/", self.person.id);
        let body = json!({ "amount": amount, "reason": "goodwill" });
        self.staff.client.post(&path, body).await.expect(201).text_at("/id").to_owned()
    }

    async fn approve(&self) {
        let path = format!("admin-panel/adjustments/{}/approve/", self.adjust("500.00").await);
        self.second.client.post_empty(&path).await.expect(200);
    }

    async fn reject(&self) {
        let path = format!("admin-panel/adjustments/{}/reject/", self.adjust("600.00").await);
        self.staff.client.post_empty(&path).await.expect(200);
    }

    async fn switch(&self) {
        for turn in ["off", "on"] {
            let path = format!("admin-panel/switches/releases/{turn}/");
            self.superuser.client.post(&path, json!({ "reason": "x" })).await.expect(200);
        }
    }
}

// One thread, so that the subscriber of this test sees all of this test and nothing else.
#[tokio::test]
async fn what_happens_to_money_is_logged_and_audited_by_one_name() {
    let (lines, _listening) = LogLines::listen();
    let world = World::new().await;
    let (app, why) = (&world.app, || json!({ "reason": "x" }));
    let trade = |deal: &Deal, verb: &str| format!("admin-panel/trades/{}/{verb}/", deal.id);
    let user = |verb: &str| format!("admin-panel/users/{}/{verb}/", world.person.id);
    let half = json!({ "winner": "buyer", "note": "half", "refund_amount": "40000.00" });
    let refund = format!("admin-panel/transactions/{}/refund/", world.deposits[2]);
    let steps: Vec<(BoxFuture<'_, ()>, &[&str])> = vec![
        (begun(&world.person, "payme").map(drop).boxed(), &["deposit.begin"]),
        (world.pay().boxed(), &["deposit.process", "money.deposit"]),
        (world.cancel().boxed(), &["deposit.process", "deposit.cancel"]),
        (world.by_staff(refund, why()).boxed(), &["deposit.return", "money.deposit_reversal"]),
        (
            world.purchase().boxed(),
            &["deposit.begin", "deposit.process", "money.deposit", "money.escrow_fund"],
        ),
        (
            world.by_staff(trade(&world.split, "resolve-dispute"), half).boxed(),
            &["money.escrow_split"],
        ),
        (
            world.by_staff(trade(&world.refunded, "refund"), json!({})).boxed(),
            &["money.escrow_refund"],
        ),
        (world.release().boxed(), &["money.escrow_release"]),
        (
            world.approve().boxed(),
            &["adjustment.propose", "adjustment.approve", "money.adjustment"],
        ),
        (world.reject().boxed(), &["adjustment.propose", "adjustment.reject"]),
        (world.by_staff(user("freeze-balance"), why()).boxed(), &["balance.freeze"]),
        (world.by_staff(user("unfreeze-balance"), why()).boxed(), &["balance.unfreeze"]),
        (world.switch().boxed(), &["switch.off", "switch.on"]),
    ];
    for (step, expected) in steps {
        told(app, &lines, expected, step).await;
    }
    let nobody = "SELECT count(*) FROM audit_log WHERE action LIKE 'money.%' AND actor LIKE 'user:%' AND actor_id IS NULL";
    assert_eq!(app.database.number(nobody).await, 0, "a person's row names the person");
    let lost =
        "SELECT count(*) FROM audit_log WHERE action = 'money.escrow_fund' AND request_id IS NULL";
    assert_eq!(app.database.number(lost).await, 0, "from the audit row to its request");
    app.run_due_jobs().await;
    world.app.finish().await;
}
