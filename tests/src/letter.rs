//! Reading a mail as a mail program does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A letter that a mail server has taken.
#[derive(Clone, Debug)]
pub struct Received {
    /// Whom the envelope names as its sender.
    pub from: String,
    /// Whom the envelope names as its recipients.
    pub to: Vec<String>,
    /// Headers and body, as they came.
    pub raw: String,
}

impl Received {
    /// The headers in order, unfolded and decoded.
    pub fn headers(&self) -> Vec<(String, String)> {
        headers(split(&self.raw).0)
    }

    /// The one header of this name.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let headers = self.headers();
        let mut found = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = found.next().unwrap_or_else(|| panic!("{name} is in {}", self.raw));
        assert!(found.next().is_none(), "{name} is there once: {}", self.raw);
        value.clone()
    }

    /// The plain text.
    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    /// The HTML.
    pub fn html(&self) -> String {
        self.part("text/html")
    }

    #[track_caller]
    fn part(&self, kind: &str) -> String {
        let content_type = self.header("Content-Type");
        assert!(content_type.starts_with("multipart/alternative"), "{content_type}");
        let boundary =
            content_type.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
        let boundary = format!("--{}", boundary.expect("a boundary"));
        let part = split(&self.raw)
            .1
            .split(&boundary)
            .map(|part| split(part.trim_start_matches("\r\n")))
            .find(|(head, _)| value(&headers(head), "Content-Type").starts_with(kind));
        let (head, body) = part.unwrap_or_else(|| panic!("{kind} is in {}", self.raw));
        let body = body.strip_suffix("\r\n").unwrap_or(body);
        match value(&headers(head), "Content-Transfer-Encoding").as_str() {
            "quoted-printable" => utf8(quoted_printable(body)),
            "base64" => base64(body),
            _ => body.to_owned(),
        }
        .replace("\r\n", "\n")
    }
}

fn split(message: &str) -> (&str, &str) {
    message.split_once("\r\n\r\n").unwrap_or((message, ""))
}

fn headers(head: &str) -> Vec<(String, String)> {
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let named = unfolded.lines().filter_map(|line| line.split_once(':'));
    named.map(|(name, value)| (name.to_owned(), decoded(value.trim()))).collect()
}

fn value(headers: &[(String, String)], name: &str) -> String {
    let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// RFC 2047: encoded words, and nothing between neighbours.
fn decoded(value: &str) -> String {
    let (mut text, mut rest, mut after_word) = (String::new(), value, false);
    while let Some((before, word, following)) = encoded_word(rest) {
        if !(after_word && before.trim().is_empty()) {
            text.push_str(before);
        }
        text.push_str(&word);
        (rest, after_word) = (following, true);
    }
    text + rest
}

/// What is before the first encoded word, the word, and what is after it.
fn encoded_word(text: &str) -> Option<(&str, String, &str)> {
    let (before, rest) = text.split_once("=?utf-8?")?;
    let (form, rest) = rest.split_once('?')?;
    let (word, after) = rest.split_once("?=")?;
    let word = match form {
        "b" | "B" => base64(word),
        _ => utf8(quoted_printable(&word.replace('_', " "))),
    };
    Some((before, word, after))
}

fn base64(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    utf8(STANDARD.decode(text).expect("base64"))
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let mut parts = joined.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("two hex digits"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}
