//! A body to a typed call, checked in the order that Click documents. Pure.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::Refusal;
use super::form::Form;
use super::sign::Signed;
use crate::Money;
use crate::ids::TransactionId;
use crate::settings::ClickSettings;
use crate::text_enum::text_enum;

/// The longest whole part of an amount, in digits of soum.
const SOUM_DIGITS_MAX: usize = 12;

text_enum! {
    /// What is called.
    Action {
        /// May this payer pay this order?
        Prepare = "prepare",
        /// The payer has paid, or could not.
        Complete = "complete",
    }
}

impl Action {
    /// By Click's number.
    fn numbered(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::Prepare),
            "1" => Some(Self::Complete),
            _ => None,
        }
    }
}

/// A call by Click.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// Click's number of the payment.
    pub click_trans_id: i64,
    /// The number that the payer is shown.
    pub click_paydoc_id: Option<i64>,
    /// The deposit; none when the text is not one of our ids.
    pub order: Option<TransactionId>,
    /// Soum.
    pub amount: Money,
    /// Below zero: the payment failed at Click.
    pub error: i32,
    /// Click's clock, as text.
    pub sign_time: String,
    /// What is called.
    pub step: Step,
}

/// What is called, with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// May this payer pay this order?
    Prepare,
    /// The payment of this number of ours succeeded or failed.
    Complete(i64),
}

/// What arrived, read as far as it can be read.
pub(super) struct Request<'a> {
    /// The fields as they came.
    pub form: Form<'a>,
    /// What is called, if that can be told.
    pub action: Option<Action>,
    /// The call, or why there is none.
    pub call: Result<Call, Refusal>,
    /// Whether Click's signature was right.
    pub is_signed: bool,
}

impl<'a> Request<'a> {
    /// Reads the body of a POST; the address may allow one action only.
    pub(super) fn read(settings: &ClickSettings, raw: &'a [u8], only: Option<Action>) -> Self {
        let form = Form::read(raw);
        let action = form.required("action").ok().and_then(Action::numbered);
        let mut is_signed = false;
        let call = read_call(settings, &form, only, &mut is_signed);
        Self { form, action, call, is_signed }
    }

    /// A body that was not read.
    pub(super) fn unreadable() -> Self {
        let call = Err(Refusal::Request);
        Self { form: Form::default(), action: None, call, is_signed: false }
    }

    /// The action's name, for labels that must stay few.
    pub(super) fn label(&self) -> &'static str {
        match (self.action, self.form.optional("action")) {
            (Some(action), _) => action.as_str(),
            (None, Some(_)) => "unknown",
            (None, None) => "none",
        }
    }

    /// The ids that every answer repeats, as far as they can be told.
    pub(super) fn ids(&self) -> Map<String, Value> {
        let mut ids = Map::new();
        if let Some(number) = self.form.optional("click_trans_id").and_then(number) {
            ids.insert("click_trans_id".to_owned(), json!(number));
        }
        if let Some(order) = self.form.optional("merchant_trans_id") {
            ids.insert("merchant_trans_id".to_owned(), json!(order));
        }
        ids
    }
}

