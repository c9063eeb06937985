//! A withdrawal is on its card.

use super::frame::Draft;
use super::words;
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: pul kartaga o'tkazildi",
    "WibeStore: деньги переведены на карту",
    "WibeStore: your withdrawal was paid",
);
const BODY: Text = Text::new(
    "Pul kartangizga o'tkazildi. Vaqti: {}. Agar buni siz so'ramagan bo'lsangiz, darhol bizga yozing.",
    "Деньги переведены на вашу карту. Время: {}. Если вы этого не запрашивали, сразу напишите нам.",
    "The money was sent to your card: {}. If you did not ask for it, write to us at once.",
);

/// `card` is masked, `at` when it was paid, `link` the balance's page.
pub(crate) fn letter(
    reader: &Reader<'_>,
    amount: Money,
    card: &str,
    at: &str,
    link: &str,
) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say_with(BODY, at)
        .fact(words::AMOUNT, words::sum(reader.language, amount))
        .fact(words::CARD, card)
        .button(words::OPEN_PROFILE, link)
        .letter()
}
