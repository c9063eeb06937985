//! What happened to the keys of an account. It goes to an address that may be somebody else's by now, so it names nobody.

use super::frame::Draft;
use crate::accounts::jobs::News;
use crate::language::{Language, Text};
use crate::mail::Letter;

const SUBJECT: Text = Text::new(
    "WibeStore: hisobingiz xavfsizligi",
    "WibeStore: безопасность вашего аккаунта",
    "WibeStore: the security of your account",
);
const EMAIL_CHANGE_ASKED: Text = Text::new(
    "Hisobingizning email manzilini boshqasiga almashtirish so'raldi. Yangi manzil tasdiqlangach, bu manzil hisobga tegishli bo'lmaydi.",
    "Запрошена смена email вашего аккаунта. Когда новый адрес подтвердят, этот адрес перестанет относиться к аккаунту.",
    "Another e-mail address was asked for in your account. Once it is confirmed, this address no longer belongs to the account.",
);
const EMAIL_CHANGED: Text = Text::new(
    "Hisobingizning email manzili o'zgartirildi: bu manzil endi unga tegishli emas.",
    "Email вашего аккаунта изменён: этот адрес больше к нему не относится.",
    "The e-mail address of your account was changed: this one no longer belongs to it.",
);
const PHONE_CHANGED: Text = Text::new(
    "Hisobingizning telefon raqami o'zgartirildi yoki olib tashlandi.",
    "Номер телефона вашего аккаунта изменён или удалён.",
    "The phone number of your account was changed or removed.",
);
const GOOGLE_LINKED: Text = Text::new(
    "Hisobingizga Google orqali kirish ulandi.",
    "К вашему аккаунту подключён вход через Google.",
    "Signing in with Google was linked to your account.",
);
const GOOGLE_UNLINKED: Text = Text::new(
    "Hisobingizdan Google orqali kirish uzildi.",
    "Вход через Google отключён от вашего аккаунта.",
    "Signing in with Google was unlinked from your account.",
);
const ACCOUNT_CLOSED: Text = Text::new(
    "Hisobingiz yopildi. Shaxsiy ma'lumotlaringiz keyinroq butunlay o'chiriladi.",
    "Ваш аккаунт закрыт. Личные данные позже будут окончательно удалены.",
    "Your account was closed. What is personal in it will be erased later.",
);
const BUTTON: Text = Text::new("Parolni tiklash", "Сбросить пароль", "Reset the password");
const OPEN: Text = Text::new("WibeStore'ni ochish", "Открыть WibeStore", "Open WibeStore");
const CLOSING_CLOSED: Text = Text::new(
    "Agar bu siz bo'lmasangiz, darhol qo'llab-quvvatlash xizmatiga yozing.",
    "Если это были не вы, сразу напишите в поддержку.",
    "If this was not you, write to support at once.",
);
const CLOSING: Text = Text::new(
    "Agar bu siz bo'lmasangiz, darhol parolingizni tiklang va qo'llab-quvvatlash xizmatiga yozing.",
    "Если это были не вы, сразу сбросьте пароль и напишите в поддержку.",
    "If this was not you, reset your password at once and write to support.",
);

/// `link` opens the page where a password is reset; of a closed account, the platform.
pub(crate) fn letter(to: &str, language: Language, news: News, link: &str) -> Letter {
    let (body, button, closing) = match news {
        News::EmailChangeAsked => (EMAIL_CHANGE_ASKED, BUTTON, CLOSING),
        News::EmailChanged => (EMAIL_CHANGED, BUTTON, CLOSING),
        News::PhoneChanged => (PHONE_CHANGED, BUTTON, CLOSING),
        News::GoogleLinked => (GOOGLE_LINKED, BUTTON, CLOSING),
        News::GoogleUnlinked => (GOOGLE_UNLINKED, BUTTON, CLOSING),
        News::AccountClosed => (ACCOUNT_CLOSED, OPEN, CLOSING_CLOSED),
    };
    Draft::to_stranger(to, language, SUBJECT).say(body).button(button, link).close(closing).letter()
}
