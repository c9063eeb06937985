//! To both sides: what staff decided.

use super::frame::Draft;
use super::{Subject, words};
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} bitimi bo'yicha qaror",
    "WibeStore: решение по сделке {}",
    "WibeStore: the decision about the deal {}",
);
const BODY: Text = Text::new(
    "WibeStore xodimlari bitim bo'yicha qaror qabul qildi. Pul shunga muvofiq taqsimlandi.",
    "Сотрудники WibeStore приняли решение по сделке. Деньги распределены в соответствии с ним.",
    "WibeStore's staff decided about the deal, and the money was divided accordingly.",
);

/// Where the money went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    /// What the seller got, after the commission.
    pub(crate) seller: Money,
    /// What the buyer got back.
    pub(crate) buyer: Money,
}

/// `decision` is what staff wrote.
pub(crate) fn letter(
    reader: &Reader<'_>,
    deal: &Subject,
    shares: Shares,
    decision: &str,
) -> Letter {
    Draft::about(reader, SUBJECT, deal)
        .say(BODY)
        .fact(words::TO_SELLER, words::sum(reader.language, shares.seller))
        .fact(words::TO_BUYER, words::sum(reader.language, shares.buyer))
        .quote(words::DECISION, decision)
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}
