//! To the seller: staff took the listing down, and why.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} e'loningiz olib tashlandi",
    "WibeStore: ваше объявление {} снято",
    "WibeStore: your listing {} was taken down",
);
const BODY: Text = Text::new(
    "WibeStore xodimlari e'loningizni olib tashladi: uni endi hech kim ko'rmaydi.",
    "Сотрудники WibeStore сняли ваше объявление: его больше никто не видит.",
    "WibeStore's staff took your listing down: nobody can see it any more.",
);

pub(crate) fn letter(reader: &Reader<'_>, listing: &Subject, reason: &str) -> Letter {
    Draft::about(reader, SUBJECT, listing)
        .say(BODY)
        .quote(words::REASON, reason)
        .button(words::OPEN_PROFILE, &listing.link)
        .letter()
}
