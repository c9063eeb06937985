//! Sessions: where a person is signed in, what ends it, which tokens are worth nothing, and who is told.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Member, Race, Reply, TestApp, Winner, mail};

async fn refresh(app: &TestApp, token: &str) -> Reply {
    app.client.post("auth/refresh/", json!({ "refresh": token })).await
}

async fn delete(client: &Client, path: &str) -> Reply {
    client.send(client.request(Method::DELETE, path)).await
}

/// How many letters with this subject an address got.
fn letters(app: &TestApp, email: &str, subject: &str) -> Vec<String> {
    let subject = format!("Subject: WibeStore: {subject}");
    let all = mail::mails_to(&app.mail_dir, email);
    all.into_iter().filter(|letter| letter.contains(&subject)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sees_where_they_are_signed_in_and_ends_what_they_will() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "many").await;
    let other = Member::register(&app, "other").await;
    app.advance("1 minute").await;
    let (phone, phone_refresh) = member.sign_in(&app, "A phone").await;
    let list = phone.get("auth/sessions/").await.expect(200);
    assert_eq!(list.headers.get("cache-control").expect("told"), "no-store");
    let seen = |reply: &Reply| -> Vec<(String, bool)> {
        let rows = reply.at("/results").as_array().expect("a list").iter();
        rows.map(|row| {
            let agent = row["user_agent"].as_str().expect("a program").to_owned();
            (agent, row["current"] == true)
        })
        .collect()
    };
    assert_eq!(
        seen(&list),
        [("A phone".to_owned(), true), (Member::DEVICE.to_owned(), false)],
        "{}",
        list.text
    );
    for field in ["id", "created_at", "last_used_at", "expires_at"] {
        assert!(list.text_at(&format!("/results/0/{field}")).len() > 20, "{}", list.text);
    }
    assert_eq!(list.text_at("/results/0/ip"), "127.0.0.1");
    let page = phone.get("auth/sessions/?limit=1&page=2").await.expect(200);
    assert_eq!((page.at("/count"), seen(&page).len()), (&json!(2), 1));
    let laptop = format!("auth/sessions/{}/", list.text_at("/results/1/id"));
    delete(&other.client, &laptop).await.expect_error(404, "NOT_FOUND");
    delete(&app.client, &laptop).await.expect_error(401, "NOT_AUTHENTICATED");
    member.client.get("auth/me/").await.expect(200);
    delete(&phone, &laptop).await.expect(204);
    delete(&phone, &laptop).await.expect_error(404, "NOT_FOUND");
    member.client.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    refresh(&app, &member.refresh).await.expect_error(401, "TOKEN_INVALID");
    assert_eq!(seen(&phone.get("auth/sessions/").await.expect(200)).len(), 1);
    for nothing in ["auth/sessions/0/", "auth/sessions/0192f0c1-5e6a-7b3c-8d4e-5f6a7b8c9d0e/"] {
        delete(&phone, nothing).await.expect_error(404, "NOT_FOUND");
    }
    phone.post_empty("auth/logout-all/").await.expect(200);
    refresh(&app, &phone_refresh).await.expect_error(401, "TOKEN_INVALID");
    other.client.get("auth/me/").await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_idled_or_is_too_old_is_not_shown() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "idler").await;
    app.advance("6 days").await;
    let (_, kept) = member.sign_in(&app, Member::DEVICE).await;
    app.advance("1 day 1 second").await;
    let kept = refresh(&app, &kept).await.expect(200);
    let client = app.client.with_token(kept.text_at("/access"));
    let list = client.get("auth/sessions/").await.expect(200);
    assert_eq!(list.at("/count"), 1, "the first one idled for seven days: {}", list.text);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_holds_a_refresh_token_signs_out_with_it_whatever_became_of_the_access_token() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "leaving").await;
    for dead in ["expired", "revoked", "garbage"] {
        let (client, token) = member.sign_in(&app, Member::DEVICE).await;
        let (other, _) = member.sign_in(&app, "another device").await;
        let client = match dead {
            "expired" => {
                app.advance("16 minutes").await;
                client
            }
            "revoked" => {
                other.post_empty("auth/logout-all/").await;
                client
            }
            _ => app.client.with_token("garbage"),
        };
        // Without a token in the body there is nobody to sign out.
        let reply = client.post_empty("auth/logout/").await;
        let code = if dead == "expired" { "TOKEN_EXPIRED" } else { "TOKEN_INVALID" };
        reply.expect_error(401, code);
        client.post("auth/logout/", json!({ "refresh": null })).await.expect_error(401, code);
        let body = json!({ "refresh": token });
        client.post("auth/logout/", body).await.expect(200);
        refresh(&app, &token).await.expect_error(401, "TOKEN_INVALID");
    }
    // What is no token of ours still ends nothing.
    let nonsense = json!({ "refresh": "garbage" });
    app.client.post("auth/logout/", nonsense).await.expect_error(401, "TOKEN_INVALID");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_a_session_ends_both_its_tokens() {
    let app = TestApp::start().await;
    for end in ["logout", "disabled", "closed", "password"] {
        let member = Member::register(&app, end).await;
        let (client, token) = member.sign_in(&app, Member::DEVICE).await;
        let set = |change: &str| format!("UPDATE users SET {change} WHERE id = '{}'", member.id);
        match end {
            "logout" => {
                let body = json!({ "refresh": token });
                client.post("auth/logout/", body).await.expect(200);
            }
            "disabled" => app.database.execute(&set("is_active = false")).await,
            "closed" => app.database.execute(&set("deleted_at = app_now()")).await,
            _ => {
                let body = json!({ "old_password": Member::PASSWORD, "new_password": "Another-horse-8",
                                   "new_password_confirm": "Another-horse-8" });
                member.client.post("auth/password/change/", body).await.expect(200);
            }
        }
        client.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
        refresh(&app, &token).await.expect_error(401, "TOKEN_INVALID");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_refresh_token_ends_its_session_alone_and_the_person_is_told_once() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "copied").await;
    let (other, _) = member.sign_in(&app, Member::DEVICE).await;
    let second = refresh(&app, &member.refresh).await.expect(200).text_at("/refresh").to_owned();
    let third = refresh(&app, &second).await.expect(200).text_at("/refresh").to_owned();
    refresh(&app, &member.refresh).await.expect_error(401, "TOKEN_REUSED");
    for token in [&member.refresh, &second, &third] {
        refresh(&app, token).await.expect_error(401, "TOKEN_INVALID");
    }
    member.client.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    other.get("auth/me/").await.expect(200);
    app.settle_mail().await;
    let told = letters(&app, &member.email, "a session was closed for safety");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("127.0.0.1") && told[0].contains(Member::DEVICE), "{}", told[0]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_from_a_new_device_is_told_once_in_the_persons_time() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "traveller").await;
    let stranger = Member::register_unproved(&app, "unproved").await;
    let told = |email: &str| letters(&app, email, "a sign-in from a new device");
    member.sign_in(&app, Member::DEVICE).await;
    assert!(told(&member.email).is_empty(), "registering made it known");
    app.database.execute("UPDATE users SET timezone = 'America/New_York'").await;
    member.sign_in(&app, "A phone <b>").await;
    member.sign_in(&app, "A phone <b>").await;
    stranger.sign_in(&app, "A phone").await;
    let letters = told(&member.email);
    let [letter] = letters.as_slice() else { panic!("{} letters", letters.len()) };
    let at = "SELECT to_char(created_at AT TIME ZONE 'America/New_York', 'DD Mon YYYY, HH24:MI') || ' (America/New_York)'
              FROM sessions WHERE user_agent = 'A phone <b>' ORDER BY id LIMIT 1";
    let at = app.database.texts(at).await.remove(0);
    for words in
        [at.as_str(), "127.0.0.1", "Program: A phone <b>", "A phone &lt;b&gt;", "/settings"]
    {
        assert!(letter.contains(words), "{words} in {letter}");
    }
    assert!(told(&stranger.email).is_empty(), "nobody has proved that this is their address");
    app.finish().await;
}

