//! Payme's checkout link: base64 of `m=..;ac.order_id=..;a=..`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::form::percent_decode;

/// What a payer is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) merchant: String,
    /// The account: the names without `ac.`, with their values.
    pub(crate) account: Vec<(String, String)>,
    /// Tiyin.
    pub(crate) amount: i64,
    pub(crate) language: String,
    /// Where the payer goes afterwards.
    pub(crate) back: Option<String>,
}

impl Link {
    /// Reads the part of the link's path behind the host, percent-encoded or not.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let lenient =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let bytes = GeneralPurpose::new(&STANDARD, lenient)
            .decode(percent_decode(path))
            .map_err(|error| format!("The link is not base64: {error}."))?;
        let text =
            String::from_utf8(bytes).map_err(|error| format!("The link is not UTF-8: {error}."))?;
        let mut link = Self { language: "ru".to_owned(), ..Self::default() };
        for member in text.split(';').filter(|member| !member.is_empty()) {
            let (name, value) =
                member.split_once('=').ok_or_else(|| format!("`{member}` has no value."))?;
            match (name, name.strip_prefix("ac.")) {
                ("m", _) => value.clone_into(&mut link.merchant),
                ("a", _) => {
                    link.amount = value
                        .parse()
                        .map_err(|_| format!("The amount `{value}` is not a number of tiyin."))?;
                }
                ("l", _) => value.clone_into(&mut link.language),
                ("c", _) => link.back = Some(address(value)),
                (_, Some(field)) => link.account.push((field.to_owned(), value.to_owned())),
                // `ct`, `cr` and whatever comes.
                (_, None) => {}
            }
        }
        if link.merchant.is_empty() {
            return Err("-31601: no merchant.".to_owned());
        }
        if link.account.is_empty() {
            return Err("-31610: no account.".to_owned());
        }
        if link.amount <= 0 {
            return Err("-31611: no amount.".to_owned());
        }
        Ok(link)
    }
}

/// A return address, of which all was escaped or only the semicolons.
fn address(value: &str) -> String {
    if value.starts_with("http://") || value.starts_with("https://") {
        value.replace("%3B", ";").replace("%3b", ";")
    } else {
        percent_decode(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Link;

    const MERCHANT: &str = "587f72c72cac0d162c722ae2";

    fn link(order: &str, amount: i64) -> Link {
        Link {
            merchant: MERCHANT.to_owned(),
            account: vec![("order_id".to_owned(), order.to_owned())],
            amount,
            language: "ru".to_owned(),
            back: None,
        }
    }

    #[test]
    fn the_documented_links_are_understood() {
        let short = "bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw";
        assert_eq!(Link::read(short), Ok(link("197", 500)));
        let whole = "bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAwMDA7bD11ejtjPWh0dHBzOi8vc2hvcC5leGFtcGxlL3JldHVybj9vcmRlcj0xOTc=";
        let expected = Link {
            language: "uz".to_owned(),
            back: Some("https://shop.example/return?order=197".to_owned()),
            ..link("197", 50_000)
        };
        assert_eq!(Link::read(whole), Ok(expected.clone()));
        assert_eq!(Link::read(whole.trim_end_matches('=')), Ok(expected));
    }

    #[test]
    fn a_link_may_be_percent_encoded_or_not() {
        let base = "bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJf";
        for end in ["aWQ9Pj4+Pz8/O2E9NTAwMDA=", "aWQ9Pj4%2BPz8%2FO2E9NTAwMDA%3D"] {
            assert_eq!(Link::read(&format!("{base}{end}")), Ok(link(">>>???", 50_000)), "{end}");
        }
    }

    #[test]
    fn a_return_address_may_hold_a_semicolon() {
        for (written, expected) in [
            ("https://shop.example/?a=1%3Bb=2", "https://shop.example/?a=1;b=2"),
            ("https%3A%2F%2Fshop.example%2F%3Fa%3D1%3Bb", "https://shop.example/?a=1;b"),
        ] {
            assert_eq!(super::address(written), expected);
        }
    }

    #[test]
    fn a_broken_link_says_what_is_wrong() {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        for (path, problem) in [
            ("*".to_owned(), "not base64"),
            (encode("m=x;ac.order_id=1"), "-31611"),
            (encode("m=x;a=1"), "-31610"),
            (encode("ac.order_id=1;a=1"), "-31601"),
            (encode("m=x;ac.order_id=1;a=1.5"), "not a number"),
            (encode("m"), "has no value"),
        ] {
            let said = Link::read(&path).expect_err("refused");
            assert!(said.contains(problem), "{path}: {said}");
        }
    }
}
