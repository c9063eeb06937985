//! The balance did not cover the next period of a plan.

use super::frame::Draft;
use super::{PlanSubject, words};
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: tarifni uzaytirish uchun mablag' yetmadi",
    "WibeStore: не хватило средств на продление тарифа",
    "WibeStore: your balance does not cover your plan",
);
const BODY: Text = Text::new(
    "Tarifingizning keyingi davri uchun balansda mablag' yetmadi. Balansni to'ldiring: yana urinib ko'ramiz. Tarif shu vaqtgacha ishlaydi: {}.",
    "На балансе не хватило средств на следующий период тарифа. Пополните баланс, и мы попробуем ещё раз. До тех пор тариф действует до: {}.",
    "Your balance did not cover the next period of your plan. Top it up and we shall try again. Until then your plan lasts to: {}.",
);

/// `price` is what the period costs; `about.until` is when the rights end.
pub(crate) fn letter(reader: &Reader<'_>, about: &PlanSubject, price: Money) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say_with(BODY, &about.until)
        .plan(about)
        .fact(words::AMOUNT, words::sum(reader.language, price))
        .button(words::OPEN_PLANS, &about.link)
        .letter()
}
