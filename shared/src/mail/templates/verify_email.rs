//! The proof of an address.

use super::frame::Draft;
use crate::language::{Language, Text};
use crate::mail::Letter;

const SUBJECT: Text = Text::new(
    "WibeStore: email manzilingizni tasdiqlang",
    "WibeStore: подтвердите email",
    "WibeStore: confirm your e-mail",
);
const BODY: Text = Text::new(
    "Ushbu manzil WibeStore'da ro'yxatdan o'tishda ko'rsatildi. Uni tasdiqlash uchun havolani oching va tugmani bosing. Havola 24 soat amal qiladi.",
    "Этот адрес указали при регистрации на WibeStore. Чтобы подтвердить его, откройте ссылку и нажмите кнопку. Ссылка действует 24 часа.",
    "This address was given to register at WibeStore. To confirm it, open the link and press the button. The link works for 24 hours.",
);
const BUTTON: Text = Text::new("Emailni tasdiqlash", "Подтвердить email", "Confirm e-mail");
const CLOSING: Text = Text::new(
    "Agar bu siz bo'lmasangiz, xatga e'tibor bermang: tasdiqsiz hech narsa bo'lmaydi.",
    "Если это были не вы, просто не отвечайте на письмо: без подтверждения ничего не произойдёт.",
    "If this was not you, ignore this mail: nothing happens without the confirmation.",
);

/// `link` opens the page that confirms the address.
pub(crate) fn letter(to: &str, language: Language, link: &str) -> Letter {
    Draft::to_stranger(to, language, SUBJECT).say(BODY).button(BUTTON, link).close(CLOSING).letter()
}
