//! The proof of a new address.

use super::frame::Draft;
use crate::language::{Language, Text};
use crate::mail::Letter;

const SUBJECT: Text = Text::new(
    "WibeStore: yangi email manzilingizni tasdiqlang",
    "WibeStore: подтвердите новый email",
    "WibeStore: confirm your new e-mail",
);
const BODY: Text = Text::new(
    "WibeStore foydalanuvchisi shu manzilga o'tmoqchi. Tasdiqlash uchun havolani oching va tugmani bosing. Havola 24 soat amal qiladi.",
    "Пользователь WibeStore хочет перейти на этот адрес. Чтобы подтвердить его, откройте ссылку и нажмите кнопку. Ссылка действует 24 часа.",
    "A user of WibeStore wishes to move to this address. To confirm it, open the link and press the button. The link works for 24 hours.",
);
const BUTTON: Text =
    Text::new("Yangi emailni tasdiqlash", "Подтвердить новый email", "Confirm the new e-mail");
const CLOSING: Text = Text::new(
    "Agar bu siz bo'lmasangiz, xatga e'tibor bermang: tasdiqsiz hech narsa o'zgarmaydi.",
    "Если это были не вы, просто не отвечайте на письмо: без подтверждения ничего не изменится.",
    "If this was not you, ignore this mail: nothing changes without the confirmation.",
);

/// `link` opens the page that confirms the address.
pub(crate) fn letter(to: &str, language: Language, link: &str) -> Letter {
    Draft::to_stranger(to, language, SUBJECT).say(BODY).button(BUTTON, link).close(CLOSING).letter()
}
