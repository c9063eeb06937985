//! What the messages say, in three languages. Short: an SMS in Cyrillic has 70 characters.

use super::model::Purpose;
use crate::language::{Language, Text};

/// A proven number that is the only way in is not simply replaced.
pub(super) const PROVE_FIRST: Text = Text::new(
    "Bu raqam orqali tizimga kirasiz. Avval yangi raqamni kod bilan tasdiqlang.",
    "С этим номером вы входите. Сначала подтвердите новый номер кодом.",
    "You sign in with this number. Prove the new number by code first.",
);

const SIGN_IN: Text = Text::new(
    "WibeStore: kirish kodi {}. Uni hech kimga aytmang.",
    "WibeStore: код входа {}. Никому его не сообщайте.",
    "WibeStore: your sign-in code is {}. Do not tell it to anybody.",
);
const VERIFY_PHONE: Text = Text::new(
    "WibeStore: raqamni tasdiqlash kodi {}.",
    "WibeStore: код подтверждения номера {}.",
    "WibeStore: the code that confirms your number is {}.",
);
const REAUTH: Text = Text::new(
    "WibeStore: amalni tasdiqlash kodi {}. Uni hech kimga aytmang.",
    "WibeStore: код подтверждения {}. Никому его не сообщайте.",
    "WibeStore: your confirmation code is {}. Do not tell it to anybody.",
);
const DELETE_ACCOUNT: Text = Text::new(
    "WibeStore: hisobni o'chirish kodi {}. Siz so'ramagan bo'lsangiz, hech kimga aytmang.",
    "WibeStore: код удаления аккаунта {}. Никому его не сообщайте.",
    "WibeStore: the code that closes your account is {}. Do not tell it to anybody.",
);

/// The message with a code.
pub(in crate::accounts) fn message(purpose: Purpose, language: Language, code: &str) -> String {
    let text = match purpose {
        Purpose::SignIn | Purpose::Telegram => SIGN_IN,
        Purpose::VerifyPhone => VERIFY_PHONE,
        Purpose::Reauth => REAUTH,
        Purpose::DeleteAccount => DELETE_ACCOUNT,
    };
    text.with(language, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_one_sms_with_the_code_and_nothing_missing() {
        for purpose in Purpose::ALL {
            for language in Language::ALL {
                let text = message(*purpose, *language, "012345");
                assert!(text.contains("012345") && !text.contains("{}"), "{text}");
                let max = if text.is_ascii() { 160 } else { 70 };
                assert!(text.chars().count() <= max, "{text}");
            }
        }
    }
}