/// Fields, action, signature, service: in this order.
fn read_call(
    settings: &ClickSettings,
    form: &Form<'_>,
    only: Option<Action>,
    is_signed: &mut bool,
) -> Result<Call, Refusal> {
    let signed = Signed {
        click_trans_id: form.required("click_trans_id")?,
        service_id: form.required("service_id")?,
        merchant_trans_id: form.required("merchant_trans_id")?,
        merchant_prepare_id: "",
        amount: form.required("amount")?,
        action: form.required("action")?,
        sign_time: form.required("sign_time")?,
    };
    let sign_string = form.required("sign_string")?;
    let click_trans_id = number(signed.click_trans_id).ok_or(Refusal::Request)?;
    let amount = amount(signed.amount).ok_or(Refusal::Request)?;
    let error = error(form.required("error")?).ok_or(Refusal::Request)?;
    let click_paydoc_id = match form.optional("click_paydoc_id") {
        Some(text) => Some(number(text).ok_or(Refusal::Request)?),
        None => None,
    };
    if !is_time(signed.sign_time) || number(signed.service_id).is_none() {
        return Err(Refusal::Request);
    }
    let action = Action::numbered(signed.action).ok_or(Refusal::Action)?;
    if only.is_some_and(|only| only != action) {
        return Err(Refusal::Action);
    }
    let (signed, step) = match action {
        Action::Prepare => (signed, Step::Prepare),
        Action::Complete => {
            let merchant_prepare_id = form.required("merchant_prepare_id")?;
            let prepare_id = number(merchant_prepare_id).ok_or(Refusal::Request)?;
            (Signed { merchant_prepare_id, ..signed }, Step::Complete(prepare_id))
        }
    };
    if !signed.is_by_click(settings, sign_string) {
        return Err(Refusal::Sign);
    }
    *is_signed = true;
    if signed.service_id != settings.service_id {
        return Err(Refusal::Request);
    }
    let order = order_id(signed.merchant_trans_id);
    let sign_time = signed.sign_time.to_owned();
    Ok(Call { click_trans_id, click_paydoc_id, order, amount, error, sign_time, step })
}

/// A positive number in the only way to write it, so that no digit can slide into its neighbour's field.
fn number(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && !text.starts_with('0') { text.parse().ok() } else { None }
}

/// `1000`, `1000.5` or `1000.50`: soum, at most twelve digits before the point and two behind it.
fn amount(text: &str) -> Option<Money> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    if whole.len() > SOUM_DIGITS_MAX { None } else { Money::parse(text) }
}

/// 0, or a number below it.
fn error(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|error| *error <= 0)
}

/// `YYYY-MM-DD HH:mm:ss`.
fn is_time(text: &str) -> bool {
    text.len() == 19
        && text
            .bytes()
            .zip("dddd-dd-dd dd:dd:dd".bytes())
            .all(|(byte, form)| if form == b'd' { byte.is_ascii_digit() } else { byte == form })
}

