//! Staff refused a withdrawal.

use super::frame::Draft;
use super::words;
use crate::Money;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: pul chiqarish rad etildi",
    "WibeStore: вывод средств отклонён",
    "WibeStore: your withdrawal was refused",
);
const BODY: Text = Text::new(
    "Pul chiqarish so'rovingiz rad etildi. Pul balansingizga qaytdi.",
    "Ваша заявка на вывод средств отклонена. Деньги вернулись на ваш баланс.",
    "Your request to withdraw money was refused. The money is back on your balance.",
);

/// `card` is masked, `reason` the moderator's words, `link` the balance's page.
pub(crate) fn letter(
    reader: &Reader<'_>,
    amount: Money,
    card: &str,
    reason: &str,
    link: &str,
) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say(BODY)
        .fact(words::AMOUNT, words::sum(reader.language, amount))
        .fact(words::CARD, card)
        .quote(words::REASON, reason)
        .button(words::OPEN_PROFILE, link)
        .letter()
}
