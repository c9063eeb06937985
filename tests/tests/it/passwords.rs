//! Forgotten and changed passwords: who may put a new one in place, once, and what ends when they do.

use reqwest::Method;
use serde_json::json;
use tests::{Client, Member, Race, Reply, TestApp, Winner, mail};

const NEW: &str = "Another-horse-8";
/// Correct-horse-7 with other parameters than ours: what another release may have made.
const OLD_HASH: &str = "$argon2id$v=19$m=4096,t=3,p=1$rtbCoctYzaNAMnu1OSifFQ$/mH4g4wnASswqk9vVqGetv9B0fz0j0QRQ7R4XxMS0bA";

/// A platform whose access tokens outlive the test: what ends them here is not their age.
async fn start() -> TestApp {
    TestApp::start_with(&[("JWT_ACCESS_TOKEN_LIFETIME", "10000")]).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Reply {
    let body = json!({ "token": token, "password": password, "password_confirm": password });
    app.client.post("auth/password/reset/confirm/", body).await
}

async fn change(client: &Client, old: &str, new: &str) -> Reply {
    let body = json!({ "old_password": old, "new_password": new, "new_password_confirm": new });
    client.post("auth/password/change/", body).await
}

async fn is_signed_in(client: &Client) -> bool {
    client.get("auth/me/").await.status == 200
}

/// All that a password or a session may change of a person.
async fn state(app: &TestApp) -> Vec<String> {
    let people = "SELECT id || password_hash || coalesce(password_changed_at::text, '') || is_verified FROM users ORDER BY id";
    let sessions = "SELECT id || coalesce(revoked_reason, '') FROM sessions ORDER BY id";
    let mut state = app.database.texts(people).await;
    state.extend(app.database.texts(sessions).await);
    state.extend(
        app.database
            .texts("SELECT kind || args FROM jobs WHERE kind = 'send_security_email'")
            .await,
    );
    state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_replaced_by_who_reads_the_mail() {
    let app = start().await;
    let member = Member::register_unproved(&app, "forgetful").await;
    let (other, refresh) = member.sign_in(&app, Member::DEVICE).await;
    let request = app.client.request(Method::POST, "auth/password/reset/");
    let request = request.header("host", "evil.uz").header("x-forwarded-host", "evil.uz");
    let request = request.json(&json!({ "email": " Forgetful@Example.UZ" }));
    app.client.send(request).await.expect(200);
    app.settle_mail().await;
    let letter = mail::mails_to(&app.mail_dir, &member.email).pop().expect("a letter");
    assert!(
        letter.contains("http://localhost:5173/reset-password?uid=") && !letter.contains("evil")
    );
    let (uid, token) = mail::reset_link(&app.mail_dir, &member.email).expect("a link");
    assert_eq!(uid, member.id);
    app.advance("29 minutes").await;
    let body = json!({ "token": token, "uid": uid, "password": NEW, "password_confirm": NEW });
    app.client.post("auth/password/reset/confirm/", body).await.expect(200);
    assert!(!is_signed_in(&member.client).await && !is_signed_in(&other).await);
    let again = app.client.post("auth/refresh/", json!({ "refresh": refresh })).await;
    again.expect_error(401, "TOKEN_INVALID");
    let log_in = async |password| Member::log_in(&app, &member.email, password, "any").await;
    log_in(Member::PASSWORD).await.expect_error(401, "INVALID_CREDENTIALS");
    let me = log_in(NEW).await.expect(200);
    assert_eq!(me.at("/user/is_verified"), true, "they read the mail of the address");
    let fresh =
        "SELECT count(*) FROM users WHERE password_changed_at > app_now() - interval '1 minute'";
    assert_eq!(app.database.number(fresh).await, 1, "withdrawals wait from now on");
    app.settle_mail().await;
    let letters = mail::mails_to(&app.mail_dir, &member.email);
    let told = |subject: &str| letters.iter().filter(|letter| letter.contains(subject)).count();
    assert_eq!(told("Subject: WibeStore: your password was changed"), 1, "{letters:#?}");
    assert_eq!(told("Subject: Welcome to WibeStore"), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_old_used_foreign_or_overtaken_changes_nothing() {
    let app = start().await;
    let (member, other) =
        (Member::register(&app, "member").await, Member::register(&app, "other").await);
    let proof = mail::verification_token(&app.mail_dir, &member.email).expect("a link");
    let (_, used) = member.reset_link(&app).await;
    app.advance("2 minutes").await;
    let (_, overtaken) = member.reset_link(&app).await;
    reset(&app, &used, NEW).await.expect(200);
    app.advance("2 minutes").await;
    let (_, changed) = member.reset_link(&app).await;
    let reply = Member::log_in(&app, &member.email, NEW, Member::DEVICE).await.expect(200);
    let client = app.client.with_token(reply.text_at("/tokens/access"));
    change(&client, NEW, "Third-horse-9").await.expect(200);
    app.advance("2 minutes").await;
    let (_, old) = member.reset_link(&app).await;
    app.settle_mail().await;
    app.advance("30 minutes 1 second").await;
    let before = state(&app).await;
    let mut forged = old.clone();
    forged.replace_range(0..1, if old.starts_with('A') { "B" } else { "A" });
    for (what, token) in [
        ("used", used.as_str()),
        ("overtaken by another link", &overtaken),
        ("overtaken by a change", &changed),
        ("31 minutes old", &old),
        ("forged", &forged),
        ("a proof of the address", &proof),
        ("a refresh token", &other.refresh),
        ("nothing", ""),
        ("long", &"A".repeat(5_000)),
    ] {
        let reply =
            reset(&app, token, "Fourth-horse-1").await.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details/token").is_array(), "{what}: {}", reply.text);
        assert_eq!(state(&app).await, before, "{what}");
    }
    let (_, token) = other.reset_link(&app).await;
    let before = state(&app).await;
    for uid in [member.id.as_str(), "nobody", ""] {
        let body = json!({ "token": token, "uid": uid, "password": NEW, "password_confirm": NEW });
        let reply = app.client.post("auth/password/reset/confirm/", body).await;
        reply.expect_error(400, "VALIDATION_ERROR");
    }
    assert_eq!(state(&app).await, before, "a link is one person's");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_a_link_tells_nothing_and_mails_little() {
    let app = start().await;
    let member = Member::register(&app, "asked").await;
    let banned = Member::register(&app, "banned").await;
    let ban = format!("UPDATE users SET is_active = false WHERE id = '{}'", banned.id);
    app.database.execute(&ban).await;
    let ask = async |email: &str| {
        let reply = app.client.post("auth/password/reset/", json!({ "email": email })).await;
        (reply.status, reply.text)
    };
    let mut told = Vec::new();
    for email in [member.email.as_str(), &banned.email, "nobody@example.uz", "no address"] {
        let mut answers = Vec::new();
        for later in ["0 seconds", "50 seconds", "11 seconds"] {
            app.advance(later).await;
            answers.push(app.statements(ask(email)).await);
        }
        told.push(answers);
    }
    assert_eq!(told[0][0].1.0, 200);
    for other in &told[1..] {
        assert_eq!(other, &told[0], "the same answers and the same statements");
    }
    for _ in 0..10 {
        app.advance("61 seconds").await;
        ask(&member.email).await;
    }
    app.settle_mail().await;
    let links = |email: &str| {
        let letters = mail::mails_to(&app.mail_dir, email);
        letters.iter().filter(|letter| letter.contains("/reset-password?uid=")).count()
    };
    assert_eq!(links(&member.email), 5, "five an hour");
    assert_eq!(links(&banned.email) + links("nobody@example.uz"), 0);
    app.advance("1 hour").await;
    ask(&member.email).await;
    app.settle_mail().await;
    assert_eq!(links(&member.email), 6);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_link_in_thirty_two_hands_is_one_new_password() {
    let app = start().await;
    let member = Member::register(&app, "crowded").await;
    let mut race = Race::new("32 uses of one link", 2);
    for round in race.rounds() {
        app.advance("2 minutes").await;
        let (_, token) = member.reset_link(&app).await;
        let password = |number: u32| format!("Horse-{round}-of-{number}");
        let uses = (0..32).map(|number| {
            let (app, token, password) = (&app, token.clone(), password(number));
            async move { (reset(app, &token, &password).await, password) }
        });
        let replies = race.crowd(uses).await;
        let (won, lost): (Vec<_>, Vec<_>) =
            replies.into_iter().partition(|(reply, _)| reply.status == 200);
        assert!(lost.iter().all(|(reply, _)| reply.status == 400), "no other answer");
        let [(_, winner)] = won.as_slice() else { race.fail(&format!("{} won", won.len())) };
        Member::log_in(&app, &member.email, winner, Member::DEVICE).await.expect(200);
        race.saw("one");
    }
    let notices = "SELECT count(*) FROM jobs WHERE kind = 'send_security_email'";
    assert_eq!(app.database.number(notices).await, i64::from(race.rounds().end));
    race.end(&["one"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_ends_every_other_session() {
    let app = start().await;
    let member = Member::register(&app, "changer").await;
    let (other, refresh) = member.sign_in(&app, Member::DEVICE).await;
    change(&member.client, Member::PASSWORD, NEW).await.expect(200);
    assert!(is_signed_in(&member.client).await && !is_signed_in(&other).await);
    for (token, status) in [(&refresh, 401), (&member.refresh, 200)] {
        app.client.post("auth/refresh/", json!({ "refresh": token })).await.expect(status);
    }
    let changed = "SELECT count(*) FROM users WHERE password_changed_at IS NOT NULL";
    assert_eq!(app.database.number(changed).await, 1);
    app.settle_mail().await;
    let letter = mail::mails_to(&app.mail_dir, &member.email).pop().expect("a letter");
    assert!(letter.contains("Subject: WibeStore: your password was changed"), "{letter}");
    Member::log_in(&app, &member.email, NEW, Member::DEVICE).await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_cannot_be_is_refused_with_its_field_and_changes_nothing() {
    let app = start().await;
    let member = Member::register(&app, "sniper.of.old").await;
    let (_, token) = member.reset_link(&app).await;
    let before = state(&app).await;
    for (password, confirm, field) in [
        ("short-1", "short-1", "password"),
        ("onlyletters", "onlyletters", "password"),
        ("10293847561", "10293847561", "password"),
        ("Coffeephrogg05", "Coffeephrogg05", "password"),
        ("SNIPER.OF.OLD-1", "SNIPER.OF.OLD-1", "password"),
        ("xWibeStore-77", "xWibeStore-77", "password"),
        (&format!("{}1", "x".repeat(128)), &format!("{}1", "x".repeat(128)), "password"),
        (Member::PASSWORD, Member::PASSWORD, "password"),
        (NEW, "Another-horse-8 ", "password_confirm"),
        (NEW, "another-horse-8", "password_confirm"),
    ] {
        let body = json!({ "token": token, "password": password, "password_confirm": confirm });
        let reply = app.client.post("auth/password/reset/confirm/", body).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details").get(field).is_some(), "{password}: {}", reply.text);
        let body = json!({ "old_password": Member::PASSWORD, "new_password": password, "new_password_confirm": confirm });
        let reply = member.client.post("auth/password/change/", body).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at(&format!("/error/details/new_{field}")).is_array(), "{}", reply.text);
        assert_eq!(state(&app).await, before, "{password}");
    }
    for body in [json!([]), json!(null), json!("x"), json!({}), json!({ "old_password": 7 })] {
        member
            .client
            .post("auth/password/change/", body)
            .await
            .expect_error(400, "VALIDATION_ERROR");
    }
    let long = "x".repeat(129);
    change(&member.client, &long, NEW).await.expect_error(400, "VALIDATION_ERROR");
    change(&app.client, Member::PASSWORD, NEW).await.expect_error(401, "NOT_AUTHENTICATED");
    reset(&app, &token, " Another horse 8 ").await.expect(200);
    let trimmed = Member::log_in(&app, &member.email, "Another horse 8", "any").await;
    trimmed.expect_error(401, "INVALID_CREDENTIALS");
    Member::log_in(&app, &member.email, " Another horse 8 ", "any").await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_the_wish_for_another_address_that_the_old_one_confirmed() {
    let app = start().await;
    let member = Member::register(&app, "robbed").await;
    for by in ["a change", "a reset"] {
        let password = if by == "a change" { Member::PASSWORD } else { NEW };
        let reply = Member::log_in(&app, &member.email, password, Member::DEVICE).await.expect(200);
        let client = app.client.with_token(reply.text_at("/tokens/access"));
        app.advance("61 seconds").await;
        let wish = json!({ "email": "thief@example.uz", "current_password": password });
        client.patch("auth/me/", wish).await.expect(200);
        app.settle_mail().await;
        let token = mail::verification_token(&app.mail_dir, "thief@example.uz").expect("a link");
        if by == "a change" {
            change(&client, password, NEW).await.expect(200);
        } else {
            let (_, link) = member.reset_link(&app).await;
            reset(&app, &link, "Third-horse-9").await.expect(200);
        }
        let proof = json!({ "token": token });
        app.client.post("auth/email/verify/", proof).await.expect_error(400, "VALIDATION_ERROR");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_five_passwords_are_not_taken_again() {
    let app = start().await;
    let member = Member::register(&app, "returning").await;
    let nth = |number: usize| format!("Horse-number-{number}");
    let mut present = Member::PASSWORD.to_owned();
    for number in 1..=5 {
        change(&member.client, &present, &nth(number)).await.expect(200);
        present = nth(number);
        app.advance("1 second").await;
    }
    for number in 1..=5 {
        let reply = change(&member.client, &present, &nth(number)).await;
        let reply = reply.expect_error(400, "VALIDATION_ERROR");
        assert!(reply.at("/error/details/new_password").is_array(), "{}", reply.text);
    }
    let (_, token) = member.reset_link(&app).await;
    reset(&app, &token, &nth(3)).await.expect_error(400, "VALIDATION_ERROR");
    change(&member.client, &present, Member::PASSWORD).await.expect(200);
    let kept = "SELECT count(*) FROM password_history";
    assert_eq!(app.database.number(kept).await, 4, "no more than is looked at");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_found_a_session_cannot_guess_the_password_with_it() {
    let app = start().await;
    let member = Member::register(&app, "found").await;
    for _ in 0..10 {
        let wrong = change(&member.client, "Wrong-horse-7", NEW).await;
        let wrong = wrong.expect_error(400, "VALIDATION_ERROR");
        assert!(wrong.at("/error/details/old_password").is_array());
    }
    let right = change(&member.client, Member::PASSWORD, NEW).await;
    let right = right.expect_error(429, "TOO_MANY_ATTEMPTS");
    assert!(right.headers.contains_key("retry-after"));
    Member::log_in(&app, &member.email, Member::PASSWORD, "any").await.expect(200);
    app.advance("31 seconds").await;
    change(&member.client, Member::PASSWORD, NEW).await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_password_gets_one_by_mail() {
    let app = start().await;
    let member = Member::register(&app, "googler").await;
    app.database.execute("UPDATE users SET password_hash = NULL").await;
    let reply = change(&member.client, Member::PASSWORD, NEW).await;
    let reply = reply.expect_error(400, "VALIDATION_ERROR");
    assert!(reply.at("/error/details/old_password").is_array());
    let (_, token) = member.reset_link(&app).await;
    reset(&app, &token, NEW).await.expect(200);
    Member::log_in(&app, &member.email, NEW, Member::DEVICE).await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hash_of_old_parameters_is_renewed_by_signing_in() {
    let app = start().await;
    let member = Member::register(&app, "veteran").await;
    let keep = format!("UPDATE users SET password_hash = '{OLD_HASH}'");
    app.database.execute(&keep).await;
    let mut race = Race::new("two first sign-ins after new parameters", 3);
    for _ in race.rounds() {
        app.database.execute(&keep).await;
        let sign_in = || Member::log_in(&app, &member.email, Member::PASSWORD, Member::DEVICE);
        let (one, other) = race.duel(sign_in(), sign_in()).await;
        assert_eq!((one.status, other.status), (200, 200), "renewing is no change");
        race.saw("both");
    }
    race.end(&["both"]);
    let renewed = "SELECT count(*) FROM users WHERE password_hash LIKE '%m=19456,t=2,p=1%'";
    assert_eq!(app.database.number(renewed).await, 1);
    let changed = "SELECT count(*) FROM users WHERE password_changed_at IS NOT NULL";
    assert_eq!(app.database.number(changed).await, 0);
    let work = app.app.passwords.work();
    Member::log_in(&app, &member.email, Member::PASSWORD, Member::DEVICE).await.expect(200);
    assert_eq!(app.app.passwords.work() - work, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_against_a_refresh_leaves_no_other_session_alive() {
    let app = start().await;
    let member = Member::register(&app, "racer").await;
    let mut race = Race::new("change against refresh", 6);
    let mut present = Member::PASSWORD.to_owned();
    for round in race.rounds() {
        let reply = Member::log_in(&app, &member.email, &present, Member::DEVICE).await.expect(200);
        let other = app.client.with_token(reply.text_at("/tokens/access"));
        let body = json!({ "refresh": reply.text_at("/tokens/refresh") });
        let next = format!("Horse-of-round-{round}");
        let (changed, refreshed) = race
            .duel(change(&member.client, &present, &next), app.client.post("auth/refresh/", body))
            .await;
        changed.expect(200);
        present = next;
        assert!(!is_signed_in(&other).await);
        if refreshed.status == 200 {
            let client = app.client.with_token(refreshed.text_at("/access"));
            assert!(!is_signed_in(&client).await, "what was refreshed just before ends too");
            let body = json!({ "refresh": refreshed.text_at("/refresh") });
            app.client.post("auth/refresh/", body).await.expect_error(401, "TOKEN_INVALID");
            race.won(Winner::Right, "refreshed and ended");
        } else {
            refreshed.expect_error(401, "TOKEN_INVALID");
            race.won(Winner::Left, "ended");
        }
    }
    race.end_some(&["refreshed and ended", "ended"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_change_and_a_link_at_once_one_counts() {
    let app = start().await;
    let member = Member::register(&app, "both").await;
    let mut race = Race::new("change against reset", 4);
    let mut present = Member::PASSWORD.to_owned();
    for round in race.rounds() {
        app.advance("20 minutes").await;
        let reply = Member::log_in(&app, &member.email, &present, Member::DEVICE).await.expect(200);
        let client = app.client.with_token(reply.text_at("/tokens/access"));
        let (_, token) = member.reset_link(&app).await;
        let (by_change, by_link) = (format!("Change-horse-{round}"), format!("Link-horse-{round}"));
        let (changed, reset) =
            race.duel(change(&client, &present, &by_change), reset(&app, &token, &by_link)).await;
        present = match (changed.status, reset.status) {
            (200, 400) => {
                assert!(is_signed_in(&client).await);
                race.won(Winner::Left, "changed");
                by_change
            }
            (400 | 401, 200) => {
                assert!(!is_signed_in(&client).await);
                race.won(Winner::Right, "reset");
                by_link
            }
            other => race.fail(&format!("{other:?}")),
        };
        Member::log_in(&app, &member.email, &present, Member::DEVICE).await.expect(200);
    }
    race.end_some(&["changed", "reset"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_of_an_address_takes_it_back_from_who_registered_with_it() {
    let app = start().await;
    let squatter = Member::register_unproved(&app, "victim").await;
    let (_, token) = squatter.reset_link(&app).await;
    reset(&app, &token, NEW).await.expect(200);
    assert!(!is_signed_in(&squatter.client).await);
    let theirs = Member::log_in(&app, &squatter.email, Member::PASSWORD, Member::DEVICE).await;
    theirs.expect_error(401, "INVALID_CREDENTIALS");
    let audit = "SELECT action FROM audit_log WHERE action LIKE 'auth.password%'";
    assert_eq!(app.database.texts(audit).await, ["auth.password_reset"]);
    let secrets = app.database.texts("SELECT args::text FROM jobs").await;
    assert!(secrets.iter().all(|args| !args.contains(&token)), "no job's row holds a token");
    app.finish().await;
}
