//! To the buyer: the credentials can be seen, and are to be checked.

use super::frame::Draft;
use super::{Subject, words};
use crate::language::Text;
use crate::mail::{Letter, Reader};

const SUBJECT: Text = Text::new(
    "WibeStore: {} akkaunti topshirildi, tekshiring",
    "WibeStore: аккаунт {} передан, проверьте его",
    "WibeStore: the account {} is handed over, check it",
);
const BODY: Text = Text::new(
    "Sotuvchi akkauntni topshirdi: kirish ma'lumotlari bitim sahifasida. Ularni tekshiring, so'ng qabul qilganingizni tasdiqlang yoki shikoyat qiling. Javob berish muddati: {}. Javob bo'lmasa, akkaunt qabul qilingan hisoblanadi.",
    "Продавец передал аккаунт: данные для входа на странице сделки. Проверьте их, затем подтвердите получение или откройте спор. Ответьте до этого времени: {}. Без ответа аккаунт считается полученным.",
    "The seller handed the account over: the credentials are on the deal's page. Check them, then confirm the receipt or open a dispute by {}. Without an answer the account counts as received.",
);

/// `by` is when silence counts as receipt.
pub(crate) fn letter(reader: &Reader<'_>, deal: &Subject, by: &str) -> Letter {
    Draft::about(reader, SUBJECT, deal)
        .say_with(BODY, by)
        .button(words::OPEN_DEAL, &deal.link)
        .letter()
}
