//! A plan was bought.

use super::frame::Draft;
use super::{PlanSubject, words};
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: tarifingiz yoqildi",
    "WibeStore: тариф подключён",
    "WibeStore: your plan is on",
);
const BODY: Text = Text::new(
    "Rahmat! Tarif hozirdan boshlab ishlaydi. Davr tugaydi: {}.",
    "Спасибо! Тариф действует с этой минуты. Период закончится: {}.",
    "Thank you! Your plan is on from now. The period ends: {}.",
);

/// `paid` is what left the balance.
pub(crate) fn letter(reader: &Reader<'_>, about: &PlanSubject, paid: Money) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say_with(BODY, &about.until)
        .plan(about)
        .fact(words::AMOUNT, words::sum(reader.language, paid))
        .button(words::OPEN_PLANS, &about.link)
        .letter()
}
