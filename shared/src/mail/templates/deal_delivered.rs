//! The account counts as received: the seller learns when the money comes, a silent buyer how long they may complain.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} akkaunti qabul qilindi",
    "WibeStore: аккаунт {} получен",
    "WibeStore: the account {} is received",
);
const TO_SELLER: Text = Text::new(
    "Akkaunt qabul qilindi. Shikoyat bo'lmasa, pul shu vaqtda balansingizga o'tadi: {}.",
    "Аккаунт получен. Если жалоб не будет, деньги поступят на ваш баланс: {}.",
    "The account is received. Without a complaint the money comes to your balance: {}.",
);
const TO_BUYER: Text = Text::new(
    "Siz muddatida javob bermadingiz, shuning uchun akkaunt qabul qilingan hisoblanadi. Muammo bo'lsa, shu vaqtgacha shikoyat qilishingiz mumkin: {}. Undan keyin pul sotuvchiga o'tadi.",
    "Вы не ответили вовремя, поэтому аккаунт считается полученным. Если есть проблема, откройте спор до этого времени: {}. После этого деньги перейдут продавцу.",
    "You did not answer in time, so the account counts as received. If something is wrong, open a dispute by {}. After that the seller is paid.",
);

/// `release_at` is when the seller is paid.
pub(crate) fn to_seller(reader: &Reader<'_>, deal: &Subject, release_at: &str) -> Letter {
    write(reader, deal, TO_SELLER, release_at)
}

/// `release_at` is until when the buyer may complain.
pub(crate) fn to_silent_buyer(reader: &Reader<'_>, deal: &Subject, release_at: &str) -> Letter {
    write(reader, deal, TO_BUYER, release_at)
}

fn write(reader: &Reader<'_>, deal: &Subject, body: Text, release_at: &str) -> Letter {
    Draft::about(reader, SUBJECT, deal)
        .say_with(body, release_at)
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}
