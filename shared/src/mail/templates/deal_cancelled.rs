//! To the buyer: the reservation ran out.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} uchun band qilish muddati tugadi",
    "WibeStore: бронь {} истекла",
    "WibeStore: your reservation of {} ran out",
);
const BODY: Text = Text::new(
    "To'lov muddatida kelmadi, shuning uchun bitim bekor qilindi. To'lov keyinroq kelsa, u balansingizda qoladi.",
    "Оплата не поступила вовремя, поэтому сделка отменена. Если деньги придут позже, они останутся на вашем балансе.",
    "The payment did not come in time, so the deal was cancelled. Money that comes later stays on your balance.",
);

pub(crate) fn letter(reader: &Reader<'_>, listing: &Subject) -> Letter {
    Draft::about(reader, SUBJECT, listing)
        .say(BODY)
        .button(words::OPEN_LISTING, &listing.link)
        .letter()
}
