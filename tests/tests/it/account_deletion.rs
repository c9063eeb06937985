//! Closing an account: never one with money, at once for everybody, for good after a month.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use shared::App;
use shared::jobs::kinds::{EraseClosedAccounts, PruneIdempotencyKeys};
use shared::settings::{Settings, SmsWay};
use tests::google::{CLIENT_ID, Google, SigningKey, claims};
use tests::{
    Acquirer, Payme, Paynet, Person, Race, Reply, Story, TestApp, Winner, mail, sell_body, sms,
};

use super::profile::{PASSWORD, with_password};
use super::uploads::{a_jpeg, files, new_avatar};

const CLOSE: &str = "auth/account/delete/";
const ROUNDS: u32 = 6;

async fn member(app: &TestApp, name: &str) -> Person {
    with_password(app, app.person(name).await).await
}

async fn close(person: &Person) -> Reply {
    person.client.post(CLOSE, json!({ "password": PASSWORD })).await
}

/// The columns of any table in which a word is left.
async fn traces(app: &TestApp, word: &str) -> Vec<String> {
    let columns = "SELECT format('%I.%I WHERE %I::text', table_schema || '.' || table_name, column_name, column_name)
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'ledger')
          AND data_type IN ('text', 'jsonb', 'json', 'character varying', 'ARRAY', 'bigint') ORDER BY 1";
    let mut found = Vec::new();
    for column in app.database.texts(columns).await {
        let (name, condition) = column.split_once(" WHERE ").expect("both");
        let table = name.rsplit_once('.').expect("a table").0.replace('"', "");
        let sql = format!("SELECT count(*) FROM {table} WHERE {condition} ILIKE '%{word}%'");
        if app.database.number(&sql).await > 0 {
            found.push(name.to_owned());
        }
    }
    found
}