/// One part of a token, read.
fn part(token: &str, number: usize) -> Value {
    let text = token.split('.').nth(number).expect("three parts");
    let text = URL_SAFE_NO_PAD.decode(text).expect("base64");
    serde_json::from_slice(&text).expect("JSON")
}

/// A token as a key signs it, but for the changes.
fn signed(secret: &str, good: &str, change: impl FnOnce(&mut Header, &mut Value)) -> String {
    let mut header: Header = serde_json::from_value(part(good, 0)).expect("a header");
    let mut claims = part(good, 1);
    change(&mut header, &mut claims);
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&header, &claims, &key).expect("signs")
}

/// A token under another header, with and without its signature.
fn headed(good: &str, header: &Value) -> [String; 2] {
    let (_, rest) = good.split_once('.').expect("three parts");
    let (claims, signature) = rest.split_once('.').expect("three parts");
    let head = URL_SAFE_NO_PAD.encode(header.to_string());
    [format!("{head}.{claims}."), format!("{head}.{claims}.{signature}")]
}

/// Forgeries of a token by somebody who has our secret but not our form, and by others.
fn forgeries(secret: &str, good: &str, now: i64) -> Vec<(&'static str, String)> {
    let forge = |change: fn(&mut Header, &mut Value)| signed(secret, good, change);
    let remove = |claims: &mut Value, name: &str| {
        claims.as_object_mut().expect("claims").remove(name);
    };
    let kid = part(good, 0)["kid"].clone();
    let other = "another secret of thirty-two bytes!";
    let mut cases = vec![
        ("another secret", signed(other, good, |_, _| {})),
        ("HS384 with our secret", forge(|header, _| header.alg = Algorithm::HS384)),
        ("HS512 with our secret", forge(|header, _| header.alg = Algorithm::HS512)),
        ("the type of an ID token", forge(|header, _| header.typ = Some("JWT".to_owned()))),
        ("no type", forge(|header, _| header.typ = None)),
        ("no key", forge(|header, _| header.kid = None)),
        ("a foreign key", forge(|header, _| header.kid = Some("../../dev/null".to_owned()))),
        ("a key's address", forge(|header, _| header.jku = Some("http://evil.uz/k".to_owned()))),
        ("a certificate's", forge(|header, _| header.x5u = Some("http://evil.uz/c".to_owned()))),
        ("what must be understood", forge(|header, _| header.crit = Some(vec!["exp".to_owned()]))),
        ("another audience", forge(|_, claims| claims["aud"] = json!("wibestore-web"))),
        ("another issuer", forge(|_, claims| claims["iss"] = json!("https://accounts.google.com"))),
        ("no end", signed(secret, good, |_, claims| remove(claims, "exp"))),
        ("no session", signed(secret, good, |_, claims| remove(claims, "sid"))),
        ("of the future", signed(secret, good, |_, claims| claims["nbf"] = json!(now + 600))),
        ("somebody else's", forge(|_, claims| claims["sub"] = claims["sid"].clone())),
        ("long", forge(|_, claims| claims["pad"] = json!("x".repeat(4_096)))),
        ("no token", "x".to_owned()),
    ];
    for header in [
        json!({ "alg": "none", "typ": "at+jwt", "kid": kid }),
        json!({ "alg": "RS256", "typ": "at+jwt", "kid": kid }),
        json!({ "alg": "RS256", "typ": "JWT", "kid": "google" }),
        json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid, "jwk": { "kty": "oct", "k": "AA" } }),
    ] {
        cases.extend(headed(good, &header).map(|token| ("another algorithm or key", token)));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_exactly_ours_opens_nothing() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "forged").await;
    let (_, refresh_token) = member.sign_in(&app, Member::DEVICE).await;
    let reply = refresh(&app, &refresh_token).await.expect(200);
    let (good, current) = (reply.text_at("/access"), reply.text_at("/refresh"));
    app.client.with_token(good).get("auth/me/").await.expect(200);
    let secret = app.app.settings.security.jwt_secret.expose();
    let same = signed(secret, good, |_, _| {});
    app.client.with_token(&same).get("auth/me/").await.expect(200);
    let now = app.now().await.timestamp();
    let mut cases = forgeries(secret, good, now);
    cases.push(("a refresh token", current.to_owned()));
    for (what, token) in cases {
        let reply = app.client.with_token(&token).get("auth/me/").await;
        assert_eq!((reply.status, reply.code()), (401, "TOKEN_INVALID"), "{what}: {}", reply.text);
    }
    let old = signed(secret, good, |_, claims| claims["exp"] = json!(now - 1));
    app.client.with_token(&old).get("auth/me/").await.expect_error(401, "TOKEN_EXPIRED");
    for token in [good, &"x".repeat(5_000), ""] {
        refresh(&app, token).await.expect_error(401, "TOKEN_INVALID");
    }
    refresh(&app, current).await.expect(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_that_refresh_at_once_go_on_together() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "tabs").await;
    let mut race = Race::new("two tabs", 6);
    let mut token = member.refresh.clone();
    for _ in race.rounds() {
        let (one, other) = race.duel(refresh(&app, &token), refresh(&app, &token)).await;
        let (one, other) = (one.expect(200), other.expect(200));
        assert_eq!(one.at("/refresh"), other.at("/refresh"));
        token = one.text_at("/refresh").to_owned();
        race.won(Winner::Left, "one successor");
    }
    race.end(&["one successor"]);
    app.finish().await;
}

