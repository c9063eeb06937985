//! The hand-over: the seller confirms how one signs in, or says it anew, and the buyer gets exactly that.

use serde_json::{Value, json};
use tests::{Deal, Person, Reply, Story, TestApp};

async fn hand_over(who: &Person, deal: &Deal, body: Value) -> Reply {
    who.client.post(&deal.path("seller-confirm-trade/"), body).await
}

/// What the buyer is told: how, as whom, by what, and what else.
async fn told(deal: &Deal) -> [Value; 4] {
    let shown = deal.buyer.client.get(&deal.path("credentials/")).await.expect(200);
    ["login_method", "account_email", "account_password", "account_additional_info"]
        .map(|field| shown.at(&format!("/{field}")).clone())
}

fn sold() -> [Value; 4] {
    let notes = json!({ "note": "backup codes in the mailbox" });
    [json!("email"), json!("conqueror72@gmail.com"), json!("s3cret-Conqueror"), notes]
}

/// The sealed row of a deal, and how often it was changed by its seller.
async fn sealed(app: &TestApp, deal: &Deal) -> (String, i64) {
    let row =
        format!("SELECT md5(c::text) FROM escrow_credentials c WHERE escrow_id = '{}'", deal.id);
    let changes = format!(
        "SELECT count(*) FROM audit_log WHERE action = 'escrow.replace_credentials' AND object_id = '{}'",
        deal.id
    );
    (app.database.texts(&row).await.remove(0), app.database.number(&changes).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seller_who_changed_the_password_hands_over_the_new_one() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).paid().await;
    let anew = json!({
        "login_method": "google",
        "account_email": " fresh-conqueror@gmail.com ",
        "account_password": "fr3sh-Password",
        "account_additional_info": "the code 771234 opens the mailbox",
    });
    let done = hand_over(&deal.seller, &deal, anew.clone()).await.expect(200);
    let secrets = ["fresh-conqueror", "fr3sh-Password", "771234"];
    assert!(!secrets.iter().any(|secret| done.text.contains(secret)), "{}", done.text);
    let expected = [
        json!("google"),
        json!("fresh-conqueror@gmail.com"),
        json!("fr3sh-Password"),
        json!("the code 771234 opens the mailbox"),
    ];
    assert_eq!(told(&deal).await, expected, "the buyer gets the new ones");
    let audited = "SELECT actor || ' ' || (details ->> 'fields') FROM audit_log WHERE action = 'escrow.replace_credentials'";
    let fields =
        r#"["login_method", "account_email", "account_password", "account_additional_info"]"#;
    let written = app.database.texts(audited).await;
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(
        written[0].replace(", ", ","),
        format!("user:{} {fields}", deal.seller.id).replace(", ", ",")
    );
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    for table in app.database.texts(tables).await {
        let rows = app.database.texts(&format!("SELECT r FROM \"{table}\" AS r")).await;
        for secret in secrets {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let shows = rows.iter().any(|row| row.contains(secret) || row.contains(&hex));
            assert!(!shows, "{table} shows {secret}");
        }
    }
    // The same click again, and a plain one, find it done; other credentials are too late.
    for same in [anew, json!({}), json!({ "account_password": "fr3sh-Password" })] {
        hand_over(&deal.seller, &deal, same).await.expect(200);
    }
    let before = sealed(&app, &deal).await;
    for late in [json!({ "account_password": "another" }), json!({ "login_method": "facebook" })] {
        let refused = hand_over(&deal.seller, &deal, late).await;
        refused.expect_error(409, "INVALID_STATE");
    }
    assert_eq!(sealed(&app, &deal).await, before);
    assert_eq!(told(&deal).await, expected);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_said_anew_stays_as_it_was_sold() {
    let app = TestApp::start().await;
    let story = Story::new(&app);
    let [method, email, _, notes] = sold();
    let deal = story.paid().await;
    let body = json!({ "account_password": "only-This", "account_additional_info": null });
    hand_over(&deal.seller, &deal, body).await.expect(200);
    assert_eq!(told(&deal).await, [method, email, json!("only-This"), notes]);
    // Who says what was sold, or nothing, has confirmed it.
    for same in [
        json!({}),
        json!({ "account_password": "s3cret-Conqueror", "login_method": "email" }),
        json!({ "account_email": null }),
    ] {
        let deal = story.paid().await;
        let before = sealed(&app, &deal).await;
        hand_over(&deal.seller, &deal, same).await.expect(200);
        assert_eq!(sealed(&app, &deal).await, before, "nothing was sealed anew");
        assert_eq!(told(&deal).await, sold());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_hand_over_changes_nothing() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).paid().await;
    let before = sealed(&app, &deal).await;
    let stranger = app.person("stranger").await;
    let anew = json!({ "account_password": "mine-Now" });
    for (who, expected) in [
        (&deal.buyer, (403, "PERMISSION_DENIED")),
        (&stranger, (404, "NOT_FOUND")),
        (&app.staff().await, (404, "NOT_FOUND")),
    ] {
        let refused = hand_over(who, &deal, anew.clone()).await;
        assert_eq!((refused.status, refused.code()), expected, "{}", refused.text);
    }
    for wrong in [
        json!({ "account_password": "" }),
        json!({ "account_password": "x".repeat(501) }),
        json!({ "account_password": 7 }),
        json!({ "account_password": "nul \u{0} inside" }),
        json!({ "account_password": ["a"] }),
        json!({ "account_email": "   " }),
        json!({ "account_email": "x".repeat(255) }),
        json!({ "login_method": "telepathy" }),
        json!({ "login_method": "" }),
        json!({ "account_additional_info": [1, 2] }),
        json!({ "account_additional_info": true }),
        json!({ "account_additional_info": "x".repeat(4_001) }),
        // One right field does not carry a wrong one in.
        json!({ "account_password": "good-enough", "account_email": "" }),
        json!({ "account_password": "good-enough", "status": "confirmed" }),
        json!({ "buyer_id": deal.seller.id.to_string() }),
        json!([]),
        json!("account_password"),
        json!(null),
    ] {
        let refused = hand_over(&deal.seller, &deal, wrong.clone()).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "VALIDATION_ERROR"),
            "{wrong}: {}",
            refused.text
        );
    }
    let plain =
        deal.seller.client.request(reqwest::Method::POST, &deal.path("seller-confirm-trade/"));
    let plain = plain.header("Content-Type", "text/plain").body(anew.to_string());
    deal.seller.client.send(plain).await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(sealed(&app, &deal).await, before);
    let shown = deal.seller.client.get(&deal.path("")).await.expect(200);
    assert_eq!(shown.at("/seller_confirmed"), &json!(false), "not handed over");
    hand_over(&deal.seller, &deal, json!({})).await.expect(200);
    assert_eq!(told(&deal).await, sold());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_said_anew_only_while_a_paid_deal_waits_for_them() {
    let app = TestApp::start().await;
    let story = Story::new(&app);
    let (given_up, disputed, completed) =
        (story.paid().await, story.paid().await, story.paid().await);
    let why = json!({ "reason": "as agreed" });
    given_up.seller.client.post(&given_up.path("seller-cancel/"), why.clone()).await.expect(200);
    disputed.seller.client.post(&disputed.path("dispute/"), why).await.expect(200);
    let staff = app.staff().await;
    let complete = format!("admin-panel/trades/{}/complete/", completed.id);
    staff.client.post_empty(&complete).await.expect(200);
    for deal in [&given_up, &disputed, &completed] {
        let before = sealed(&app, deal).await;
        for body in [json!({}), json!({ "account_password": "too-late" })] {
            let refused = hand_over(&deal.seller, deal, body).await;
            refused.expect_error(409, "INVALID_STATE");
        }
        assert_eq!(sealed(&app, deal).await, before);
    }
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_reach_the_parties_of_a_deal_by_telegram() {
    let app = TestApp::start().await;
    let deal = Story::new(&app).paid().await;
    for (who, name) in [(&deal.buyer, "buyer_of_wibe"), (&deal.seller, "seller_of_wibe")] {
        let named =
            format!("UPDATE users SET telegram_username = '{name}' WHERE id = '{}'", who.id);
        app.database.execute(&named).await;
    }
    let staff = app.staff().await;
    for path in ["admin-panel/trades/?status=all&search=", "admin-panel/trades/?search=seller_of_w"]
    {
        let list = staff.client.get(path).await.expect(200);
        assert_eq!(list.at("/count"), &json!(1), "{path}");
        assert_eq!(list.text_at("/results/0/buyer_telegram"), "buyer_of_wibe");
        assert_eq!(list.text_at("/results/0/seller_telegram"), "seller_of_wibe");
    }
    let one = staff.client.get(&format!("admin-panel/trades/{}/", deal.id)).await.expect(200);
    assert_eq!(one.text_at("/buyer_telegram"), "buyer_of_wibe");
    let theirs = deal.buyer.client.get(&deal.path("")).await.expect(200);
    assert!(!theirs.text.contains("seller_of_wibe"), "for staff: {}", theirs.text);
    app.finish().await;
}
