//! A click on everything that moves money or a deal.

use serde_json::{Value, json};
use tests::{Client, Deal, Person, Story, TestApp};

const UZCARD: &str = "8600533364098829";

/// Something that a person clicks.
pub(super) struct Click {
    pub(super) name: &'static str,
    pub(super) client: Client,
    pub(super) path: String,
    pub(super) body: Value,
    /// Something else that one could ask for there.
    pub(super) other: Value,
    /// Counts its effects.
    pub(super) effects: String,
}

/// A click on everything that moves money, each on its own ground.
pub(super) async fn clicks(app: &TestApp) -> Vec<Click> {
    let staff = app.staff().await;
    let mut clicks = vec![deposit(app).await];
    clicks.extend(purchases(app).await);
    clicks.extend(parties(app).await);
    clicks.extend(endings(app).await);
    clicks.extend(decisions(app, &staff).await);
    clicks.extend(corrections(app, &staff).await);
    clicks.extend(withdrawals(app, &staff).await);
    clicks.extend(plans(app).await);
    clicks
}

async fn deposit(app: &TestApp) -> Click {
    let depositor = app.person("depositor").await;
    Click {
        name: "deposit",
        path: "payments/deposit/".to_owned(),
        body: json!({ "amount": "5000.00", "payment_method": "payme" }),
        other: json!({ "amount": "5000.01", "payment_method": "payme" }),
        effects: format!("SELECT count(*) FROM transactions WHERE user_id = '{}'", depositor.id),
        client: depositor.client,
    }
}

async fn purchases(app: &TestApp) -> Vec<Click> {
    let story = Story::new(app);
    let mut clicks = Vec::new();
    for method in ["balance", "payme"] {
        let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
        app.fund(&buyer, 250_000).await;
        let listing = story.listed(&seller).await;
        clicks.push(Click {
            name: "purchase",
            path: "payments/purchase/".to_owned(),
            body: json!({ "listing_id": listing, "payment_method": method }),
            other: json!({ "listing_id": listing, "payment_method": "click" }),
            effects: format!("SELECT count(*) FROM escrows WHERE buyer_id = '{}'", buyer.id),
            client: buyer.client,
        });
    }
    let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
    let listing = story.listed(&seller).await;
    let body = json!({ "listing_id": listing, "payment_method": "payme" });
    let deal = buyer.client.post("payments/purchase/", body).await.expect(201);
    app.fund(&buyer, 250_000).await;
    let id = deal.text_at("/id");
    clicks.push(Click {
        name: "pay",
        path: format!("payments/escrow/{id}/pay/"),
        body: json!({}),
        other: json!({ "amount": "1.00" }),
        effects: posted(&format!("escrow_fund:{id}")),
        client: buyer.client,
    });
    clicks
}

fn posted(name: &str) -> String {
    format!("SELECT count(*) FROM ledger.journal WHERE ref = '{name}'")
}

