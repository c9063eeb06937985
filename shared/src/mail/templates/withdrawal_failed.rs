//! A withdrawal could not be paid.

use super::frame::Draft;
use super::words;
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: pulni kartaga o'tkazib bo'lmadi",
    "WibeStore: не удалось перевести деньги на карту",
    "WibeStore: your withdrawal could not be paid",
);
const BODY: Text = Text::new(
    "Bank pulni bu kartaga qabul qilmadi. Pul balansingizga qaytdi. Karta ma'lumotlarini tekshirib, qaytadan urinib ko'ring.",
    "Банк не принял перевод на эту карту. Деньги вернулись на ваш баланс. Проверьте данные карты и попробуйте ещё раз.",
    "The bank did not accept the payment to this card. The money is back on your balance. Check the card and try again.",
);

/// `card` is masked, `link` the balance's page.
pub(crate) fn letter(reader: &Reader<'_>, amount: Money, card: &str, link: &str) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say(BODY)
        .fact(words::AMOUNT, words::sum(reader.language, amount))
        .fact(words::CARD, card)
        .button(words::OPEN_PROFILE, link)
        .letter()
}
