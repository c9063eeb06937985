//! To the seller: the listing is public.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} e'loningiz tasdiqlandi",
    "WibeStore: ваше объявление {} одобрено",
    "WibeStore: your listing {} is approved",
);
const BODY: Text = Text::new(
    "E'loningiz tasdiqlandi va endi hammaga ko'rinadi.",
    "Ваше объявление одобрено, и теперь его видят все.",
    "Your listing is approved, and everybody can see it now.",
);

pub(crate) fn letter(reader: &Reader<'_>, listing: &Subject) -> Letter {
    Draft::about(reader, SUBJECT, listing)
        .say(BODY)
        .button(words::OPEN_LISTING, &listing.link)
        .letter()
}
