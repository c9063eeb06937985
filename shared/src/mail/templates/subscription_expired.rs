//! A plan is over.

use super::frame::Draft;
use super::{PlanSubject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: tarifingiz tugadi",
    "WibeStore: тариф закончился",
    "WibeStore: your plan has ended",
);
const BODY: Text = Text::new(
    "Tarifingizning muddati tugadi: {}. E'lonlaringiz joyida qoladi, yangi bitimlar uchun bepul tarifning komissiyasi amal qiladi.",
    "Срок вашего тарифа закончился: {}. Объявления остаются на месте, для новых сделок действует комиссия бесплатного тарифа.",
    "Your plan ended: {}. Your listings stay where they are; new deals have the commission of the free plan.",
);

/// `about.until` is when its last period ended.
pub(crate) fn letter(reader: &Reader<'_>, about: &PlanSubject) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say_with(BODY, &about.until)
        .plan(about)
        .button(words::OPEN_PLANS, &about.link)
        .letter()
}
