//! The period of a plan ends in a few days.

use super::frame::Draft;
use super::{PlanSubject, words};
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const RENEWED_SUBJECT: Text = Text::new(
    "WibeStore: tarifingiz tez orada uzaytiriladi",
    "WibeStore: тариф скоро будет продлён",
    "WibeStore: your plan will be renewed soon",
);
const RENEWED: Text = Text::new(
    "Tarifingizning davri tugaydi: {}. Keyingi davr balansingizdan to'lanadi, unda mablag' yetarli ekanini tekshiring.",
    "Период вашего тарифа закончится: {}. Следующий будет оплачен с баланса: проверьте, что на нём достаточно средств.",
    "The period of your plan ends: {}. The next one is paid from your balance: please see that it covers it.",
);
const ENDS_SUBJECT: Text = Text::new(
    "WibeStore: tarifingiz tez orada tugaydi",
    "WibeStore: тариф скоро закончится",
    "WibeStore: your plan ends soon",
);
const ENDS: Text = Text::new(
    "Tarifingiz tugaydi: {}. U uzaytirilmaydi; xohlasangiz, avtomatik uzaytirishni yoqing.",
    "Ваш тариф закончится: {}. Он не будет продлён; если хотите, включите автопродление.",
    "Your plan ends: {}. It will not be renewed; switch the renewal on if you like.",
);

/// To who is renewed; `price` is what the next period costs.
pub(crate) fn to_be_renewed(reader: &Reader<'_>, about: &PlanSubject, price: Money) -> Letter {
    Draft::to(reader, RENEWED_SUBJECT.get(reader.language))
        .say_with(RENEWED, &about.until)
        .plan(about)
        .fact(words::AMOUNT, words::sum(reader.language, price))
        .button(words::OPEN_PLANS, &about.link)
        .letter()
}

/// To who is not.
pub(crate) fn to_end(reader: &Reader<'_>, about: &PlanSubject) -> Letter {
    Draft::to(reader, ENDS_SUBJECT.get(reader.language))
        .say_with(ENDS, &about.until)
        .plan(about)
        .button(words::OPEN_PLANS, &about.link)
        .letter()
}
