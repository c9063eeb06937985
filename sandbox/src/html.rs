//! Pages: one frame, everything escaped, nothing from elsewhere.

use std::borrow::Cow;
use std::fmt::Write as _;

use salvo::Response;
use salvo::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use crate::journal::WebhookCall;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#5c6773;--paper:#f5f6f8;--card:#fff;--line:#dfe3e8;--go:#0a7d4b;
--stop:#b3261e;--note:#7a4f00;--tint:#eef1f4}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--dim:#9aa4af;--paper:#14171a;--card:#1d2125;--line:#343a41;
--go:#1f9d63;--stop:#e0554c;--note:#e0b25a;--tint:#262b31}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:46rem;margin:0 auto;padding:1rem}
header{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;margin-bottom:1rem}
h1{font-size:1.25rem;margin:0}h2{font-size:1rem;margin:1.5rem 0 .5rem}
a{color:inherit}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem;margin-bottom:1rem}
.card>:first-child,.card>form:first-child label:first-child{margin-top:0}.card>:last-child{margin-bottom:0}
.amount{font-size:1.9rem;font-weight:650;margin:0;letter-spacing:-.01em}
.dim{color:var(--dim)}.small{font-size:.85rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.15rem 1rem;margin:.5rem 0 0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
form{margin:0}
.row{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:1rem}
button,.button{font:inherit;padding:.65rem 1rem;border-radius:9px;border:1px solid var(--line);background:var(--tint);
color:var(--ink);cursor:pointer;text-decoration:none;display:inline-block}
button.go{background:var(--go);border-color:var(--go);color:#fff}
button.stop{background:transparent;border-color:var(--stop);color:var(--stop)}
button.little{padding:.25rem .6rem;font-size:.85rem}
label{display:block;margin-top:.75rem;color:var(--dim);font-size:.9rem}
input{font:inherit;width:100%;padding:.6rem;border:1px solid var(--line);border-radius:9px;background:var(--paper);color:inherit}
.tag{display:inline-block;padding:.05rem .5rem;border-radius:99px;background:var(--tint);font-size:.85rem;white-space:nowrap}
.tag.good{color:var(--go)}.tag.bad{color:var(--stop)}.tag.wait{color:var(--note)}
.said{border-top:1px solid var(--line);padding:.6rem 0}.said:first-of-type{border-top:0}
.said summary{cursor:pointer;display:flex;flex-wrap:wrap;gap:.5rem;align-items:baseline}
pre{margin:.4rem 0;padding:.6rem;background:var(--paper);border-radius:8px;font:13px/1.4 ui-monospace,monospace;
white-space:pre-wrap;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th{color:var(--dim);font-weight:500;text-align:left}td,th{padding:.35rem .75rem .35rem 0;vertical-align:top;
border-top:1px solid var(--line)}tr:first-child>th{border-top:0}
td form{white-space:nowrap}
.presets{display:flex;flex-wrap:wrap;gap:.4rem}";

/// Text as it may stand in a page and in an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Sends a page; `inside` is HTML.
pub(crate) fn send(res: &mut Response, title: &str, inside: &str) {
    let title = escape(title);
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title} · sandbox</title><style>{STYLE}</style></head>\
         <body><main><header><h1>{title}</h1><a class=\"dim small\" href=\"/\">payments sandbox</a></header>\
         {inside}</main></body></html>"
    );
    let headers = res.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    res.body(page);
}

/// Tiyin as a person reads them: `50 000.00 soum`, without a place to break.
pub(crate) fn soum(tiyin: i64) -> String {
    let (whole, rest) = (tiyin / 100, (tiyin % 100).abs());
    let digits = whole.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    let sign = if tiyin < 0 { "−" } else { "" };
    format!("{sign}{grouped}.{rest:02}\u{a0}soum")
}

/// A list of names and values; both are escaped.
pub(crate) fn facts(facts: &[(&str, &str)]) -> String {
    let mut html = String::from("<dl>");
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        write!(html, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value)).ok();
    }
    html.push_str("</dl>");
    html
}

