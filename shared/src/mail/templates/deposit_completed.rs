//! The money of a deposit is on the balance.

use super::frame::Draft;
use super::words;
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: balansingiz to'ldirildi",
    "WibeStore: баланс пополнен",
    "WibeStore: your deposit arrived",
);
const BODY: Text = Text::new(
    "To'lovingiz qabul qilindi. Vaqti: {}.",
    "Ваш платёж принят. Время: {}.",
    "Your payment was accepted: {}.",
);

/// `method` is the payment method's name, `at` when the money came, `link` the balance's page.
pub(crate) fn letter(
    reader: &Reader<'_>,
    amount: Money,
    method: &str,
    at: &str,
    link: &str,
) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say_with(BODY, at)
        .fact(words::AMOUNT, words::sum(reader.language, amount))
        .fact(words::METHOD, method)
        .button(words::OPEN_PROFILE, link)
        .letter()
}
