//! The page that the mailed link opens. Opening it changes nothing, because mail scanners open links; its button does.

use salvo::http::StatusCode;
use salvo::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue,
};
use salvo::oapi::{
    BasicType, Components, Content, EndpointOutRegister, Object, Operation, Response as ResponseDoc,
};
use salvo::{Depot, Request, Response, async_trait};
use shared::Code;
use shared::accounts;
use shared::language::{Language, Text};
use shared::mail::escape;

use crate::prelude::*;

/// The page has styles and one form, and loads nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Where its form goes.
const ACTION: &str = "/api/v1/auth/email/confirm/";
/// Our tokens are shorter.
const TOKEN_MAX: usize = 200;

const TITLE: Text = Text::new("Emailni tasdiqlash", "Подтверждение email", "Confirm your e-mail");
const QUESTION: Text = Text::new(
    "Email manzilingizni tasdiqlash uchun tugmani bosing.",
    "Нажмите кнопку, чтобы подтвердить ваш email.",
    "Press the button to confirm your e-mail address.",
);
const BUTTON: Text = Text::new("Tasdiqlash", "Подтвердить", "Confirm");
const DONE: Text = Text::new(
    "Email tasdiqlandi. Rahmat!",
    "Email подтверждён. Спасибо!",
    "Your e-mail is confirmed. Thank you!",
);
const REFUSED: Text = Text::new(
    "Havola yaroqsiz yoki muddati o'tgan. WibeStore'ga kirib, yangi xat so'rang.",
    "Ссылка недействительна или устарела. Войдите в WibeStore и запросите новое письмо.",
    "The link is not valid or too old. Sign in to WibeStore and ask for a new mail.",
);
const BACK: Text = Text::new("WibeStore'ga o'tish", "Перейти на WibeStore", "Go to WibeStore");

/// A small HTML page.
pub(crate) struct Page {
    status: StatusCode,
    html: String,
}

/// Shows the page that the mailed link opens: a button that confirms the address.
#[endpoint(tags("accounts"), parameters(("token" = String, Query, description = "From the mail"), ("lang" = Option<String>, Query, description = "uz, ru or en")))]
pub(crate) async fn confirm_email_page(req: &mut Request) -> ApiResult<Page> {
    let token = req.query::<String>("token").unwrap_or_default();
    let language = language(req, req.query::<String>("lang"));
    if !looks_like_a_token(&token) {
        return Ok(Page::new(StatusCode::BAD_REQUEST, language, &paragraph(REFUSED.get(language))));
    }
    Ok(Page::new(StatusCode::OK, language, &form(language, &token)))
}

/// Confirms the address of the page's form, and says so as a page.
#[endpoint(tags("accounts"), responses((status_code = 400, description = "The link is not valid or too old")))]
pub(crate) async fn confirm_email(app: AppState, req: &mut Request) -> ApiResult<Page> {
    let token = req.form::<String>("token").await.unwrap_or_default();
    let asked = req.form::<String>("lang").await;
    let language = language(req, asked);
    let verified =
        app.db.transaction(async |tx| accounts::verify_email(tx, &app, &token).await).await;
    match verified {
        Ok(_done) => {
            let back = format!(
                "<p><a href=\"{}\">{}</a></p>",
                escape(&app.settings.http.frontend_url),
                escape(BACK.get(language))
            );
            Ok(Page::new(
                StatusCode::OK,
                language,
                &format!("{}{back}", paragraph(DONE.get(language))),
            ))
        }
        Err(error) if error.code() == Code::ValidationError => {
            Ok(Page::new(StatusCode::BAD_REQUEST, language, &paragraph(REFUSED.get(language))))
        }
        Err(error) => Err(error.into()),
    }
}

/// The language of the mail, or what the browser asks for.
fn language(req: &Request, of_the_mail: Option<String>) -> Language {
    let asked = req.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    of_the_mail
        .as_deref()
        .and_then(Language::parse)
        .unwrap_or_else(|| Language::negotiate(asked.unwrap_or_default()))
}

fn looks_like_a_token(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.len() <= TOKEN_MAX && text.bytes().all(known)
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escape(text))
}

fn form(language: Language, token: &str) -> String {
    format!(
        "{question}<form method=\"post\" action=\"{ACTION}\"><input type=\"hidden\" name=\"token\" value=\"{token}\">\
         <input type=\"hidden\" name=\"lang\" value=\"{language}\"><button type=\"submit\">{button}</button></form>",
        question = paragraph(QUESTION.get(language)),
        token = escape(token),
        button = escape(BUTTON.get(language)),
    )
}

impl Page {
    fn new(status: StatusCode, language: Language, content: &str) -> Self {
        let title = escape(TITLE.get(language));
        let html = format!(
            "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\"><title>{title}</title>\
             <style>body{{font:16px/1.5 Arial,sans-serif;background:#f4f5f7;color:#1f2933;margin:0;padding:48px 16px;text-align:center}}\
             main{{max-width:420px;margin:0 auto;padding:32px;background:#fff;border-radius:8px}}\
             button{{padding:12px 24px;border:0;border-radius:6px;background:#4f46e5;color:#fff;font-size:16px;cursor:pointer}}</style>\
             </head><body><main><h1>{title}</h1>{content}</main></body></html>"
        );
        Self { status, html }
    }
}

#[async_trait]
impl Writer for Page {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        res.status_code(self.status);
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (CACHE_CONTROL, "no-store"),
        ] {
            res.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        res.body(self.html);
    }
}

impl EndpointOutRegister for Page {
    fn register(_components: &mut Components, operation: &mut Operation) {
        let page = Content::new(Object::with_type(BasicType::String));
        operation
            .responses
            .insert("200", ResponseDoc::new("The page").add_content("text/html", page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_repeats_nothing_but_a_token() {
        for (text, token) in [
            ("abc-DEF_123", true),
            ("", false),
            ("\"><script>", false),
            ("a b", false),
            (&"x".repeat(201), false),
        ] {
            assert_eq!(looks_like_a_token(text), token, "{text}");
        }
    }
}