/// A step that one party takes, counted in the deal's history.
fn step(deal: &Deal, who: &Person, (name, event): (&'static str, &str), body: Value) -> Click {
    Click {
        name,
        path: deal.path(&format!("{name}/")),
        body,
        other: json!({ "reason": "something else" }),
        effects: format!(
            "SELECT count(*) FROM escrow_status_history WHERE escrow_id = '{}' AND event = '{event}'",
            deal.id
        ),
        client: who.client.clone(),
    }
}

/// What the parties of a running deal click.
async fn parties(app: &TestApp) -> Vec<Click> {
    let story = Story::new(app);
    let (paid, other, handed_over) =
        (story.paid().await, story.paid().await, story.handed_over().await);
    let (wish, complaint) = (story.paid().await, story.delivered().await);
    let anew = json!({ "account_password": "new-Conqueror" });
    let hand_over = ("seller-confirm-trade", "handed_over");
    let reason = json!({ "reason": "the password does not work" });
    let mut clicks = vec![
        step(&paid, &paid.seller, hand_over, json!({})),
        step(&other, &other.seller, hand_over, anew),
        step(&handed_over, &handed_over.buyer, ("buyer-confirm", "received"), json!({})),
        step(&wish, &wish.buyer, ("buyer-cancel", "cancel_asked"), reason.clone()),
        step(&complaint, &complaint.buyer, ("dispute", "disputed"), reason),
    ];
    for click in clicks.iter_mut().take(2) {
        click.other = json!({ "account_password": "another-Conqueror" });
    }
    clicks
}

/// What the parties click at a deal's end.
async fn endings(app: &TestApp) -> Vec<Click> {
    let story = Story::new(app);
    let (given_up, delivered) = (story.paid().await, story.delivered().await);
    let reason = json!({ "reason": "sold elsewhere" });
    let mut clicks = vec![
        step(&given_up, &given_up.seller, ("seller-cancel", ""), reason),
        step(&delivered, &delivered.buyer, ("release", ""), json!({})),
    ];
    for (click, deal) in clicks.iter_mut().zip([&given_up, &delivered]) {
        click.effects = posted(&format!("escrow_settle:{}", deal.id));
    }
    let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
    let listing = story.listed(&seller).await;
    let body = json!({ "listing_id": listing, "payment_method": "payme" });
    let unpaid = buyer.client.post("payments/purchase/", body).await.expect(201);
    clicks.push(Click {
        name: "cancel unpaid",
        path: format!("payments/escrow/{}/buyer-cancel/", unpaid.text_at("/id")),
        body: json!({}),
        other: json!({ "reason": "something else" }),
        effects: format!(
            "SELECT count(*) FROM escrow_status_history WHERE escrow_id = '{}' AND to_status = 'cancelled'",
            unpaid.text_at("/id")
        ),
        client: buyer.client,
    });
    clicks
}

/// What staff click about a deal.
async fn decisions(app: &TestApp, staff: &Person) -> Vec<Click> {
    let mut clicks = Vec::new();
    let split = json!({ "winner": "buyer", "note": "half", "refund_amount": "40000.00" });
    let other = json!({ "winner": "buyer", "note": "half", "refund_amount": "40000.01" });
    for (name, action, body) in [
        ("refund", "refund", json!({})),
        ("complete", "complete", json!({})),
        ("resolve", "resolve-dispute", split),
    ] {
        let deal = Story::new(app).paid().await;
        clicks.push(Click {
            name,
            path: format!("admin-panel/trades/{}/{action}/", deal.id),
            body,
            other: other.clone(),
            effects: posted(&format!("escrow_settle:{}", deal.id)),
            client: staff.client.clone(),
        });
    }
    clicks
}

/// What staff click about a person's balance.
async fn corrections(app: &TestApp, staff: &Person) -> [Click; 3] {
    let person = app.person("corrected").await;
    let adjust = Click {
        name: "adjust",
        path: format!("admin-panel/users/{}/adjust-balance/", person.id),
        body: json!({ "amount": "700.00", "reason": "double charge" }),
        other: json!({ "amount": "700.01", "reason": "double charge" }),
        effects: format!("SELECT count(*) FROM adjustments WHERE user_id = '{}'", person.id),
        client: staff.client.clone(),
    };
    let freeze = Click {
        name: "freeze",
        path: format!("admin-panel/users/{}/freeze-balance/", person.id),
        body: json!({ "reason": "a stolen card" }),
        other: json!({ "reason": "another reason" }),
        effects: format!(
            "SELECT count(*) FROM audit_log WHERE action = 'balance.freeze' AND object_id = '{}'",
            person.id
        ),
        client: staff.client.clone(),
    };
    let payer = app.person("payer").await;
    let body = json!({ "amount": 8_000, "payment_method": "payme" });
    let deposit = payer.client.post("payments/deposit/", body).await.expect(201);
    app.payme().pay(deposit.text_at("/id"), 800_000).await;
    let back = Click {
        name: "return",
        path: format!("admin-panel/transactions/{}/refund/", deposit.text_at("/id")),
        body: json!({ "reason": "refunded in Payme's cabinet" }),
        other: json!({ "reason": "another reason" }),
        effects: posted(&format!("deposit_reversal:{}", deposit.text_at("/id"))),
        client: staff.client.clone(),
    };
    [adjust, freeze, back]
}

/// What is clicked about money on its way out.
async fn withdrawals(app: &TestApp, staff: &Person) -> Vec<Click> {
    let asker = app.person("asker").await;
    app.fund(&asker, 100_000).await;
    let mut clicks = vec![Click {
        name: "withdraw",
        path: "payments/withdrawal/create/".to_owned(),
        body: Person::withdrawal(60_000, UZCARD),
        other: Person::withdrawal(60_001, UZCARD),
        effects: format!(
            "SELECT count(*) FROM transactions WHERE user_id = '{}' AND type = 'withdrawal'",
            asker.id
        ),
        client: asker.client,
    }];
    for (name, path) in [
        ("cancel withdrawal", "payments/withdrawals/{id}/cancel/"),
        ("approve withdrawal", "payments/withdrawal/{id}/approve/"),
        ("reject withdrawal", "payments/withdrawal/{id}/reject/"),
    ] {
        let owner = app.person("owner").await;
        app.fund(&owner, 4_000_000).await;
        let body = Person::withdrawal(4_000_000, UZCARD);
        let asked = owner.client.post("payments/withdrawal/create/", body).await.expect(201);
        let id = asked.text_at("/id");
        let approval = format!(
            "SELECT count(*) FROM audit_log WHERE action = 'withdrawal.approve' AND object_id = '{id}'"
        );
        let (by_owner, approves) = (name.starts_with("cancel"), name.starts_with("approve"));
        clicks.push(Click {
            name,
            path: path.replace("{id}", id),
            body: if path.ends_with("reject/") {
                json!({ "reason": "not theirs" })
            } else {
                json!({})
            },
            other: json!({ "reason": "another reason" }),
            effects: if approves { approval } else { posted(&format!("withdraw_settle:{id}")) },
            client: if by_owner { owner.client } else { staff.client.clone() },
        });
    }
    clicks
}

/// What subscribers click.
async fn plans(app: &TestApp) -> Vec<Click> {
    let mut clicks = Vec::new();
    let premium = |reason: Option<&str>| match reason {
        Some(reason) => json!({ "reason": reason }),
        None => json!({ "plan_slug": "premium", "period": "monthly" }),
    };
    for (name, path, event) in [
        ("subscribe", "subscriptions/purchase/", "purchased"),
        ("cancel plan", "subscriptions/cancel/", "cancelled"),
        ("cancel one plan", "subscriptions/{id}/cancel/", "cancelled"),
        ("resume plan", "subscriptions/resume/", "resumed"),
    ] {
        let person = app.person("subscriber").await;
        app.fund(&person, 1_000_000).await;
        let buys = name == "subscribe";
        let mut path = path.to_owned();
        if !buys {
            let bought =
                person.client.post("subscriptions/purchase/", premium(None)).await.expect(201);
            path = path.replace("{id}", bought.text_at("/id"));
        }
        if name.starts_with("resume") {
            person.client.post_empty("subscriptions/cancel/").await.expect(200);
        }
        clicks.push(Click {
            name,
            path,
            body: if buys { premium(None) } else { premium(Some("too dear")) },
            other: if buys { json!({ "plan_slug": "pro" }) } else { premium(Some("another")) },
            effects: format!(
                "SELECT count(*) FROM audit_log a JOIN user_subscriptions s ON a.object_id = s.id::text
                 WHERE s.user_id = '{}' AND a.action = 'subscription.{event}'",
                person.id
            ),
            client: person.client,
        });
    }
    clicks
}
