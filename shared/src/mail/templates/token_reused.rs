//! A refresh token came back that had been replaced long ago, so its session was ended.

use super::frame::Draft;
use super::new_device::Device;
use super::words;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: seansingiz xavfsizlik uchun yopildi",
    "WibeStore: сеанс закрыт ради безопасности",
    "WibeStore: a session was closed for safety",
);
const BODY: Text = Text::new(
    "Seanslaringizdan birining kaliti ikkinchi marta ishlatildi: kimdadir uning nusxasi bo'lishi mumkin. Bu seans yopildi, boshqalari ishlayapti. Seans qayerdan ochilgani:",
    "Ключ одного из ваших сеансов использовали повторно: возможно, у кого-то есть его копия. Этот сеанс закрыт, остальные работают. Откуда он был открыт:",
    "The key of one of your sessions was used a second time: somebody may have a copy of it. That session was closed, the others go on. Where it had been opened:",
);
const CLOSING: Text = Text::new(
    "Qaytadan kiring. Agar boshqa odam kirgan deb o'ylasangiz, parolni o'zgartiring va barcha qurilmalardan chiqing.",
    "Войдите заново. Если думаете, что входил кто-то другой, смените пароль и выйдите на всех устройствах.",
    "Please sign in again. If you think that it was somebody else, change your password and sign out everywhere.",
);

/// `link` opens the settings.
pub(crate) fn letter(reader: &Reader<'_>, device: &Device, link: &str) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say(BODY)
        .device(device)
        .button(words::OPEN_SETTINGS, link)
        .close(CLOSING)
        .letter()
}
