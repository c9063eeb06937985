//! To the buyer: money of a deal is back on the balance.

use super::frame::Draft;
use super::{Subject, words};
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} uchun pul balansingizga qaytdi",
    "WibeStore: деньги за {} вернулись на баланс",
    "WibeStore: the money for {} is back on your balance",
);
const BODY: Text = Text::new(
    "Bitim bo'yicha pul balansingizga qaytarildi. Vaqti: {}.",
    "Деньги по сделке возвращены на ваш баланс. Время: {}.",
    "Money of the deal was returned to your balance: {}.",
);
const GIVEN_UP: Text = Text::new(
    "Sotuvchi bitimdan voz kechdi.",
    "Продавец отказался от сделки.",
    "The seller gave the deal up.",
);
const UNDELIVERED: Text = Text::new(
    "Sotuvchi akkauntni muddatida topshirmadi.",
    "Продавец не передал аккаунт вовремя.",
    "The seller did not hand the account over in time.",
);
const BY_STAFF: Text = Text::new(
    "Bu WibeStore xodimlarining qarori.",
    "Это решение сотрудников WibeStore.",
    "WibeStore's staff decided so.",
);

/// Why the money came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The seller did not want to sell any more.
    GivenUp,
    /// The seller handed nothing over.
    Undelivered,
    /// Staff decided.
    ByStaff,
}

/// `refund` is how much came back, `at` when.
pub(crate) fn letter(
    reader: &Reader<'_>,
    deal: &Subject,
    refund: Money,
    why: Why,
    at: &str,
) -> Letter {
    let reason = match why {
        Why::GivenUp => GIVEN_UP,
        Why::Undelivered => UNDELIVERED,
        Why::ByStaff => BY_STAFF,
    };
    Draft::about(reader, SUBJECT, deal)
        .say_with(BODY, at)
        .say(reason)
        .fact(words::TO_BUYER, words::sum(reader.language, refund))
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}
