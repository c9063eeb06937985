//! To the seller: a moderator said no, and why.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} e'loningiz rad etildi",
    "WibeStore: ваше объявление {} отклонено",
    "WibeStore: your listing {} was rejected",
);
const BODY: Text = Text::new(
    "Moderator e'loningizni rad etdi. Kamchiliklarni tuzatib, uni yangidan joylashingiz mumkin.",
    "Модератор отклонил ваше объявление. Исправьте замечания и разместите его заново.",
    "A moderator rejected your listing. Put right what was wrong, and list it again.",
);

pub(crate) fn letter(reader: &Reader<'_>, listing: &Subject, reason: &str) -> Letter {
    Draft::about(reader, SUBJECT, listing)
        .say(BODY)
        .quote(words::REASON, reason)
        .button(words::OPEN_PROFILE, &listing.link)
        .letter()
}
