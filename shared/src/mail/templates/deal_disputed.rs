//! To the other side of a dispute.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} bitimi bo'yicha shikoyat",
    "WibeStore: спор по сделке {}",
    "WibeStore: a dispute about the deal {}",
);
const BODY: Text = Text::new(
    "Ikkinchi tomon bitim bo'yicha shikoyat qildi. WibeStore xodimlari qaror qabul qilguncha pul himoyada turadi. Dalillaringizni tayyorlab qo'ying.",
    "Вторая сторона открыла спор по сделке. Пока сотрудники WibeStore не примут решение, деньги под защитой. Подготовьте ваши доказательства.",
    "The other side opened a dispute about the deal. The money stays held until WibeStore's staff decide. Please have your evidence ready.",
);

const BY_STAFF: Text = Text::new(
    "WibeStore xodimlari bitimni to'xtatdi. Ular qaror qabul qilguncha pul himoyada turadi. Dalillaringizni tayyorlab qo'ying.",
    "Сотрудники WibeStore остановили сделку. Пока они не примут решение, деньги под защитой. Подготовьте ваши доказательства.",
    "WibeStore's staff stopped the deal. The money stays held until they decide. Please have your evidence ready.",
);

/// To both sides, when staff stopped the deal; `reason` is what staff wrote.
pub(crate) fn by_staff(reader: &Reader<'_>, deal: &Subject, reason: &str) -> Letter {
    Draft::about(reader, SUBJECT, deal)
        .say(BY_STAFF)
        .quote(words::REASON, reason)
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}

/// `reason` is what the other side wrote.
pub(crate) fn letter(reader: &Reader<'_>, deal: &Subject, reason: &str) -> Letter {
    Draft::about(reader, SUBJECT, deal)
        .say(BODY)
        .quote(words::REASON, reason)
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}
