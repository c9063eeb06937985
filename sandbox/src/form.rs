//! What a page's form or a link's query says.

use std::collections::HashMap;

use salvo::Request;

/// Names and values; a name that comes twice has its last value.
pub(crate) type Form = HashMap<String, String>;

/// The fields of a posted form.
pub(crate) async fn posted(req: &mut Request) -> Form {
    match req.payload().await {
        Ok(body) => read(body),
        Err(_) => Form::new(),
    }
}

/// The parameters of a link.
pub(crate) fn query(req: &Request) -> Form {
    read(req.uri().query().unwrap_or_default().as_bytes())
}

fn read(text: &[u8]) -> Form {
    form_urlencoded::parse(text).into_owned().collect()
}

/// A field, or an empty text.
pub(crate) fn of<'f>(form: &'f Form, name: &str) -> &'f str {
    form.get(name).map_or("", |value| value.trim())
}

/// Percent-decodes without touching `+`; what is no escape stays.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(escaped) if byte == b'%' => {
                decoded.push(escaped);
                at += 3;
            }
            Some(_) | None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Soum with at most two decimals, as tiyin; no float comes near it.
pub(crate) fn tiyin(soum: &str) -> Option<i64> {
    let soum: String = soum.chars().filter(|c| !c.is_whitespace()).collect();
    let (whole, part) = soum.split_once('.').unwrap_or((&soum, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
}

/// Tiyin as a decimal of soum, `1000.50`.
pub(crate) fn decimal(tiyin: i64) -> String {
    format!("{}.{:02}", tiyin / 100, (tiyin % 100).abs())
}

#[cfg(test)]
mod tests {
    use super::{decimal, percent_decode, tiyin};

    #[test]
    fn escapes_are_undone_and_the_rest_is_left() {
        for (text, expected) in [
            ("aWQ9Pj4%2BPz8%2FO2E9NTAwMDA%3D", "aWQ9Pj4+Pz8/O2E9NTAwMDA="),
            ("a+b", "a+b"),
            ("100%", "100%"),
            ("%zz%2", "%zz%2"),
            ("%D1%81", "с"),
        ] {
            assert_eq!(percent_decode(text), expected);
        }
    }

    #[test]
    fn soum_become_tiyin_without_rounding() {
        for (soum, expected) in [
            ("1000", Some(100_000)),
            ("1000.5", Some(100_050)),
            ("50 000.00", Some(5_000_000)),
            ("0.01", Some(1)),
            ("1.005", None),
            ("-1", None),
            (".5", None),
            ("1e3", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(tiyin(soum), expected, "{soum}");
        }
        assert_eq!(decimal(100_050), "1000.50");
    }
}
