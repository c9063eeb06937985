//! What a person with a browser does: open a page, press a button.

use crate::platform::World;

/// A page as it came.
pub struct Page {
    pub status: u16,
    pub text: String,
}

impl World {
    /// Opens a page of the sandbox.
    pub async fn open(&self, path: &str) -> Page {
        read(self.http.get(format!("{}{path}", self.sandbox.url()))).await
    }

    /// Presses a button on it.
    pub async fn press(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = self.http.post(format!("{}{path}", self.sandbox.url()));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        read(request.body(form.finish())).await
    }
}

async fn read(request: reqwest::RequestBuilder) -> Page {
    let answer = request.send().await.expect("answers");
    let status = answer.status().as_u16();
    let policy = answer.headers().get("content-security-policy").cloned();
    assert!(
        policy.is_some_and(|policy| policy.to_str().unwrap().starts_with("default-src 'none'"))
    );
    let text = answer.text().await.expect("a page");
    for foreign in ["<script", "src=\"http", "@import", "<link"] {
        assert!(!text.contains(foreign), "{foreign}: {text}");
    }
    Page { status, text }
}
