//! A deposit that its provider had begun came to nothing.

use super::frame::Draft;
use super::words;
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: to'lov bekor qilindi",
    "WibeStore: платёж отменён",
    "WibeStore: your payment was cancelled",
);
const BODY: Text = Text::new(
    "Balansni to'ldirish bekor qilindi, pul o'tkazilmadi. Xohlasangiz, qaytadan urinib ko'ring.",
    "Пополнение баланса отменено, деньги не переведены. Если хотите, попробуйте ещё раз.",
    "Your deposit was cancelled and no money was moved. You are welcome to try again.",
);

/// `method` is the payment method's name, `link` the balance's page.
pub(crate) fn letter(reader: &Reader<'_>, amount: Money, method: &str, link: &str) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say(BODY)
        .fact(words::AMOUNT, words::sum(reader.language, amount))
        .fact(words::METHOD, method)
        .button(words::OPEN_PROFILE, link)
        .letter()
}
