//! Tokens that are not Google's, not for us, or not good any more; and answers that are not Google's.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tests::google::{BadDay, Google, SigningKey, claims, sign_with_secret, unsigned, with};

use super::{sign_in, traces, with_id_token};

const EMAIL: &str = "victim@example.uz";

fn changed(changes: Value) -> String {
    SigningKey::first().sign(&with(claims("10001", EMAIL), changes))
}

fn under(header: Value) -> String {
    let usual = json!({ "alg": "RS256", "kid": "first", "typ": "JWT" });
    SigningKey::first().sign_under(&with(usual, header), &claims("10001", EMAIL))
}

/// What is wrong with the claims of a token that Google has signed.
fn wrong_claims() -> Vec<(&'static str, String)> {
    let now = chrono::Utc::now().timestamp();
    vec![
        ("for another client", changed(json!({ "aud": "evil.apps.googleusercontent.com" }))),
        ("for nobody", changed(json!({ "aud": null }))),
        ("for many, us among them", changed(json!({ "aud": [tests::google::CLIENT_ID, "evil"] }))),
        ("given to another client", changed(json!({ "azp": "evil.apps.googleusercontent.com" }))),
        ("another issuer", changed(json!({ "iss": "https://accounts.evil.uz" }))),
        ("almost the issuer", changed(json!({ "iss": "https://accounts.google.com/" }))),
        ("issuer without TLS", changed(json!({ "iss": "http://accounts.google.com" }))),
        ("no issuer", changed(json!({ "iss": null }))),
        ("no end", changed(json!({ "exp": null }))),
        ("an end that is a text", changed(json!({ "exp": "99999999999" }))),
        ("an end beyond numbers", changed(json!({ "exp": 1e30 }))),
        ("no beginning", changed(json!({ "iat": null }))),
        ("from the future", changed(json!({ "iat": now + 120 }))),
        ("not valid yet", changed(json!({ "nbf": now + 120 }))),
        ("nobody", changed(json!({ "sub": null }))),
        ("an empty name", changed(json!({ "sub": "" }))),
        ("a name with spaces", changed(json!({ "sub": "10001 10002" }))),
        ("a name too long", changed(json!({ "sub": "1".repeat(256) }))),
    ]
}

/// What is wrong with the signature of a token whose claims would do.
fn wrong_signatures() -> Vec<(&'static str, String)> {
    let (first, good) = (SigningKey::first(), claims("10001", EMAIL));
    let token = first.sign(&good);
    let (message, signature) = token.rsplit_once('.').expect("a signature");
    let none = json!({ "alg": "none", "kid": "first", "typ": "JWT" });
    let admin = unsigned(
        &json!({ "alg": "RS256", "kid": "first", "typ": "JWT" }),
        &with(good.clone(), json!({ "sub": "1" })),
    );
    let public = first.jwk();
    let modulus = public["n"].as_str().expect("a modulus");
    vec![
        ("alg none", format!("{}.", unsigned(&none, &good))),
        ("alg none, signed", format!("{}.{signature}", unsigned(&none, &good))),
        ("alg NoNe", under(json!({ "alg": "NoNe" }))),
        ("unsigned", message.to_owned()),
        ("an empty signature", format!("{message}.")),
        ("other claims under the signature", format!("{admin}.{signature}")),
        ("HS256 with the modulus", sign_with_secret(modulus.as_bytes(), "first", &good)),
        (
            "HS256 with the published key",
            sign_with_secret(public.to_string().as_bytes(), "first", &good),
        ),
        ("HS256 with nothing", sign_with_secret(b"", "first", &good)),
        ("RS384 by Google's key", first.sign_as(Algorithm::RS384, "RS384", &good)),
        ("PS256 by Google's key", first.sign_as(Algorithm::PS256, "PS256", &good)),
        ("PS256 that says RS256", first.sign_as(Algorithm::PS256, "RS256", &good)),
        ("a foreign key in Google's name", SigningKey::foreign().named("first").sign(&good)),
        ("a foreign key", SigningKey::foreign().sign(&good)),
        ("a key's name that is a path", first.named("../../dev/null").sign(&good)),
        ("a key's name that is SQL", first.named("' OR 1=1 --").sign(&good)),
    ]
}

