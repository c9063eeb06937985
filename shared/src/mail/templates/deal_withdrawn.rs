//! To the buyer: staff blocked what they had reserved.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} bitimi bekor qilindi",
    "WibeStore: сделка {} отменена",
    "WibeStore: the deal {} was cancelled",
);
const BODY: Text = Text::new(
    "WibeStore xodimlari e'lonni blokladi, shuning uchun to'lanmagan bitim bekor qilindi. Kechikib kelgan to'lov balansingizda qoladi.",
    "Сотрудники WibeStore заблокировали объявление, поэтому неоплаченная сделка отменена. Деньги, которые придут позже, останутся на вашем балансе.",
    "WibeStore's staff blocked the listing, so the unpaid deal was cancelled. Money that comes later stays on your balance.",
);

pub(crate) fn letter(reader: &Reader<'_>, deal: &Subject) -> Letter {
    Draft::about(reader, SUBJECT, deal).say(BODY).button(words::OPEN_DEAL, &deal.link).letter()
}
