//! The welcome of a person who has proved their address.

use super::frame::Draft;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore'ga xush kelibsiz",
    "Добро пожаловать на WibeStore",
    "Welcome to WibeStore",
);
const BODY: Text = Text::new(
    "Email manzilingiz tasdiqlandi, hisobingiz tayyor. Endi o'yin akkauntlarini xavfsiz sotib olishingiz va sotishingiz mumkin: akkaunt topshirilmaguncha xaridorning puli himoyada turadi.",
    "Ваш email подтверждён, аккаунт готов. Теперь вы можете безопасно покупать и продавать игровые аккаунты: пока аккаунт не передан, деньги покупателя под защитой.",
    "Your e-mail is confirmed and your account is ready. You can now buy and sell game accounts safely: the buyer's money is held until the account has changed hands.",
);
const CLOSING: Text = Text::new(
    "Parolingiz va tasdiqlash kodlarini hech kimga bermang: WibeStore ularni hech qachon so'ramaydi.",
    "Никому не сообщайте пароль и коды подтверждения: WibeStore никогда их не спрашивает.",
    "Never tell anybody your password or a confirmation code: WibeStore never asks for them.",
);
const BUTTON: Text = Text::new("E'lonlarni ko'rish", "Смотреть объявления", "Browse the listings");

/// `link` opens the listings.
pub(crate) fn letter(reader: &Reader<'_>, link: &str) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say(BODY)
        .button(BUTTON, link)
        .close(CLOSING)
        .letter()
}
