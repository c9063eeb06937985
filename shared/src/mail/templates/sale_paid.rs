//! To the seller: the money of a sale is on the balance.

use super::frame::Draft;
use super::{Subject, words};
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} uchun pul balansingizda",
    "WibeStore: деньги за {} на вашем балансе",
    "WibeStore: the money for {} is on your balance",
);
const BODY: Text = Text::new(
    "Savdo yakunlandi, pul balansingizga o'tkazildi. Vaqti: {}.",
    "Продажа завершена, деньги зачислены на ваш баланс. Время: {}.",
    "The sale is complete and the money is on your balance: {}.",
);

/// What was sold for how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sale {
    /// What the buyer paid in the end.
    pub(crate) amount: Money,
    /// What the platform kept.
    pub(crate) commission: Money,
    /// What the seller got.
    pub(crate) earnings: Money,
}

/// `at` is when it was paid.
pub(crate) fn letter(reader: &Reader<'_>, deal: &Subject, sale: Sale, at: &str) -> Letter {
    let sum = |amount| words::sum(reader.language, amount);
    Draft::about(reader, SUBJECT, deal)
        .say_with(BODY, at)
        .fact(words::AMOUNT, sum(sale.amount))
        .fact(words::COMMISSION, sum(sale.commission))
        .fact(words::TO_SELLER, sum(sale.earnings))
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}