/// Closed people with money, or with something that may bring some. There are none.
async fn impossible(app: &TestApp) -> i64 {
    app.database
        .number(
            "SELECT count(*) FROM users u WHERE u.deleted_at IS NOT NULL AND (
                EXISTS (SELECT FROM ledger.account a WHERE a.owner_id = u.id AND a.balance <> 0)
                OR EXISTS (SELECT FROM escrows e WHERE u.id IN (e.buyer_id, e.seller_id)
                           AND e.status NOT IN ('confirmed', 'refunded', 'cancelled'))
                OR EXISTS (SELECT FROM transactions t WHERE t.user_id = u.id AND t.status IN ('pending', 'processing'))
                OR EXISTS (SELECT FROM listings l WHERE l.seller_id = u.id AND l.status IN ('pending', 'active')))",
        )
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_they_themselves_close_an_account_and_its_sessions_end() {
    let app = TestApp::start().await;
    let person = member(&app, "leaver").await;
    for body in [json!({}), json!({ "password": "" }), json!({ "password": "Wrong-horse-7" })] {
        let reply = person.client.post(CLOSE, body).await.expect_error(403, "REAUTH_REQUIRED");
        assert!(reply.at("/error/details/password").is_array(), "{}", reply.text);
    }
    app.client
        .post(CLOSE, json!({ "password": PASSWORD }))
        .await
        .expect_error(401, "NOT_AUTHENTICATED");

    let listing = Story::new(&app).listed(&person).await;
    let waiting = sell_body(app.client.get("games/").await.expect(200).text_at("/results/1/id"));
    person.client.post("listings/", waiting).await.expect(201);
    let login = json!({ "email": person.email, "password": PASSWORD });
    let other = app.client.post("auth/login/", login.clone()).await.expect(200);
    close(&person).await.expect(200);
    close(&person).await.expect_error(401, "TOKEN_INVALID");
    person.client.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    let refresh = json!({ "refresh": other.text_at("/tokens/refresh") });
    app.client.post("auth/refresh/", refresh.clone()).await.expect_error(401, "TOKEN_INVALID");
    app.client.post("auth/logout/", refresh).await.expect(200);
    app.client.post("auth/login/", login.clone()).await.expect_error(401, "INVALID_CREDENTIALS");
    app.client.get(&format!("listings/{listing}/")).await.expect_error(404, "NOT_FOUND");
    let archived = "SELECT status || ' ' || version FROM listings ORDER BY created_at";
    assert_eq!(app.database.texts(archived).await, ["archived 3", "archived 2"]);
    let told = "SELECT from_status || ' ' || to_status || ' ' || actor FROM listing_status_history WHERE reason = 'account closed' ORDER BY 1";
    let actor = format!("user:{}", person.id);
    let expected = [format!("active archived {actor}"), format!("pending archived {actor}")];
    assert_eq!(app.database.texts(told).await, expected);
    app.run_due_jobs().await;
    let letters = mail::mails_to(&app.mail_dir, &person.email);
    assert!(letters.iter().any(|letter| letter.contains("account was closed")), "{letters:?}");
    app.client.post("auth/register/", login).await.expect(201);
    app.run_due_jobs().await;
    assert_eq!(impossible(&app).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_password_confirms_by_a_code_and_who_has_no_number_signs_in_again() {
    let app = TestApp::start().await;
    let number = "+998901234567";
    let person = app.person("by-code").await;
    let proved = format!(
        "UPDATE users SET phone_number = '{number}', phone_verified_at = app_now() WHERE id = '{}'",
        person.id
    );
    app.database.execute(&proved).await;
    let leave = async |body: Value| person.client.post(CLOSE, body).await;
    let reply = leave(json!({ "password": PASSWORD })).await.expect_error(403, "REAUTH_REQUIRED");
    assert_eq!(reply.at("/error/details/methods"), &json!(["code"]));
    let send = async |purpose: &str| {
        app.advance("61 seconds").await;
        person.client.post("auth/otp/request/", json!({ "purpose": purpose })).await.expect(200);
        app.run_due_jobs().await;
        sms::code_to(&app.sms_dir, number).expect("a message")
    };
    let other = send("reauth").await;
    leave(json!({ "code": other })).await.expect_error(400, "CODE_INVALID");
    let wish = json!({ "email": "by-code@example.uz", "code": other });
    let wished = person.client.patch("auth/me/", wish).await.expect(200);
    assert_eq!(wished.text_at("/pending_email"), "by-code@example.uz");
    let code = send("delete_account").await;
    leave(json!({ "code": code })).await.expect(200);
    leave(json!({ "code": code })).await.expect_error(401, "TOKEN_INVALID");

    let guest = app.person("by-google").await;
    app.advance("10 minutes 1 second").await;
    let reply = guest.client.post(CLOSE, json!({})).await.expect_error(403, "REAUTH_REQUIRED");
    assert_eq!(reply.at("/error/details/methods"), &json!(["sign_in"]));
    app.database.execute("UPDATE sessions SET created_at = app_now()").await;
    guest.client.post(CLOSE, json!({})).await.expect(200);
    assert_eq!(impossible(&app).await, 0);
    app.run_due_jobs().await;
    app.finish().await;
}

/// The bot shows a person a code.
async fn bot_code(app: &TestApp, telegram_id: i64) -> String {
    let body = json!({ "telegram_id": telegram_id, "phone_number": "+998901234567" });
    let request = app.client.request(reqwest::Method::POST, "auth/telegram/otp/create/");
    let request = request.header("X-Bot-Secret", "development-bot-secret").json(&body);
    let reply = app.client.send(request).await.expect(200);
    app.run_due_jobs().await;
    reply.text_at("/code").to_owned()
}

/// Somebody who has nothing but their account with Telegram, and what they sign in with.
async fn of_telegram(app: &TestApp, telegram_id: i64) -> tests::Client {
    let body = json!({ "phone": "+998901234567", "code": bot_code(app, telegram_id).await });
    let reply = app.client.post("auth/register/telegram/", body).await.expect(201);
    app.client.with_token(reply.text_at("/data/tokens/access"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_has_telegram_leaves_with_what_the_bot_shows_in_the_one_field_there_is() {
    let app = TestApp::start_with(&[("JWT_ACCESS_TOKEN_LIFETIME", "10000")]).await;
    let me = of_telegram(&app, 42).await;
    app.advance("11 minutes").await;
    let leave = async |body: Value| me.post(CLOSE, body).await;
    let reply = leave(json!({ "password": "" })).await.expect_error(403, "REAUTH_REQUIRED");
    assert_eq!(reply.at("/error/details/methods"), &json!(["code", "telegram"]));
    // Nobody else's code will do, and nobody guesses theirs for ever.
    let code = bot_code(&app, 42).await;
    let wrong = |number: u32| {
        format!("{:06}", (code.parse::<u32>().expect("digits") + 1 + number) % 1_000_000)
    };
    for number in 0..5 {
        leave(json!({ "password": wrong(number) })).await.expect_error(400, "CODE_INVALID");
    }
    leave(json!({ "password": code })).await.expect_error(400, "CODE_INVALID");
    let other = bot_code(&app, 43).await;
    leave(json!({ "password": other })).await.expect_error(400, "CODE_INVALID");
    // Their contacts are changed in the same way.
    let wish = json!({ "email": "aziza@example.uz", "current_password": bot_code(&app, 42).await });
    me.patch("auth/me/", wish).await.expect(200);
    leave(json!({ "password": bot_code(&app, 42).await })).await.expect(200);
    me.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    assert_eq!(impossible(&app).await, 0);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_message_is_sent_the_bot_or_a_new_session_confirms() {
    let app = TestApp::start_with(&[("JWT_ACCESS_TOKEN_LIFETIME", "10000")]).await;
    let mut settings = Settings::from_vars(app.variables()).expect("valid settings");
    settings.sms.way = SmsWay::Off;
    let silent = Arc::new(App::new(settings).expect("an app"));
    let api = api::serve(silent, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("listens");
    let visitor = tests::Client::new(api.address);
    for by in ["the bot", "a session"] {
        let me = visitor.as_somebody(&of_telegram(&app, 42).await);
        app.advance("11 minutes").await;
        let code = json!({ "purpose": "delete_account" });
        me.post("auth/otp/request/", code).await.expect_error(409, "SWITCHED_OFF");
        let reply = me.post(CLOSE, json!({})).await.expect_error(403, "REAUTH_REQUIRED");
        assert_eq!(reply.at("/error/details/methods"), &json!(["telegram", "sign_in"]));
        if by == "the bot" {
            me.post(CLOSE, json!({ "password": bot_code(&app, 42).await })).await.expect(200);
        } else {
            app.database.execute("UPDATE sessions SET created_at = app_now()").await;
            me.post(CLOSE, json!({})).await.expect(200);
        }
    }
    api.stop(Duration::from_secs(5)).await.expect("stops");
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_with_money_or_money_on_its_way_stays_open() {
    let app = TestApp::start().await;
    let refused = async |person: &Person, field: &str, value: Value| {
        let before = app.database.texts("SELECT (id, status) FROM listings ORDER BY id").await;
        let reply = close(person).await.expect_error(409, "ACCOUNT_IN_USE");
        assert_eq!(reply.at(&format!("/error/details/{field}")), &value, "{}", reply.text);
        let after = app.database.texts("SELECT (id, status) FROM listings ORDER BY id").await;
        assert_eq!(before, after, "nothing left the market");
        person.client.get("auth/me/").await.expect(200);
    };
    let rich = member(&app, "rich").await;
    app.fund(&rich, 5_000).await;
    Story::new(&app).listed(&rich).await;
    refused(&rich, "has_money", json!(true)).await;

    let payer = member(&app, "payer").await;
    let body = json!({ "amount": 5_000, "payment_method": "payme" });
    payer.client.post("payments/deposit/", body).await.expect(201);
    refused(&payer, "open_deposits", json!(1)).await;
    app.database.execute("UPDATE transactions SET status = 'cancelled', failed_at = app_now() WHERE status = 'pending'").await;
    close(&payer).await.expect(200);

    let deal = Story::new(&app).delivered().await;
    let (seller, buyer) = (deal.seller.clone(), deal.buyer.clone());
    let (seller, buyer) = (with_password(&app, seller).await, with_password(&app, buyer).await);
    refused(&seller, "open_deals", json!(1)).await;
    refused(&buyer, "open_deals", json!(1)).await;
    app.run_due_jobs().await;
    app.advance("24 hours 1 second").await;
    app.run_due_jobs().await;
    refused(&seller, "has_money", json!(true)).await;
    close(&buyer).await.expect(200);
    app.run_due_jobs().await;
    assert_eq!(impossible(&app).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_given_money_after_they_left() {
    let app = TestApp::start().await;
    let (staff, second) = (app.staff().await, app.staff().await);
    let person = member(&app, "leaver").await;
    let path = format!("admin-panel/users/{}/adjust-balance/", person.id);
    let body = json!({ "amount": "900000.00", "reason": "goodwill", "reference": "case 1" });
    let proposed = staff.client.post(&path, body.clone()).await;
    assert!(proposed.status < 300, "{}", proposed.text);
    close(&person).await.expect(200);
    let approve = format!("admin-panel/adjustments/{}/approve/", proposed.text_at("/id"));
    second.client.post_empty(&approve).await.expect_error(409, "INVALID_STATE");
    staff.client.post(&path, body).await.expect_error(404, "NOT_FOUND");
    assert_eq!(impossible(&app).await, 0);
    app.run_due_jobs().await;
    app.finish().await;
}

/// Signs the person of a proved number in through the bot.
async fn by_telegram(app: &TestApp, telegram_id: i64, number: &str) {
    let contact = json!({ "telegram_id": telegram_id, "phone_number": number, "full_name": "Leaver Valiyev", "username": "@leaver_tg" });
    let request = app.client.request(Method::POST, "auth/telegram/otp/create/");
    let request = request.header("X-Bot-Secret", "development-bot-secret");
    let shown = app.client.send(request.json(&contact)).await.expect(200);
    let body = json!({ "phone": number, "code": shown.text_at("/code"), "mode": "login" });
    app.client.post("auth/register/telegram/", body).await.expect(201);
}

/// Leaves traces elsewhere: a deposit through Paynet, which shows its payer their name, a payout to a card of their name, an account with Google, one with Telegram.
async fn known_elsewhere(app: &TestApp, person: &Person) {
    let deposit = json!({ "amount": 60_000, "payment_method": "paynet" });
    let deposit = person.client.post("payments/deposit/", deposit).await.expect(201);
    let (paynet, order) = (Paynet::new(&app.client), deposit.text_at("/id"));
    let asked = paynet.call("GetInformation", json!({ "fields": { "order_id": order } })).await;
    assert_eq!(asked["result"]["fields"]["name"], "leaver");
    paynet.pay(order, 6_000_000).await;
    let paid = Person::withdrawal(60_000, "8600533364098829");
    let paid = person.client.post("payments/withdrawal/create/", paid).await.expect(201);
    app.run_due_jobs().await;
    let path = format!("payments/withdrawals/{}/", paid.text_at("/id"));
    let paid = person.client.get(&path).await.expect(200);
    assert_eq!(paid.text_at("/status"), "completed");
    let token = SigningKey::first().sign(&claims("109876543210123", "leaver.g@example.uz"));
    let link = json!({ "id_token": token, "current_password": PASSWORD });
    person.client.post("auth/google/link/", link).await.expect(200);
    let proved =
        format!("UPDATE users SET phone_verified_at = app_now() WHERE id = '{}'", person.id);
    app.database.execute(&proved).await;
    by_telegram(app, 7_776_665_551, "+998901234567").await;
    let linked =
        "SELECT count(*) FROM audit_log WHERE action IN ('social.linked', 'user.telegram_linked')";
    assert_eq!(app.database.number(linked).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_month_nothing_says_whose_it_was() {
    let (acquirer, google) = (Acquirer::start().await, Google::start().await);
    let keys = format!("{}/certs", google.url);
    let settings = [("GOOGLE_CLIENT_ID", CLIENT_ID), ("GOOGLE_JWKS_URL", keys.as_str())];
    let app =
        acquirer.platform(&[settings.as_slice(), &[("WITHDRAWAL_HOLD", "0s")]].concat()).await;
    let person = member(&app, "leaver").await;
    let number = json!({ "phone_number": "+998901234567", "username": "leaver", "current_password": PASSWORD });
    person.client.patch("auth/me/", number).await.expect(200);
    known_elsewhere(&app, &person).await;
    new_avatar(&person.client, &a_jpeg()).await.expect(200);
    let wish = json!({ "email": "elsewhere@example.uz", "current_password": PASSWORD });
    person.client.patch("auth/me/", wish).await.expect(200);
    let agent = json!({ "email": person.email, "password": PASSWORD });
    app.client.post("auth/login/", agent).await.expect(200);
    app.client.post("auth/password/reset/", json!({ "email": person.email })).await.expect(200);
    let before =
        "INSERT INTO password_history (user_id, password_hash) SELECT id, password_hash FROM users";
    app.database.execute(before).await;
    close(&person).await.expect(200);
    app.run_due_jobs().await;
    let erase = async || {
        app.enqueue(EraseClosedAccounts {}).await;
        app.enqueue(PruneIdempotencyKeys {}).await;
        app.run_due_jobs().await;
    };
    app.advance("30 days -1 minute").await;
    erase().await;
    let row = format!("SELECT email FROM users WHERE id = '{}'", person.id);
    assert_eq!(app.database.texts(&row).await, [person.email.as_str()]);
    app.advance("2 minutes").await;
    erase().await;
    erase().await;
    let email = app.database.texts(&row).await.remove(0);
    let (print, host) = email.split_once('@').expect("an address");
    assert_eq!((print.len(), host), (32, "deleted.invalid"));
    let whose = format!(
        "SELECT (full_name, username, phone_number, password_hash, avatar, is_active) FROM users WHERE id = '{}'",
        person.id
    );
    assert_eq!(app.database.texts(&whose).await, ["(\"Deleted user\",,,,,f)"]);
    for left in [
        "SELECT count(*) FROM sessions WHERE ip IS NOT NULL OR user_agent IS NOT NULL",
        "SELECT count(*) FROM email_changes",
        "SELECT count(*) FROM email_tokens",
        "SELECT count(*) FROM password_resets",
        "SELECT count(*) FROM password_history",
        "SELECT count(*) FROM known_devices",
        "SELECT count(*) FROM uploads WHERE removed_at IS NULL",
    ] {
        assert_eq!(app.database.number(left).await, 0, "{left}");
    }
    assert!(files(&app.media_dir).is_empty());
    for word in ["leaver", "elsewhere", "901234567", "Valiyev", "109876543210123", "7776665551"] {
        assert!(traces(&app, word).await.is_empty(), "{word}: {:?}", traces(&app, word).await);
    }
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'user.erased'";
    assert_eq!(app.database.number(audited).await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_and_beginning_a_deposit_have_one_order_and_its_payment_finds_an_open_account() {
    let app = TestApp::start().await;
    let mut begun = Race::new("closing against a deposit that begins", ROUNDS);
    for _ in begun.rounds() {
        let person = member(&app, "payer").await;
        let body = json!({ "amount": 5_000, "payment_method": "payme" });
        let deposit = person.client.post("payments/deposit/", body);
        let (closed, deposit) = begun.duel(close(&person), deposit).await;
        match (closed.status, deposit.status) {
            (200, 401) => begun.won(Winner::Left, "closed"),
            (409, 201) => begun.won(Winner::Right, "begun"),
            other => begun.fail(&format!("{other:?}: {} {}", closed.text, deposit.text)),
        }
    }
    begun.end(&["closed", "begun"]);
    let mut paid = Race::new("closing against a provider's money", ROUNDS);
    for _ in paid.rounds() {
        let person = member(&app, "payer").await;
        let body = json!({ "amount": 5_000, "payment_method": "payme" });
        let deposit = person.client.post("payments/deposit/", body).await.expect(201);
        let pay = async { app.payme().pay(deposit.text_at("/id"), 500_000).await };
        let (closed, _paid) = paid.duel(close(&person), pay).await;
        closed.expect_error(409, "ACCOUNT_IN_USE");
        assert_eq!(app.available(&person).await, "5000.00");
        paid.saw("credited");
    }
    paid.end(&["credited"]);
    let mut given_up = Race::new("closing against a provider that gives up", ROUNDS);
    for _ in given_up.rounds() {
        let person = member(&app, "payer").await;
        let body = json!({ "amount": 5_000, "payment_method": "payme" });
        let deposit = person.client.post("payments/deposit/", body).await.expect(201);
        let payment = Payme::transaction_id();
        let create = json!({ "id": payment, "time": Payme::now_ms(), "amount": 500_000,
                             "account": { "order_id": deposit.text_at("/id") } });
        let created = app.payme().call("CreateTransaction", create).await;
        assert!(created.get("error").is_none_or(Value::is_null), "{created}");
        let cancel = async {
            app.payme().call("CancelTransaction", json!({ "id": payment, "reason": 3 })).await
        };
        let (closed, _cancelled) = given_up.duel(close(&person), cancel).await;
        match closed.status {
            200 => given_up.won(Winner::Right, "cancelled, then closed"),
            409 => given_up.won(Winner::Left, "refused"),
            other => given_up.fail(&format!("{other}: {}", closed.text)),
        }
    }
    given_up.end(&["cancelled, then closed", "refused"]);
    assert_eq!(impossible(&app).await, 0);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_and_buying_have_one_order_for_both_sides() {
    let app = TestApp::start().await;
    let mut sold = Race::new("closing against a purchase from the closer", ROUNDS);
    for _ in sold.rounds() {
        let seller = member(&app, "seller").await;
        let listing = Story::new(&app).listed(&seller).await;
        let buyer = app.person("buyer").await;
        app.fund(&buyer, 100_000).await;
        let purchase = buyer.client.post("payments/purchase/", json!({ "listing_id": listing }));
        let (closed, bought) = sold.duel(close(&seller), purchase).await;
        match (closed.status, bought.status) {
            (200, 404 | 409) => sold.won(Winner::Left, "closed"),
            (409, 201) => sold.won(Winner::Right, "bought"),
            other => sold.fail(&format!("{other:?}: {} {}", closed.text, bought.text)),
        }
    }
    sold.end(&["closed", "bought"]);
    let mut bought = Race::new("closing against a purchase by the closer", ROUNDS);
    for _ in bought.rounds() {
        let listing = Story::new(&app).listed(&app.person("seller").await).await;
        let buyer = member(&app, "buyer").await;
        let body = json!({ "listing_id": listing, "payment_method": "payme" });
        let purchase = buyer.client.post("payments/purchase/", body);
        let (closed, opened) = bought.duel(close(&buyer), purchase).await;
        match (closed.status, opened.status) {
            (200, 401) => bought.won(Winner::Left, "closed"),
            (409, 201) => bought.won(Winner::Right, "bought"),
            other => bought.fail(&format!("{other:?}: {} {}", closed.text, opened.text)),
        }
    }
    bought.end(&["closed", "bought"]);
    assert_eq!(impossible(&app).await, 0);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_and_offering_leave_no_offer_behind() {
    let app = TestApp::start().await;
    let games = app.client.get("games/").await.expect(200);
    let mut race = Race::new("closing against a listing that is made", ROUNDS);
    for _ in race.rounds() {
        let seller = member(&app, "seller").await;
        let offer = seller.client.post("listings/", sell_body(games.text_at("/results/0/id")));
        let (closed, offered) = race.duel(close(&seller), offer).await;
        match (closed.status, offered.status) {
            (200, 401) => race.won(Winner::Left, "closed"),
            (200, 201) => race.won(Winner::Right, "offered and archived"),
            (503, 201) => race.won(Winner::Right, "asked to come back"),
            other => race.fail(&format!("{other:?}: {} {}", closed.text, offered.text)),
        }
        if closed.status == 503 {
            close(&seller).await.expect(200);
        }
    }
    race.end_some(&["closed", "offered and archived", "asked to come back"]);
    assert_eq!(impossible(&app).await, 0);
    app.run_due_jobs().await;
    app.finish().await;
}
