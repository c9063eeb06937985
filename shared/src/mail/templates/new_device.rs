//! Somebody signed in from a device that the person never signed in from.

use super::frame::Draft;
use super::words;
use crate::language::Text;
use crate::mail::letter::one_line;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: yangi qurilmadan kirildi",
    "WibeStore: вход с нового устройства",
    "WibeStore: a sign-in from a new device",
);
const BODY: Text = Text::new(
    "Hisobingizga ilgari ishlatilmagan qurilma yoki tarmoqdan kirildi. Bu siz bo'lsangiz, hech narsa qilish shart emas.",
    "В ваш аккаунт вошли с устройства или из сети, которых раньше не было. Если это вы, ничего делать не нужно.",
    "Somebody signed in to your account from a device or a network that was never used before. If it was you, there is nothing to do.",
);
const CLOSING: Text = Text::new(
    "Agar bu siz bo'lmasangiz: sozlamalarda parolni o'zgartiring va barcha qurilmalardan chiqing.",
    "Если это были не вы: смените пароль в настройках и выйдите на всех устройствах.",
    "If it was not you: change your password in the settings, and sign out everywhere.",
);

/// From where somebody signed in, and when.
pub(crate) struct Device {
    /// On the reader's clock.
    pub(crate) at: String,
    /// The address.
    pub(crate) ip: Option<String>,
    /// What the program calls itself: a stranger's words.
    pub(crate) program: Option<String>,
}

impl Draft {
    /// A device, among the facts.
    pub(super) fn device(self, device: &Device) -> Self {
        let said = |text: &Option<String>| text.as_deref().map_or_else(|| "—".to_owned(), one_line);
        self.fact(words::WHEN, &*device.at)
            .fact(words::ADDRESS, said(&device.ip))
            .fact(words::PROGRAM, said(&device.program))
    }
}

/// `link` opens the settings.
pub(crate) fn letter(reader: &Reader<'_>, device: &Device, link: &str) -> Letter {
    Draft::to(reader, SUBJECT.get(reader.language))
        .say(BODY)
        .device(device)
        .button(words::OPEN_SETTINGS, link)
        .close(CLOSING)
        .letter()
}