/// A request with the cookie and whatever else a page sends.
async fn with_cookie(app: &TestApp, path: &str, token: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = app.client.request(Method::POST, path);
    request = request.header("cookie", format!("theme=dark; __Host-refresh={token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.client.send(request).await
}

/// The refresh token of the cookie that an answer sets.
fn cookie(reply: &Reply) -> String {
    let set = reply.headers.get("set-cookie").expect("a cookie").to_str().expect("text");
    for flag in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(set.split("; ").any(|part| part == flag), "{flag} in {set}");
    }
    assert!(!set.contains("Domain"), "{set}");
    let value = set.strip_prefix("__Host-refresh=").and_then(|rest| rest.split(';').next());
    value.expect("our name").to_owned()
}

const OURS: [(&str, &str); 2] =
    [("origin", "http://localhost:5173"), ("x-requested-with", "XMLHttpRequest")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_counts_only_when_the_frontend_sends_it() {
    let app = TestApp::start_with(&[("REFRESH_COOKIE", "True")]).await;
    let member = Member::register(&app, "cookies").await;
    let reply = Member::log_in(&app, &member.email, Member::PASSWORD, Member::DEVICE).await;
    let first = cookie(&reply);
    assert_eq!(first, reply.text_at("/tokens/refresh"), "beside the body, not instead");
    let lasts = reply.headers.get("set-cookie").expect("a cookie").to_str().expect("text");
    assert!(lasts.contains("Max-Age=604800"), "{lasts}");
    for headers in [
        &[][..],
        &OURS[..1],
        &OURS[1..],
        &[("origin", "http://localhost:5173.evil.uz"), OURS[1]],
        &[("origin", "null"), OURS[1]],
        &[OURS[0], ("x-requested-with", "")],
    ] {
        for path in ["auth/refresh/", "auth/logout/"] {
            let reply = with_cookie(&app, path, &first, headers).await;
            reply.expect_error(403, "CSRF_REFUSED");
        }
    }
    let reply = with_cookie(&app, "auth/refresh/", &first, &OURS).await.expect(200);
    let second = cookie(&reply);
    assert_eq!(second, reply.text_at("/refresh"));
    assert_eq!(reply.headers.get("cache-control").expect("told"), "no-store");
    app.client.post("auth/refresh/", json!({})).await.expect_error(400, "VALIDATION_ERROR");
    let reply = with_cookie(&app, "auth/logout/", &second, &OURS).await.expect(200);
    assert_eq!(cookie(&reply), "");
    refresh(&app, &second).await.expect_error(401, "TOKEN_INVALID");
    member.client.get("auth/me/").await.expect(200);
    let all =
        member.client.request(Method::POST, "auth/logout/").header("cookie", "__Host-refresh=x");
    member.client.send(all).await.expect(200);
    member.client.get("auth/me/").await.expect_error(401, "TOKEN_INVALID");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_setting_no_cookie_is_set_or_read() {
    let app = TestApp::start().await;
    let member = Member::register(&app, "plain").await;
    let reply = Member::log_in(&app, &member.email, Member::PASSWORD, Member::DEVICE).await;
    assert!(reply.expect(200).headers.get("set-cookie").is_none());
    let reply = with_cookie(&app, "auth/refresh/", &member.refresh, &OURS).await;
    reply.expect_error(400, "VALIDATION_ERROR");
    let reply = with_cookie(&app, "auth/logout/", &member.refresh, &OURS).await;
    reply.expect_error(401, "NOT_AUTHENTICATED");
    app.finish().await;
}
