//! Who is told what, and when: letters follow what happens, once, and say nothing that is no longer so.

use serde_json::json;
use shared::jobs::kinds::SendNotificationEmail;
use shared::notifications::{DealNews, Notice};
use tests::{Deal, Payme, Person, SmtpServer, Story, TestApp, sell_body};

/// A platform, and the mail server it mails through.
struct Post {
    app: TestApp,
    server: SmtpServer,
}

impl Post {
    async fn start() -> Self {
        let server = SmtpServer::start().await;
        let port = server.port();
        let settings = [("MAIL_DIR", ""), ("EMAIL_HOST", "127.0.0.1"), ("EMAIL_PORT", &port)];
        Self { app: TestApp::start_with(&settings).await, server }
    }

    /// Mails what is to be mailed now, and returns the subjects that a person got, without the listing's code.
    async fn subjects(&self, person: &Person) -> Vec<String> {
        self.app.run_due_jobs().await;
        let mails = self.server.mails_to(&person.email);
        let subjects = mails.iter().map(|mail| mail.header("Subject"));
        subjects
            .map(|subject| subject.replace("WibeStore: ", "").replace("WB-000001", "X"))
            .collect()
    }
}

async fn step(deal: &Deal, person: &Person, action: &str) {
    person.client.post(&deal.path(action), json!({ "reason": "as agreed" })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_is_told_step_by_step_to_the_one_who_has_to_know() {
    let post = Post::start().await;
    let app = &post.app;
    let (staff, seller, buyer) =
        (app.staff().await, app.person("seller").await, app.person("buyer").await);
    let games = app.client.get("games/").await.expect(200);
    let body = sell_body(games.text_at("/results/0/id"));
    let listing = seller.client.post("listings/", body).await.expect(201);
    let listing = listing.text_at("/id");
    assert_eq!(post.subjects(&staff).await, ["listing X waits for review"]);
    let approve = format!("admin-panel/listings/{listing}/approve/");
    staff.client.post_empty(&approve).await.expect(200);
    staff.client.post_empty(&approve).await.expect(200);
    assert_eq!(post.subjects(&seller).await, ["your listing X is approved"]);
    app.fund(&buyer, 100_000).await;
    assert_eq!(post.subjects(&buyer).await, ["your deposit arrived"]);
    let body = json!({ "listing_id": listing });
    let deal = buyer.client.post("payments/purchase/", body).await.expect(201);
    let path = |action: &str| format!("payments/escrow/{}/{action}", deal.text_at("/id"));
    assert_eq!(post.subjects(&seller).await[1..], ["X was bought, hand the account over"]);
    seller.client.post_empty(&path("seller-confirm-trade/")).await.expect(200);
    assert_eq!(post.subjects(&buyer).await[1..], ["the account X is handed over, check it"]);
    buyer.client.post_empty(&path("buyer-confirm/")).await.expect(200);
    assert_eq!(post.subjects(&seller).await[2..], ["the account X is received"]);
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(post.subjects(&buyer).await[2..], ["the deal X is complete"]);
    assert_eq!(post.subjects(&seller).await[3..], ["the money for X is on your balance"]);
    assert_eq!(post.subjects(&staff).await.len(), 1);
    let paid = post.server.mails_to(&seller.email).pop().expect("the last letter").text();
    for line in ["Amount: 100 000 UZS", "Commission: 10 000 UZS", "To the seller: 90 000 UZS"] {
        assert!(paid.contains(line), "{paid}");
    }
    let left = "SELECT kind FROM jobs WHERE queue = 'mail' AND state <> 'done'";
    assert!(app.database.texts(left).await.is_empty());
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_comes_late_says_only_what_is_still_so() {
    let post = Post::start().await;
    let deal = Story::new(&post.app).delivered().await;
    assert_eq!(
        post.subjects(&deal.seller).await,
        ["your listing X is approved", "the account X is received"],
        "nobody is asked to hand over what was handed over"
    );
    assert_eq!(post.subjects(&deal.buyer).await, ["your deposit arrived"]);
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_are_told_in_the_readers_time_zone() {
    let post = Post::start().await;
    let deal = Story::new(&post.app).paid().await;
    let zone =
        format!("UPDATE users SET timezone = 'America/New_York' WHERE id = '{}'", deal.buyer.id);
    post.app.database.execute(&zone).await;
    post.subjects(&deal.seller).await;
    deal.seller.client.post_empty(&deal.path("seller-confirm-trade/")).await.expect(200);
    post.subjects(&deal.buyer).await;
    for (person, column, zone) in [
        (&deal.seller, "deliver_by", "Asia/Tashkent"),
        (&deal.buyer, "receive_by", "America/New_York"),
    ] {
        let expected = format!(
            "SELECT to_char({column} AT TIME ZONE '{zone}', 'DD Mon YYYY, HH24:MI') || ' ({zone})' FROM escrows"
        );
        let expected = post.app.database.texts(&expected).await.remove(0);
        let mail = post.server.mails_to(&person.email).pop().expect("a letter");
        assert!(mail.text().contains(&expected), "{expected} in {}", mail.text());
        assert!(mail.html().contains(&expected), "{expected} in {}", mail.html());
    }
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispute_is_told_to_the_other_side_and_its_end_to_both() {
    let post = Post::start().await;
    let deal = Story::new(&post.app).delivered().await;
    let staff = post.app.staff().await;
    post.subjects(&deal.seller).await;
    let reason = json!({ "reason": "the password is <b>wrong</b>\r\nBcc: evil@mail.uz" });
    deal.buyer.client.post(&deal.path("dispute/"), reason).await.expect(200);
    assert_eq!(post.subjects(&deal.seller).await[2..], ["a dispute about the deal X"]);
    let told = post.server.mails_to(&deal.seller.email).pop().expect("a letter");
    assert!(told.text().contains("> the password is <b>wrong</b>\n> Bcc:"), "{}", told.text());
    assert!(told.html().contains("&lt;b&gt;wrong&lt;/b&gt;") && !told.html().contains("<b>"));
    let decision = json!({ "winner": "buyer", "note": "half each", "refund_amount": "40000.00" });
    let resolve = format!("admin-panel/trades/{}/resolve-dispute/", deal.id);
    staff.client.post(&resolve, decision).await.expect(200);
    let mut seller = post.subjects(&deal.seller).await.split_off(3);
    seller.sort();
    assert_eq!(seller, ["the decision about the deal X", "the money for X is on your balance"]);
    let mut buyer = post.subjects(&deal.buyer).await.split_off(1);
    buyer.sort();
    assert_eq!(buyer, ["the decision about the deal X", "the money for X is back on your balance"]);
    for person in [&deal.seller, &deal.buyer] {
        let mails = post.server.mails_to(&person.email);
        let told = mails.iter().find(|mail| mail.header("Subject").contains("decision"));
        let told = told.expect("the decision").text();
        for words in ["> half each", "To the seller: 54 000 UZS", "To the buyer: 40 000 UZS"] {
            assert!(told.contains(words), "{told}");
        }
    }
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_back_tells_the_buyer_of_the_money_and_the_seller_of_what_he_did_not_do() {
    let post = Post::start().await;
    let app = &post.app;
    let staff = app.staff().await;
    for (way, seller_is_told, buyer_is_told) in [
        ("timer", Some("in time, so the buyer got"), "did not hand the account over in time"),
        ("buyer-cancel/", Some("the buyer cancelled"), "did not hand the account over in time"),
        ("seller-cancel/", None, "The seller gave the deal up"),
        ("staff", Some("staff undid the deal"), "staff decided so"),
    ] {
        let deal = Story::new(app).paid().await;
        post.subjects(&deal.seller).await;
        let before = post.server.mails_to(&deal.seller.email).len();
        match way {
            "timer" => app.advance("72 hours 1 second").await,
            "buyer-cancel/" => {
                app.advance("24 hours 1 second").await;
                step(&deal, &deal.buyer, way).await;
            }
            "staff" => {
                let refund = format!("admin-panel/trades/{}/refund/", deal.id);
                staff.client.post(&refund, json!({})).await.expect(200);
            }
            _ => step(&deal, &deal.seller, way).await,
        }
        app.run_due_jobs().await;
        let told = post.server.mails_to(&deal.seller.email).split_off(before);
        assert_eq!(told.len(), usize::from(seller_is_told.is_some()), "{way}");
        for (mail, words) in told.iter().zip(seller_is_told) {
            assert!(mail.text().contains(words), "{way}: {}", mail.text());
        }
        let told = post.server.mails_to(&deal.buyer.email).pop().expect("a letter");
        assert!(told.header("Subject").ends_with("is back on your balance"), "{way}");
        assert!(told.text().contains(buyer_is_told), "{way}: {}", told.text());
        assert!(told.text().contains("To the buyer: 100 000 UZS"), "{way}: {}", told.text());
    }
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reservation_that_runs_out_is_told_to_its_buyer() {
    let post = Post::start().await;
    let app = &post.app;
    let (seller, buyer) = (app.person("seller").await, app.person("buyer").await);
    let listing = Story::new(app).listed(&seller).await;
    let body = json!({ "listing_id": listing, "payment_method": "payme" });
    buyer.client.post("payments/purchase/", body).await.expect(201);
    app.advance("30 minutes 1 second").await;
    app.run_due_jobs().await;
    assert_eq!(post.subjects(&buyer).await, ["your reservation of X ran out"]);
    assert_eq!(post.subjects(&seller).await, ["your listing X is approved"]);
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_deposit_has_its_receipt_once() {
    let post = Post::start().await;
    let (app, payme) = (&post.app, post.app.payme());
    let buyer = app.person("buyer").await;
    let body = json!({ "amount": 50_000, "payment_method": "payme" });
    let returned = buyer.client.post("payments/deposit/", body.clone()).await.expect(201);
    let id = payme.pay(returned.text_at("/id"), 5_000_000).await;
    payme.call("PerformTransaction", json!({ "id": id })).await;
    assert_eq!(post.subjects(&buyer).await, ["your deposit arrived"]);
    for _ in 0..2 {
        payme.call("CancelTransaction", json!({ "id": id, "reason": 5 })).await;
        assert_eq!(post.subjects(&buyer).await[1..], ["your payment was returned"]);
    }
    let cancelled = buyer.client.post("payments/deposit/", body).await.expect(201);
    let (id, account) = (Payme::transaction_id(), json!({ "order_id": cancelled.text_at("/id") }));
    let create =
        json!({ "id": id, "time": Payme::now_ms(), "amount": 5_000_000, "account": account });
    payme.call("CreateTransaction", create).await;
    for _ in 0..2 {
        payme.call("CancelTransaction", json!({ "id": id, "reason": 3 })).await;
        assert_eq!(post.subjects(&buyer).await[2..], ["your payment was cancelled"]);
    }
    let mails = post.server.mails_to(&buyer.email);
    assert!(mails.iter().all(|mail| mail.text().contains("50 000 UZS\nPayment method: Payme")));
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_not_welcomed_and_a_proved_address_is_welcomed_once() {
    let post = Post::start().await;
    let app = &post.app;
    let register = json!({ "email": "aziza@example.uz", "password": "Correct-horse-7", "full_name": "Buy pills at evil.uz", "language": "en" });
    app.client.post("auth/register/", register).await.expect(201);
    app.run_due_jobs().await;
    let mails = post.server.mails_to("aziza@example.uz");
    let [proof] = mails.as_slice() else { panic!("{} letters", mails.len()) };
    assert!(!proof.raw.contains("pills") && !proof.text().contains("pills"));
    let text = proof.text();
    let token = text.split("token=").nth(1).and_then(|rest| rest.split('&').next());
    let verify = json!({ "token": token.expect("a link") });
    for _ in 0..2 {
        app.client.post("auth/email/verify/", verify.clone()).await.expect(200);
        app.run_due_jobs().await;
    }
    let mails = post.server.mails_to("aziza@example.uz");
    let subjects: Vec<_> = mails.iter().map(|mail| mail.header("Subject")).collect();
    assert_eq!(subjects, ["WibeStore: confirm your e-mail", "Welcome to WibeStore"]);
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_banned_gone_or_unproved_gets_no_letters() {
    let post = Post::start().await;
    let app = &post.app;
    for state in ["is_active = false", "email_verified_at = NULL", "deleted_at = app_now()"] {
        let deal = Story::new(app).paid().await;
        let change = format!("UPDATE users SET {state} WHERE id = '{}'", deal.seller.id);
        app.database.execute(&change).await;
        assert!(post.subjects(&deal.seller).await.is_empty(), "{state}");
        assert_eq!(post.subjects(&deal.buyer).await, ["your deposit arrived"], "{state}");
    }
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_letter_carries_headers_or_markup_of_a_person() {
    let post = Post::start().await;
    let app = &post.app;
    let (staff, seller) = (app.staff().await, app.person("seller").await);
    let name = format!(
        "UPDATE users SET full_name = E'Eve\\r\\nBcc: victim@mail.uz\\r\\n\\r\\n<script>x</script>' WHERE id IN ('{}', '{}')",
        staff.id, seller.id
    );
    app.database.execute(&name).await;
    let games = app.client.get("games/").await.expect(200);
    let mut body = sell_body(games.text_at("/results/0/id"));
    body["title"] = json!("<img src=x>\r\nSubject: free\r\nTo: victim@mail.uz");
    let listing = seller.client.post("listings/", body).await.expect(201);
    app.run_due_jobs().await;
    let reject = format!("admin-panel/listings/{}/reject/", listing.text_at("/id"));
    let reason = json!({ "reason": "no\r\n<script>alert(1)</script>" });
    staff.client.post(&reject, reason).await.expect(200);
    app.run_due_jobs().await;
    let mails = post.server.mails();
    assert_eq!(mails.len(), 2, "one to staff, one to the seller");
    for mail in &mails {
        assert_eq!(mail.to.len(), 1);
        let names: Vec<String> = mail.headers().into_iter().map(|(name, _)| name).collect();
        assert!(!names.iter().any(|name| name == "Bcc"), "{names:?}");
        assert!(!mail.header("Subject").contains("free"));
        assert_eq!(mail.header("To"), mail.to[0]);
        let html = mail.html();
        assert!(!html.contains("<img") && !html.contains("<script"), "{html}");
        assert!(html.contains("&lt;img src=x&gt;") && html.contains("&lt;script&gt;"), "{html}");
        assert!(mail.text().starts_with("Hello, Eve Bcc: victim@mail.uz"), "{}", mail.text());
    }
    post.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_recorded_twice_is_one_letter() {
    let post = Post::start().await;
    let deal = Story::new(&post.app).handed_over().await;
    post.subjects(&deal.buyer).await;
    let again = SendNotificationEmail {
        user_id: deal.buyer.id,
        notification_data: Notice::Deal { news: DealNews::HandedOver, escrow_id: deal.id },
    };
    post.app.enqueue(again).await;
    assert_eq!(
        post.subjects(&deal.buyer).await,
        ["your deposit arrived", "the account X is handed over, check it"]
    );
    post.app.finish().await;
}