/// An id in the form that links have: no braces, no URN, 36 characters.
fn order_id(text: &str) -> Option<TransactionId> {
    if text.len() == 36 { Uuid::try_parse(text).ok().map(TransactionId) } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Action, Call, Request, Step, amount, error, is_time, number};
    use crate::Money;
    use crate::payments::providers::click::answer::Refusal;
    use crate::settings::{ClickSettings, Secret};

    fn settings(service_id: &str) -> ClickSettings {
        ClickSettings {
            service_id: service_id.to_owned(),
            merchant_id: String::new(),
            secret_key: Secret::new("clickSecretKey01"),
            previous_key: None,
            checkout_url: String::new(),
            api: None,
        }
    }

    /// Providers study, section 9.
    const PREPARE: &str = "click_trans_id=2100000000&service_id=12345&click_paydoc_id=3000000000&merchant_trans_id=order-77&amount=1000&action=0&error=0&error_note=&sign_time=2026-10-08+12%3A00%3A00&sign_string=fb45b78290ffab0fa7ded1ebd0786d93";
    const COMPLETE: &str = "click_trans_id=2100000000&service_id=12345&click_paydoc_id=3000000000&merchant_trans_id=order-77&merchant_prepare_id=901&amount=1000&action=1&error=0&error_note=&sign_time=2026-10-08+12%3A00%3A05&sign_string=7a295416f5b8c0d94f9958afb2c5e7ad";

    fn read(body: &str) -> Result<Call, Refusal> {
        Request::read(&settings("12345"), body.as_bytes(), None).call
    }

    #[test]
    fn clicks_own_examples_are_read() {
        let prepare = read(PREPARE).expect("a call");
        assert_eq!(
            (prepare.click_trans_id, prepare.click_paydoc_id, prepare.order, prepare.step),
            (2_100_000_000, Some(3_000_000_000), None, Step::Prepare)
        );
        assert_eq!((prepare.amount, prepare.error), (Money::from_soum(1000), 0));
        assert_eq!(read(COMPLETE).expect("a call").step, Step::Complete(901));
        let without = "&click_paydoc_id=3000000000";
        assert!(read(&PREPARE.replace(without, "")).is_ok(), "nothing depends on it");
        assert!(read(&format!("{PREPARE}&new_field=1")).is_ok(), "Click's protocol may grow");
    }

    #[test]
    fn the_first_thing_that_is_wrong_is_answered() {
        let wrong_sign = PREPARE.replace("fb45", "0000");
        for (body, refusal) in [
            (wrong_sign.clone(), Refusal::Sign),
            (wrong_sign.replace("action=0", "action=2"), Refusal::Action),
            (
                wrong_sign.replace("action=0", "action=2").replace("amount=1000&", ""),
                Refusal::Request,
            ),
            (PREPARE.replace("amount=1000&", "amount=1000.00&"), Refusal::Sign),
            (COMPLETE.replace("&merchant_prepare_id=901", ""), Refusal::Request),
            (
                COMPLETE.replace(
                    "7a295416f5b8c0d94f9958afb2c5e7ad",
                    "084a794e89808846500e164cd2bf5506",
                ),
                Refusal::Sign,
            ),
            (COMPLETE.replace("prepare_id=901", "prepare_id=902"), Refusal::Sign),
            (PREPARE.replace("error=0", "error=1"), Refusal::Request),
            (String::new(), Refusal::Request),
        ] {
            assert_eq!(read(&body).err(), Some(refusal), "{body}");
        }
        let request = |settings, only| Request::read(&settings, PREPARE.as_bytes(), only);
        let foreign = request(settings("54321"), None);
        assert_eq!((foreign.call.err(), foreign.is_signed), (Some(Refusal::Request), true));
        let elsewhere = request(settings("12345"), Some(Action::Complete));
        assert_eq!(elsewhere.call.err(), Some(Refusal::Action), "the address is for Complete");
        assert!(request(settings("12345"), Some(Action::Prepare)).call.is_ok());
    }

    #[test]
    fn every_field_that_is_read_must_be_there_and_whole() {
        for field in [
            "click_trans_id",
            "service_id",
            "merchant_trans_id",
            "amount",
            "action",
            "error",
            "sign_time",
            "sign_string",
        ] {
            let without: Vec<&str> =
                COMPLETE.split('&').filter(|pair| pair.split('=').next() != Some(field)).collect();
            assert_eq!(
                read(&without.join("&")).err(),
                Some(Refusal::Request),
                "{field} is missing"
            );
        }
    }

    #[test]
    fn shapes_are_fixed() {
        for (text, value) in [
            ("1", Some(1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("0", None),
            ("01", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            (" 1", None),
            ("", None),
            ("١", None),
            ("1\0", None),
        ] {
            assert_eq!(number(text), value, "{text:?}");
        }
        for (text, value) in [
            ("1000", Some("1000.00")),
            ("1000.5", Some("1000.50")),
            ("1000.00", Some("1000.00")),
            ("999999999999.99", Some("999999999999.99")),
            ("1000000000000", None),
            ("1e3", None),
            ("1000.", None),
            (".5", None),
            ("1000.001", None),
            ("1000,00", None),
            ("-1000", None),
            ("+1000", None),
            (" 1000", None),
            ("NaN", None),
            ("0x10", None),
        ] {
            assert_eq!(amount(text).map(|amount| amount.to_string()).as_deref(), value, "{text:?}");
        }
        for (text, value) in [
            ("0", Some(0)),
            ("-5017", Some(-5017)),
            ("1", None),
            ("", None),
            ("-", None),
            ("+0", None),
            ("-99999999999", None),
            ("null", None),
        ] {
            assert_eq!(error(text), value, "{text:?}");
        }
        assert!(is_time("2026-10-08 12:00:00"));
        for wrong in [
            "2026-10-08T12:00:00",
            "2026-10-08 12:00",
            "2026-10-08 12:00:0\0",
            "2026-1٠-08 12:00:0",
        ] {
            assert!(!is_time(wrong), "{wrong:?}");
        }
    }
}
