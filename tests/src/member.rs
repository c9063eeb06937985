//! Somebody who registered with a password, and the devices they sign in from.

use serde_json::json;

use crate::{Client, Reply, TestApp};

/// A person with a password and a session.
pub struct Member {
    pub id: String,
    pub email: String,
    /// With the session of the registration.
    pub client: Client,
    /// The refresh token of that session.
    pub refresh: String,
}

impl Member {
    /// The password of everybody who was not given another.
    pub const PASSWORD: &str = "Correct-horse-7";
    /// What the program calls itself that a person registers with.
    pub const DEVICE: &str = "Firefox on a laptop";

    /// Registers somebody, who has proved their address since.
    pub async fn register(app: &TestApp, name: &str) -> Self {
        let member = Self::register_unproved(app, name).await;
        let verify = format!(
            "UPDATE users SET is_verified = true, email_verified_at = app_now() WHERE id = '{}'",
            member.id
        );
        app.database.execute(&verify).await;
        member
    }

    /// Registers somebody, and has everything mailed that this causes.
    pub async fn register_unproved(app: &TestApp, name: &str) -> Self {
        let email = format!("{name}@example.uz");
        let body = json!({ "email": email, "password": Self::PASSWORD, "language": "en" });
        let request = app.client.request(reqwest::Method::POST, "auth/register/");
        let request = request.header("user-agent", Self::DEVICE).json(&body);
        let reply = app.client.send(request).await.expect(201);
        app.settle_mail().await;
        Self {
            id: reply.text_at("/user/id").to_owned(),
            email,
            client: app.client.with_token(reply.text_at("/tokens/access")),
            refresh: reply.text_at("/tokens/refresh").to_owned(),
        }
    }

    /// Signs in from a device.
    pub async fn log_in(app: &TestApp, email: &str, password: &str, device: &str) -> Reply {
        let body = json!({ "email": email, "password": password });
        let request = app.client.request(reqwest::Method::POST, "auth/login/");
        app.client.send(request.header("user-agent", device).json(&body)).await
    }

    /// Signs in from a device with the password everybody has, and mails what this causes.
    pub async fn sign_in(&self, app: &TestApp, device: &str) -> (Client, String) {
        let reply = Self::log_in(app, &self.email, Self::PASSWORD, device).await.expect(200);
        app.settle_mail().await;
        let client = app.client.with_token(reply.text_at("/tokens/access"));
        (client, reply.text_at("/tokens/refresh").to_owned())
    }

    /// Asks for a link to choose a new password, and reads it: person and token.
    pub async fn reset_link(&self, app: &TestApp) -> (String, String) {
        let body = json!({ "email": self.email });
        app.client.post("auth/password/reset/", body).await.expect(200);
        app.settle_mail().await;
        crate::mail::reset_link(&app.mail_dir, &self.email).expect("a link")
    }
}
