//! `webhook_calls`: what came and what was answered, for support. Never a card, a phone or a signature.

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::{Call, read};
use crate::Tx;
use crate::error::Result;
use crate::payments::webhook_calls::{WebhookCall, record_call};

/// The members that are kept; everything else is not.
const KEPT: [&str; 11] = [
    "store_id",
    "amount",
    "invoice_id",
    "uuid",
    "billing_id",
    "payment_time",
    "refund_time",
    "ps",
    "status",
    "receipt_url",
    "card_pan",
];
/// So many digits in a row may be a card's number.
const CARD_DIGITS: usize = 12;
/// Longer texts are cut: they are not Multicard's.
const TEXT_MAX: usize = 300;

/// Writes one call, in the transaction that answers it.
pub(super) async fn record(
    tx: &mut Tx,
    call: &Call<'_>,
    answer: &Result<(), Refusal>,
) -> Result<()> {
    let (status, response) = super::render(answer);
    let call = WebhookCall {
        provider: call.provider,
        method: call.method(),
        ip: call.ip,
        request: request(call, answer),
        response,
        http_status: i16::try_from(status).unwrap_or(i16::MAX),
    };
    record_call(tx, call).await
}

/// The call with what it may not keep left out. Of a stranger only the outline stays.
fn request(call: &Call<'_>, answer: &Result<(), Refusal>) -> Value {
    let mut kept = json!({ "bytes": call.raw.len() });
    let stranger = matches!(
        answer,
        Err(Refusal::Forged | Refusal::Malformed(_) | Refusal::TooLarge | Refusal::NotJson)
    );
    if let (false, Some(outline), Some(members)) =
        (stranger, kept.as_object_mut(), read::members(call.raw))
    {
        outline.insert("members".to_owned(), mask(members));
    }
    kept
}

fn mask(members: Map<String, Value>) -> Value {
    members
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                value if value.is_null() => value,
                _ if !KEPT.contains(&name.as_str()) => "***".into(),
                Value::String(text) => without_cards(&text).into(),
                // Ids and amounts; a number that is as long as a card's is not kept.
                Value::Number(number) => without_cards(&number.to_string()).into(),
                Value::Bool(_) | Value::Null => value,
                Value::Array(_) | Value::Object(_) => "***".into(),
            };
            (name, value)
        })
        .collect()
}

/// A text in which no card's number stands: of a long run of digits the first six and the last four are left.
pub(super) fn without_cards(text: &str) -> String {
    let text: String = text.chars().take(TEXT_MAX).collect();
    let mut kept = String::with_capacity(text.len());
    let mut digits = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        match (digits.get(..6), digits.len().checked_sub(4).and_then(|from| digits.get(from..))) {
            (Some(first), Some(last)) if digits.len() > CARD_DIGITS => {
                kept.extend([first, "••••", last]);
            }
            _ => kept.push_str(&digits),
        }
        digits.clear();
        if letter != '\0' {
            kept.push(letter);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cards_phones_and_signatures_are_not_kept() {
        let members = json!({
            "store_id": 6, "amount": 100_000, "invoice_id": "0192f0c1-5e6a-7b3c-8d4e-5f6a7b8c9d0e",
            "uuid": "3f6d1c9e-0d5d-4c1f-8a8e-2f7a0c1d2e3f", "billing_id": null, "ps": "uzcard",
            "phone": "998901234567", "card_pan": "8600533364098829", "card_token": "t", "sign": "s",
            "payment_time": "2026-10-08 12:00:00", "extra": { "pan": "8600533364098829" },
        });
        let Value::Object(members) = members else { unreachable!("an object") };
        assert_eq!(
            mask(members),
            json!({
                "store_id": "6", "amount": "100000", "invoice_id": "0192f0c1-5e6a-7b3c-8d4e-5f6a7b8c9d0e",
                "uuid": "3f6d1c9e-0d5d-4c1f-8a8e-2f7a0c1d2e3f", "billing_id": null, "ps": "uzcard",
                "phone": "***", "card_pan": "860053••••8829", "card_token": "***", "sign": "***",
                "payment_time": "2026-10-08 12:00:00", "extra": "***",
            })
        );
    }

    #[test]
    fn a_masked_card_stays_and_a_whole_one_does_not() {
        for (text, kept) in [
            ("860053******8829", "860053******8829"),
            ("8600533364098829", "860053••••8829"),
            ("card 8600533364098829!", "card 860053••••8829!"),
            ("123456789012", "123456789012"),
            ("", ""),
        ] {
            assert_eq!(without_cards(text), kept);
        }
    }
}
