//! The next period of a plan was paid from the balance.

use super::frame::Draft;
use super::{PlanSubject, words};
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: tarifingiz uzaytirildi",
    "WibeStore: тариф продлён",
    "WibeStore: your plan is renewed",
);
const BODY: Text = Text::new(
    "Tarifingizning keyingi davri balansingizdan to'landi. Yangi davr tugaydi: {}.",
    "Следующий период вашего тарифа оплачен с баланса. Он закончится: {}.",
    "The next period of your plan was paid from your balance. It ends: {}.",
);
const CLOSING: Text = Text::new(
    "Avtomatik uzaytirishni istalgan vaqtda o'chirishingiz mumkin: to'langan davr oxirigacha ishlaydi.",
    "Автопродление можно отключить в любой момент: оплаченный период действует до конца.",
    "You can switch the renewal off at any time: what is paid lasts to its end.",
);

/// `paid` is what left the balance.
pub(crate) fn letter(reader: &Reader<'_>, about: &PlanSubject, paid: Money) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say_with(BODY, &about.until)
        .plan(about)
        .fact(words::AMOUNT, words::sum(reader.language, paid))
        .button(words::OPEN_PLANS, &about.link)
        .close(CLOSING)
        .letter()
}