/// A button that posts `do` and what else is hidden in its form.
pub(crate) fn button(action: &str, class: &str, words: &str) -> String {
    format!(
        "<button class=\"{class}\" name=\"do\" value=\"{}\">{}</button>",
        escape(action),
        escape(words)
    )
}

/// A field that the form carries along.
pub(crate) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
}

/// A field to type in.
pub(crate) fn field(name: &str, words: &str, value: &str) -> String {
    format!(
        "<label>{}<input name=\"{}\" value=\"{}\" autocomplete=\"off\"></label>",
        escape(words),
        escape(name),
        escape(value)
    )
}

/// A link back to the shop, where it is a web address.
pub(crate) fn way_back(url: Option<&str>) -> String {
    match url {
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
            format!("<p><a class=\"button\" href=\"{}\">Back to the shop</a></p>", escape(url))
        }
        Some(_) | None => String::new(),
    }
}

/// Every call with its reply, as they were made; the last one is open.
pub(crate) fn said(calls: &[WebhookCall]) -> String {
    if calls.is_empty() {
        return "<p class=\"dim\">Nothing was sent.</p>".to_owned();
    }
    let last = calls.len() - 1;
    calls.iter().enumerate().map(|(at, call)| exchange(call, at == last)).collect()
}

/// Every call with its reply, the newest first; only that one is open.
pub(crate) fn heard(calls: &[WebhookCall]) -> String {
    if calls.is_empty() {
        return "<p class=\"dim\">None yet.</p>".to_owned();
    }
    calls.iter().rev().enumerate().map(|(at, call)| exchange(call, at == 0)).collect()
}

fn exchange(call: &WebhookCall, open: bool) -> String {
    let status = call.status.map_or_else(|| "no reply".to_owned(), |code| code.to_string());
    let mood = if call.status == Some(200) { "good" } else { "bad" };
    let open = if open { " open" } else { "" };
    format!(
        "<details class=\"said\"{open}><summary><b>{}</b><span class=\"dim small\">{} · {} · {} ms</span>\
         <span class=\"tag {mood}\">{status}</span></summary>\
         <p class=\"dim small\">{}</p><pre>{}</pre><pre>{}</pre></details>",
        escape(&call.what),
        escape(call.provider),
        escape(&call.at),
        call.took.as_millis(),
        escape(&call.url),
        escape(&readable(&call.request)),
        escape(&readable(&call.reply)),
    )
}

/// JSON with its members under each other, a form with its fields under each other, the rest as it is.
fn readable(body: &str) -> Cow<'_, str> {
    if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(body) {
        return Cow::Owned(serde_json::to_string_pretty(&value).unwrap_or_default());
    }
    let is_form = body.contains('=') && !body.contains(char::is_whitespace) && !body.contains('<');
    if is_form {
        let fields = form_urlencoded::parse(body.as_bytes());
        let lines: Vec<_> = fields.map(|(name, value)| format!("{name} = {value}")).collect();
        return Cow::Owned(lines.join("\n"));
    }
    Cow::Borrowed(body)
}

#[cfg(test)]
mod tests {
    use super::{escape, readable, soum, way_back};

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(escape("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
        assert_eq!(way_back(Some("javascript:alert(1)")), "");
        assert_eq!(way_back(None), "");
        assert!(way_back(Some("https://shop.example/?a=1&b=\"")).contains("&amp;b=&quot;"));
    }

    #[test]
    fn amounts_are_read_by_people() {
        for (tiyin, read) in [
            (5_000_000, "50\u{a0}000.00\u{a0}soum"),
            (123_456_789, "1\u{a0}234\u{a0}567.89\u{a0}soum"),
            (5, "0.05\u{a0}soum"),
            (-150, "−1.50\u{a0}soum"),
        ] {
            assert_eq!(soum(tiyin), read);
        }
    }

    #[test]
    fn bodies_are_laid_out() {
        assert_eq!(readable("{\"a\":1}"), "{\n  \"a\": 1\n}");
        assert_eq!(
            readable("amount=1000.00&sign_time=2026-10-08+12%3A00"),
            "amount = 1000.00\nsign_time = 2026-10-08 12:00"
        );
        assert_eq!(readable("no answer in time"), "no answer in time");
    }
}
