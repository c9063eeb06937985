//! To the seller: the buyer wishes to cancel a deal that was not handed over.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: xaridor {} bitimini bekor qilmoqchi",
    "WibeStore: покупатель хочет отменить сделку {}",
    "WibeStore: the buyer wishes to cancel the deal {}",
);
const BODY: Text = Text::new(
    "Xaridor bitimni bekor qilishni so'radi. Rozi bo'lsangiz, bitimni bekor qiling. Rozi bo'lmasangiz, akkauntni shu vaqtgacha topshiring: {}. Aks holda pul xaridorga qaytariladi.",
    "Покупатель просит отменить сделку. Если вы согласны, отмените её. Если нет, передайте аккаунт до этого времени: {}. Иначе деньги вернутся покупателю.",
    "The buyer asks to cancel the deal. If you agree, cancel it. If not, hand the account over by {}. Otherwise the money goes back to the buyer.",
);

/// `by` is when the money goes back unless the account was handed over.
pub(crate) fn letter(reader: &Reader<'_>, deal: &Subject, by: &str) -> Letter {
    Draft::about(reader, SUBJECT, deal)
        .say_with(BODY, by)
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}
