//! To staff: a listing waits for their decision.

use super::Subject;
use super::frame::Draft;
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} e'loni tekshiruvni kutmoqda",
    "WibeStore: объявление {} ждёт проверки",
    "WibeStore: listing {} waits for review",
);
const BODY: Text = Text::new(
    "Yangi e'lon tekshiruvni kutmoqda. Qaror qabul qilinmasa, u shu vaqtda avtomatik tasdiqlanadi: {}.",
    "Новое объявление ждёт проверки. Если решения не будет, оно будет одобрено автоматически: {}.",
    "A new listing waits for review. Without a decision it is approved automatically: {}.",
);
const BUTTON: Text = Text::new("E'lonni tekshirish", "Проверить объявление", "Review the listing");

/// `approved_at` is when the timer decides.
pub(crate) fn letter(reader: &Reader<'_>, listing: &Subject, approved_at: &str) -> Letter {
    Draft::about(reader, SUBJECT, listing)
        .say_with(BODY, approved_at)
        .button(BUTTON, &listing.link)
        .letter()
}
