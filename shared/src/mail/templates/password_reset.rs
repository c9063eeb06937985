//! The link to choose a new password.

use super::frame::Draft;
use crate::language::{Language, Text};
use crate::mail::Letter;

const SUBJECT: Text = Text::new(
    "WibeStore: yangi parol o'rnatish",
    "WibeStore: сброс пароля",
    "WibeStore: choose a new password",
);
const BODY: Text = Text::new(
    "Ushbu manzilga bog'langan WibeStore hisobi uchun yangi parol so'raldi. Uni o'rnatish uchun havolani oching. Havola 30 daqiqa va faqat bir marta ishlaydi; yangi parol barcha qurilmalardagi seanslarni tugatadi.",
    "Для аккаунта WibeStore с этим адресом запросили новый пароль. Чтобы задать его, откройте ссылку. Она действует 30 минут и только один раз; новый пароль завершит сеансы на всех устройствах.",
    "A new password was asked for, for the WibeStore account with this address. To choose it, open the link. It works for 30 minutes and only once; the new password signs out every device.",
);
const BUTTON: Text =
    Text::new("Yangi parol o'rnatish", "Задать новый пароль", "Choose a new password");
const CLOSING: Text = Text::new(
    "Agar bu siz bo'lmasangiz, xatga e'tibor bermang va havolani hech kimga bermang: parol o'zgarmaydi.",
    "Если это были не вы, ничего не делайте и никому не передавайте ссылку: пароль останется прежним.",
    "If this was not you, do nothing and give the link to nobody: the password stays as it is.",
);

/// `link` opens the page that takes the new password.
pub(crate) fn letter(to: &str, language: Language, link: &str) -> Letter {
    Draft::to_stranger(to, language, SUBJECT).say(BODY).button(BUTTON, link).close(CLOSING).letter()
}
