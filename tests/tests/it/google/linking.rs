//! Whose account Google's word opens: by its `sub`, never by an address that is not proved on both sides.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::google::{Google, SigningKey, claims, with};
use tests::{Person, Race, TestApp, Winner, mail};

use super::{actions, traces, with_id_token};

const PASSWORD: &str = "Correct-horse-7";

fn token(sub: &str, email: &str) -> String {
    SigningKey::first().sign(&claims(sub, email))
}

fn unproved(sub: &str, email: &str) -> String {
    SigningKey::first().sign(&with(claims(sub, email), json!({ "email_verified": false })))
}

/// Somebody who registered with a password and proved nothing.
async fn registered(app: &TestApp, email: &str) -> (String, tests::Client) {
    let form = json!({ "email": email, "password": PASSWORD, "language": "en" });
    let reply = app.client.post("auth/register/", form).await.expect(201);
    (reply.text_at("/user/id").to_owned(), app.client.with_token(reply.text_at("/tokens/access")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_with_the_same_address_opens_only_if_both_sides_proved_it() {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let proved = app.person("proved").await;
    let by_phone = app.person("by-phone").await;
    let sql = format!(
        "UPDATE users SET email_verified_at = NULL, phone_number = '+998901234567', phone_verified_at = app_now() WHERE id = '{}'",
        by_phone.id
    );
    app.database.execute(&sql).await;
    let squatter = app.unverified("squatter").await;
    let before = traces(&app).await;
    for (what, token) in [
        ("we have not proved it", token("1", &squatter.email)),
        ("Google has not proved it", unproved("4", &proved.email)),
        ("Google has proved neither", unproved("5", &squatter.email)),
    ] {
        let reply = with_id_token(&app, &token).await;
        let answer = (reply.status, reply.code());
        assert_eq!(answer, (409, "ACCOUNT_LINK_REQUIRED"), "{what}: {}", reply.text);
    }
    let nobody = with_id_token(&app, &unproved("6", "nobody@example.uz")).await;
    nobody.expect_error(403, "EMAIL_NOT_VERIFIED");
    let silent = SigningKey::first().sign(&with(claims("7", ""), json!({ "email": null })));
    with_id_token(&app, &silent).await.expect_error(403, "EMAIL_NOT_VERIFIED");
    assert_eq!(traces(&app).await, before);
    let reply = with_id_token(&app, &token("4", &proved.email.to_uppercase())).await.expect(200);
    let id = proved.id.to_string();
    assert_eq!(reply.text_at("/user/id"), id);
    assert_eq!(actions(&app, &id).await, ["social.linked", "auth.signed_in"]);
    // The address went to somebody else, who has a Google account of their own.
    let heir = with_id_token(&app, &token("8", &proved.email)).await;
    heir.expect_error(409, "ACCOUNT_LINK_REQUIRED");
    // Who proved a phone and only typed the address gives that up, and nothing else.
    let owner = with_id_token(&app, &token("2", &by_phone.email)).await.expect(200);
    assert_ne!(owner.text_at("/user/id"), by_phone.id.to_string());
    assert_eq!(actions(&app, &by_phone.id.to_string()).await, ["user.email_released"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banned_person_is_refused_and_a_closed_account_gives_up_its_link() {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let token = token("1", "aziza@example.uz");
    let first = with_id_token(&app, &token).await.expect(200).text_at("/user/id").to_owned();
    app.database.execute("UPDATE users SET is_active = false").await;
    with_id_token(&app, &token).await.expect_error(403, "ACCOUNT_DISABLED");
    app.database.execute("UPDATE users SET deleted_at = app_now()").await;
    let second = with_id_token(&app, &token).await.expect(200).text_at("/user/id").to_owned();
    assert_ne!(first, second, "nothing of the closed account comes back");
    assert_eq!(actions(&app, &first).await.last().map(String::as_str), Some("social.unlinked"));
    assert_eq!(with_id_token(&app, &token).await.expect(200).text_at("/user/id"), second);
    // The same for who comes back another way, and links it to the account they have now.
    app.database.execute("UPDATE users SET is_active = false, deleted_at = app_now()").await;
    let (_, back) = registered(&app, "aziza@example.uz").await;
    let body = json!({ "id_token": token, "current_password": PASSWORD });
    let linked = back.post("auth/google/link/", body).await.expect(200);
    assert_eq!(linked.text_at("/google_id"), "1");
    assert_eq!(actions(&app, &second).await.last().map(String::as_str), Some("social.unlinked"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_links_google_with_their_password_and_ends_it() {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let (id, me) = registered(&app, "aziza@example.uz").await;
    let token = token("1", "aziza@example.uz");
    let link = async |change: Value| {
        let body = json!({ "id_token": token, "current_password": PASSWORD });
        me.post("auth/google/link/", with(body, change)).await
    };
    with_id_token(&app, &token).await.expect_error(409, "ACCOUNT_LINK_REQUIRED");
    link(json!({ "current_password": null })).await.expect_error(403, "REAUTH_REQUIRED");
    link(json!({ "current_password": "Wrong-horse-7" })).await.expect_error(403, "REAUTH_REQUIRED");
    let expired = with(claims("1", "aziza@example.uz"), json!({ "exp": 1_000_000_000 }));
    for bad in ["nonsense".to_owned(), SigningKey::first().sign(&expired)] {
        link(json!({ "id_token": bad })).await.expect_error(400, "VALIDATION_ERROR");
    }
    let visitor = app.client.post("auth/google/link/", json!({ "id_token": token })).await;
    visitor.expect_error(401, "NOT_AUTHENTICATED");
    assert_eq!(traces(&app).await[2], 0);
    for _ in 0..2 {
        let linked = link(json!({})).await.expect(200);
        assert_eq!(linked.at("/is_verified"), true, "Google has proved the same address");
    }
    let another = SigningKey::first().sign(&claims("2", "aziza@example.uz"));
    link(json!({ "id_token": another })).await.expect_error(409, "ALREADY_EXISTS");
    let (_, other) = registered(&app, "other@example.uz").await;
    let body = json!({ "id_token": token, "current_password": PASSWORD });
    other.post("auth/google/link/", body).await.expect_error(409, "ALREADY_EXISTS");
    assert_eq!(with_id_token(&app, &token).await.expect(200).text_at("/user/id"), id);
    let unlink = async || me.send(me.request(reqwest::Method::DELETE, "auth/google/")).await;
    unlink().await.expect(204);
    unlink().await.expect(204);
    let again = with_id_token(&app, &token).await.expect(200);
    assert_eq!(again.text_at("/user/id"), id, "whose address it is, Google has proved before");
    let told = actions(&app, &id).await;
    let told: Vec<_> = told.iter().filter(|action| action.starts_with("social.")).collect();
    assert_eq!(told, ["social.linked", "social.unlinked", "social.linked"]);
    app.run_due_jobs().await;
    let letters = mail::mails_to(&app.mail_dir, "aziza@example.uz");
    let told = |word: &str| letters.iter().filter(|letter| letter.contains(word)).count();
    assert_eq!(
        (told("was linked to your"), told("was unlinked from your")),
        (2, 1),
        "{letters:#?}"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_password_a_new_session_is_the_consent_and_google_goes_only_if_another_way_in_is_left()
 {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let (early, late) = (app.person("early").await, app.person("late").await);
    let link = async |person: &Person, sub: &str| {
        let body = json!({ "id_token": token(sub, "elsewhere@example.uz") });
        person.client.post("auth/google/link/", body).await
    };
    link(&early, "1").await.expect(200);
    app.advance("10 minutes 1 second").await;
    link(&late, "2").await.expect_error(403, "REAUTH_REQUIRED");
    let unlink = early.client.request(reqwest::Method::DELETE, "auth/google/");
    let reply = early.client.send(unlink).await.expect_error(409, "INVALID_STATE");
    assert_eq!(reply.text_at("/error/details/status"), "only_sign_in_method");
    let still = with_id_token(&app, &token("1", "elsewhere@example.uz")).await.expect(200);
    assert_eq!(still.text_at("/user/id"), early.id.to_string());
    let unlink = || early.client.request(reqwest::Method::DELETE, "auth/google/");
    let proved = "phone_number = '+998901112233', phone_verified_at = app_now()";
    app.database.execute(&format!("UPDATE users SET {proved} WHERE id = '{}'", early.id)).await;
    early.client.send(unlink()).await.expect(204);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_first_sign_ins_of_one_person_make_one_account() {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let mut race = Race::new("first sign-ins with Google", 3);
    let mut sessions = 0;
    for round in race.rounds() {
        let token = token(&format!("7{round}"), &format!("crowd-{round}@example.uz"));
        let replies = race.crowd((0..16).map(|_| with_id_token(&app, &token))).await;
        // They wait for each other, and on a slow day the last ones are told to come back.
        let (come, late): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
        for reply in late {
            let told = reply.headers.contains_key("retry-after");
            assert!(reply.status == 503 && told, "{}: {}", reply.status, reply.text);
        }
        let id = come.first().expect("one at least").text_at("/user/id");
        assert!(come.iter().all(|reply| reply.text_at("/user/id") == id));
        sessions += i64::try_from(come.len()).expect("few");
        race.saw("one account");
    }
    let rounds = i64::from(race.rounds().end);
    assert_eq!(traces(&app).await, [rounds, sessions, rounds, rounds]);
    race.end(&["one account"]);
    app.run_due_jobs().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_is_one_account_whoever_comes_with_it() {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let heirs: Vec<_> = (0..6).map(|sub| token(&format!("8{sub}"), "heir@example.uz")).collect();
    let replies = join_all(heirs.iter().map(|token| with_id_token(&app, token))).await;
    let mut answers: Vec<_> =
        replies.iter().map(|reply| (reply.status, reply.code().to_owned())).collect();
    answers.sort();
    assert_eq!(answers.remove(0), (200, String::new()));
    assert!(answers.iter().all(|answer| *answer == (409, "ACCOUNT_LINK_REQUIRED".to_owned())));
    let mut race = Race::new("Google against a registration", 8);
    for round in race.rounds() {
        let email = format!("duel-{round}@example.uz");
        let by_google = token(&format!("9{round}"), &email);
        let form = json!({ "email": email, "password": PASSWORD, "language": "en" });
        let by_google = with_id_token(&app, &by_google);
        let (ours, theirs) = race.duel(by_google, app.client.post("auth/register/", form)).await;
        match (ours.status, ours.code(), theirs.status, theirs.code()) {
            (200, "", 409, "ALREADY_EXISTS") => race.won(Winner::Left, "Google"),
            (409, "ACCOUNT_LINK_REQUIRED", 201, "") => race.won(Winner::Right, "registration"),
            other => race.fail(&format!("{other:?}")),
        }
    }
    race.end_some(&["Google", "registration"]);
    let twice = "SELECT count(*) FROM (SELECT FROM users GROUP BY email HAVING count(*) > 1) AS t";
    assert_eq!(app.database.number(twice).await, 0);
    app.run_due_jobs().await;
    app.finish().await;
}
