//! The body of a call, field by field, exactly as it came.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::answer::Refusal;

/// The fields of the protocol. What else Click may send one day is left alone.
pub(super) const FIELDS: [&str; 11] = [
    "click_trans_id",
    "service_id",
    "click_paydoc_id",
    "merchant_trans_id",
    "merchant_prepare_id",
    "amount",
    "action",
    "error",
    "error_note",
    "sign_time",
    "sign_string",
];

/// The fields of one call.
#[derive(Debug, Default)]
pub(super) struct Form<'a> {
    fields: BTreeMap<&'static str, Cow<'a, str>>,
    twice: bool,
}

impl<'a> Form<'a> {
    /// Decodes `a=1&b=2`.
    pub(super) fn read(raw: &'a [u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(raw) {
            if let Some(known) = FIELDS.into_iter().find(|known| *known == name) {
                form.twice |= form.fields.insert(known, value).is_some();
            }
        }
        form
    }

    /// A field that must be there; a field that is given twice says nothing.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        match self.optional(name) {
            Some(text) if !self.twice => Ok(text),
            Some(_) | None => Err(Refusal::Request),
        }
    }

    /// A field that may be left out or empty.
    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(Cow::as_ref).filter(|text| !text.is_empty())
    }

    /// Every field that came.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, value.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::{FIELDS, Form};
    use crate::payments::providers::click::answer::Refusal;

    #[test]
    fn fields_are_decoded_once_and_known_ones_only() {
        let form = Form::read(
            b"sign_time=2026-10-08+12%3A00%3A00&amount=1000.00&error_note=&extra=1&%FF=2",
        );
        assert_eq!(form.required("sign_time"), Ok("2026-10-08 12:00:00"));
        assert_eq!(form.required("amount"), Ok("1000.00"));
        assert_eq!(form.required("error_note"), Err(Refusal::Request), "empty is none");
        assert_eq!(form.iter().count(), 3);
        for junk in [&b""[..], b"{\"amount\":\"1000\"}", b"&&&===", b"\0\xff", b"amount"] {
            assert!(FIELDS.iter().all(|name| Form::read(junk).required(name).is_err()), "{junk:?}");
        }
    }

    #[test]
    fn a_field_given_twice_makes_the_whole_call_unreadable() {
        let form = Form::read(b"amount=1000&amount=1&action=0");
        assert_eq!(form.required("amount"), Err(Refusal::Request));
        assert_eq!(form.required("action"), Err(Refusal::Request));
    }
}
