//! To the seller: the money is held, the account is awaited.

use super::frame::Draft;
use super::{Subject, words};
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} sotib olindi, akkauntni topshiring",
    "WibeStore: {} куплено, передайте аккаунт",
    "WibeStore: {} was bought, hand the account over",
);
const BODY: Text = Text::new(
    "Xaridor to'lovni amalga oshirdi, pul himoyada turibdi. Akkauntni topshirish muddati: {}. Kechiksangiz, xaridor bitimni bekor qilishi mumkin.",
    "Покупатель оплатил сделку, деньги под защитой. Передайте аккаунт до этого времени: {}. Если опоздаете, покупатель сможет отменить сделку.",
    "The buyer has paid and the money is held. Hand the account over by {}. If you are late, the buyer may cancel the deal.",
);

/// `by` is when the buyer may cancel; `earnings` what the seller gets.
pub(crate) fn letter(reader: &Reader<'_>, deal: &Subject, by: &str, earnings: Money) -> Letter {
    Draft::about(reader, SUBJECT, deal)
        .say_with(BODY, by)
        .fact(words::TO_SELLER, words::sum(reader.language, earnings))
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}
