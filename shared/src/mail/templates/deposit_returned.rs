//! A provider took a deposit back, and gives it to the payer.

use super::frame::Draft;
use super::words;
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: to'lovingiz qaytarildi",
    "WibeStore: ваш платёж возвращён",
    "WibeStore: your payment was returned",
);
const BODY: Text = Text::new(
    "To'lov tizimi pulni kartangizga qaytarmoqda, shuning uchun u balansingizdan yechildi. Vaqti: {}.",
    "Платёжная система возвращает деньги на вашу карту, поэтому они списаны с баланса. Время: {}.",
    "The payment provider gives the money back to your card, so it was taken from your balance: {}.",
);

/// `method` is the payment method's name, `at` when it happened, `link` the balance's page.
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
