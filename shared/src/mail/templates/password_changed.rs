//! The password is another one now.

use super::frame::Draft;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: parolingiz o'zgartirildi",
    "WibeStore: пароль изменён",
    "WibeStore: your password was changed",
);
const BODY: Text = Text::new(
    "Hisobingizning paroli o'zgartirildi: {}. Boshqa qurilmalardagi seanslar tugatildi. Xavfsizlik uchun bir muddat pul yechib bo'lmaydi.",
    "Пароль вашего аккаунта изменён: {}. Сеансы на других устройствах завершены. Ради безопасности вывод денег на время закрыт.",
    "The password of your account was changed: {}. Other devices were signed out. For safety, money cannot be withdrawn for a while.",
);
const CLOSING: Text = Text::new(
    "Agar buni siz qilmagan bo'lsangiz, darhol yangi parol o'rnating: havola shu manzilga keladi. So'ng bizga yozing.",
    "Если это сделали не вы, сразу задайте новый пароль: ссылка придёт на этот адрес. Затем напишите нам.",
    "If it was not you, choose a new password at once: the link comes to this address. Then write to us.",
);
const BUTTON: Text = Text::new("Bu men emas edim", "Это был не я", "It was not me");

/// `at` is when, on the reader's clock; `link` opens the page that asks for a new password.
pub(crate) fn letter(reader: &Reader<'_>, at: &str, link: &str) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say_with(BODY, at)
        .button(BUTTON, link)
        .close(CLOSING)
        .letter()
}