/// What is wrong with the header of a token that Google's key has signed.
fn wrong_headers() -> Vec<(&'static str, String)> {
    let foreign = SigningKey::foreign().named("first");
    let own = json!({ "alg": "RS256", "kid": "first", "jwk": foreign.jwk() });
    vec![
        ("no key named", under(json!({ "kid": null }))),
        ("keys from elsewhere", under(json!({ "jku": "https://evil.uz/certs" }))),
        ("a key of its own", foreign.sign_under(&own, &claims("10001", EMAIL))),
        ("a certificate from elsewhere", under(json!({ "x5u": "https://evil.uz/cert" }))),
        ("a certificate of its own", under(json!({ "x5c": ["MIIB"] }))),
        ("critical", under(json!({ "crit": ["exp"] }))),
        ("encrypted", under(json!({ "enc": "A256GCM" }))),
        ("packed", under(json!({ "zip": "DEF" }))),
        ("not encoded", under(json!({ "b64": false }))),
        ("an access token", under(json!({ "typ": "at+jwt" }))),
        ("no JWT", "nonsense".to_owned()),
        ("dots", "..".to_owned()),
        ("five parts", "a.b.c.d.e".to_owned()),
        ("line breaks", "a\n.b\n.c".to_owned()),
        ("an access token of Google's", "ya29.a0AfH6SMBx".to_owned()),
        ("too long", changed(json!({ "name": "x".repeat(5000) }))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_id_token_opens_nothing() {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let person = app.person("other").await;
    let before = traces(&app).await;
    let header = person.client.request(reqwest::Method::GET, "auth/me/").build().expect("built");
    let ours = header.headers()["authorization"].to_str().expect("text").replace("Bearer ", "");
    let hostile = [wrong_claims(), wrong_signatures(), wrong_headers()].concat();
    for (what, token) in hostile.iter().chain([&("our own access token", ours)]) {
        let reply = with_id_token(&app, token).await;
        assert_eq!((reply.status, reply.code()), (401, "TOKEN_INVALID"), "{what}: {}", reply.text);
        assert!(!reply.text.contains("issuer"), "the caller is not told what to forge next");
    }
    let old = chrono::Utc::now().timestamp() - 31;
    with_id_token(&app, &changed(json!({ "exp": old }))).await.expect_error(401, "TOKEN_EXPIRED");
    let token = changed(json!({ "nonce": "of this tab" }));
    for (token, nonce) in [(&token, "of another tab"), (&token, ""), (&changed(json!({})), "mine")]
    {
        let body = json!({ "id_token": token, "nonce": nonce });
        sign_in(&app, body).await.expect_error(401, "TOKEN_INVALID");
    }
    // Captured with its nonce, and replayed without.
    with_id_token(&app, &token).await.expect_error(401, "TOKEN_INVALID");
    let me = app.client.with_token(&token).get("auth/me/").await;
    me.expect_error(401, "TOKEN_INVALID");
    assert_eq!(traces(&app).await, before);
    // What is unusual and still Google's.
    for changes in [
        json!({ "iss": "accounts.google.com", "azp": null, "nonce": "of this tab" }),
        json!({ "exp": chrono::Utc::now().timestamp() - 15, "iat": old, "nonce": "of this tab" }),
    ] {
        let body = json!({ "id_token": changed(changes), "nonce": "of this tab" });
        sign_in(&app, body).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_that_was_given_to_another_site_opens_nothing() {
    let google = Google::start().await;
    let app = google.platform(&[]).await;
    let info = |change| google.grant("10001", EMAIL, change, json!({}));
    let person = |change| google.grant("10001", EMAIL, json!({}), change);
    let evil = "evil.apps.googleusercontent.com";
    for (what, token) in [
        ("for another site", info(json!({ "aud": evil, "azp": evil }))),
        ("for nobody", info(json!({ "aud": null }))),
        ("given to another site", info(json!({ "azp": evil }))),
        ("over", info(json!({ "expires_in": "0" }))),
        ("over, as a number", info(json!({ "expires_in": -5 }))),
        ("without an end", info(json!({ "expires_in": null }))),
        ("of two people", person(json!({ "sub": "10002" }))),
        ("of nobody", person(json!({ "sub": "" }))),
        ("unknown to Google", "ya29.unknown".to_owned()),
        ("no header", "ya29.a\r\nX-Evil: 1".to_owned()),
        ("spaces", "ya29. a".to_owned()),
        ("too long", "y".repeat(2049)),
        ("an ID token", changed(json!({}))),
    ] {
        let reply = sign_in(&app, json!({ "access_token": token })).await;
        assert_eq!((reply.status, reply.code()), (401, "TOKEN_INVALID"), "{what}: {}", reply.text);
    }
    assert_eq!(traces(&app).await, [0; 4]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_google_is_away_the_answer_is_to_come_back() {
    let google = Google::start().await;
    let app = google.platform(&[("GOOGLE_JWKS_REFETCH_AFTER", "0s")]).await;
    let access = google.grant("10001", EMAIL, json!({}), json!({}));
    let elsewhere = format!("{}/elsewhere", google.url);
    for (path, body) in [
        ("/tokeninfo", json!({ "access_token": access })),
        ("/userinfo", json!({ "access_token": access })),
        ("/certs", json!({ "id_token": changed(json!({})) })),
    ] {
        for day in [
            BadDay::Status(500),
            BadDay::Status(429),
            BadDay::Status(404),
            BadDay::Redirect(elsewhere.clone()),
            BadDay::Nonsense,
            BadDay::Huge,
            BadDay::HangUp,
            BadDay::Stall,
        ] {
            google.fail(path, day);
            let reply = sign_in(&app, body.clone()).await;
            let reply = reply.expect_error(503, "SERVICE_UNAVAILABLE");
            assert!(reply.headers.contains_key("retry-after"), "{path}");
        }
        google.recover();
    }
    assert_eq!(google.asked("/elsewhere"), 0, "a redirect is not followed");
    assert_eq!(traces(&app).await, [0; 4]);
    for body in [json!({ "access_token": access }), json!({ "id_token": changed(json!({})) })] {
        sign_in(&app, body).await.expect(200);
    }
    app.finish().await;
}
