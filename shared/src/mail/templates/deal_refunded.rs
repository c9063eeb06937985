//! To the seller: the deal was undone, and the buyer has the money back.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} bitimi bekor qilindi",
    "WibeStore: сделка {} отменена",
    "WibeStore: the deal {} was undone",
);
const UNDELIVERED: Text = Text::new(
    "Akkaunt muddatida topshirilmadi, shuning uchun pul xaridorga qaytarildi.",
    "Аккаунт не был передан вовремя, поэтому деньги возвращены покупателю.",
    "The account was not handed over in time, so the buyer got the money back.",
);
const BY_BUYER: Text = Text::new(
    "Akkaunt muddatida topshirilmagani uchun xaridor bitimni bekor qildi va pulini qaytarib oldi.",
    "Аккаунт не был передан вовремя: покупатель отменил сделку и получил деньги обратно.",
    "The account was not handed over in time: the buyer cancelled the deal and got the money back.",
);
const BY_STAFF: Text = Text::new(
    "WibeStore xodimlari bitimni bekor qildi va pulni xaridorga qaytardi.",
    "Сотрудники WibeStore отменили сделку и вернули деньги покупателю.",
    "WibeStore's staff undid the deal and gave the money back to the buyer.",
);

/// Who undid it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// The timer, because nothing was handed over.
    Undelivered,
    /// The buyer, because nothing was handed over.
    ByBuyer,
    /// Staff.
    ByStaff,
}

pub(crate) fn letter(reader: &Reader<'_>, deal: &Subject, undone: Undone) -> Letter {
    let body = match undone {
        Undone::Undelivered => UNDELIVERED,
        Undone::ByBuyer => BY_BUYER,
        Undone::ByStaff => BY_STAFF,
    };
    Draft::about(reader, SUBJECT, deal).say(body).button(words::OPEN_DEAL, &deal.link).letter()
}
