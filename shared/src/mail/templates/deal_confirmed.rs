//! To the buyer: the deal is complete.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} bitimi yakunlandi",
    "WibeStore: сделка {} завершена",
    "WibeStore: the deal {} is complete",
);
const BODY: Text = Text::new(
    "Bitim yakunlandi, pul sotuvchiga o'tkazildi. Xaridingiz uchun rahmat! Akkaunt parolini almashtirishni unutmang.",
    "Сделка завершена, деньги переведены продавцу. Спасибо за покупку! Не забудьте сменить пароль аккаунта.",
    "The deal is complete and the seller was paid. Thank you for the purchase! Remember to change the account's password.",
);

pub(crate) fn letter(reader: &Reader<'_>, deal: &Subject) -> Letter {
    Draft::about(reader, SUBJECT, deal).say(BODY).button(words::OPEN_DEAL, &deal.link).letter()
}
