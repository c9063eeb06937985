//! The letters, in three languages and two forms.
//!
//! A letter to an address that nobody has proved yet carries no word of the person who registered it: a name can be an
//! advertisement, and we would be mailing it to a stranger.

use super::{Letter, escape};
use crate::language::{Language, Text};

/// The words of a letter with one button.
struct Words {
    subject: Text,
    greeting: Text,
    body: Text,
    button: Text,
    closing: Text,
}

const VERIFY_EMAIL: Words = Words {
    subject: Text::new(
        "WibeStore: email manzilingizni tasdiqlang",
        "WibeStore: подтвердите email",
        "WibeStore: confirm your e-mail",
    ),
    greeting: Text::new("Assalomu alaykum!", "Здравствуйте!", "Hello!"),
    body: Text::new(
        "Ushbu manzil WibeStore'da ro'yxatdan o'tishda ko'rsatildi. Uni tasdiqlash uchun havolani oching va tugmani bosing. Havola 24 soat amal qiladi.",
        "Этот адрес указали при регистрации на WibeStore. Чтобы подтвердить его, откройте ссылку и нажмите кнопку. Ссылка действует 24 часа.",
        "This address was given to register at WibeStore. To confirm it, open the link and press the button. The link works for 24 hours.",
    ),
    button: Text::new("Emailni tasdiqlash", "Подтвердить email", "Confirm e-mail"),
    closing: Text::new(
        "Agar bu siz bo'lmasangiz, xatga e'tibor bermang: tasdiqsiz hech narsa bo'lmaydi.",
        "Если это были не вы, просто не отвечайте на письмо: без подтверждения ничего не произойдёт.",
        "If this was not you, ignore this mail: nothing happens without the confirmation.",
    ),
};

/// The proof of an address: `link` opens the page that confirms it.
#[must_use]
pub fn verify_email(language: Language, to: String, link: &str, reference: String) -> Letter {
    let words = VERIFY_EMAIL;
    Letter {
        to,
        subject: words.subject.get(language).to_owned(),
        text: words.plain(language, link),
        html: words.html(language, link),
        reference,
    }
}

impl Words {
    fn plain(&self, language: Language, link: &str) -> String {
        let part = |text: Text| text.get(language);
        format!(
            "{}\n\n{}\n\n{link}\n\n{}\n\nWibeStore\n",
            part(self.greeting),
            part(self.body),
            part(self.closing)
        )
    }

    fn html(&self, language: Language, link: &str) -> String {
        let part = |text: Text| escape(text.get(language));
        format!(
            r#"<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{subject}</title></head>
<body style="margin:0;padding:24px;background:#f4f5f7;font-family:Arial,sans-serif;color:#1f2933">
<div style="max-width:480px;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px;font-size:16px;line-height:1.5">
<p>{greeting}</p>
<p>{body}</p>
<p style="text-align:center"><a href="{link}" style="display:inline-block;padding:12px 24px;background:#4f46e5;color:#ffffff;text-decoration:none;border-radius:6px">{button}</a></p>
<p style="font-size:13px;color:#52606d;word-break:break-all">{link}</p>
<p style="font-size:13px;color:#52606d">{closing}</p>
</div>
</body>
</html>
"#,
            subject = part(self.subject),
            greeting = part(self.greeting),
            body = part(self.body),
            link = escape(link),
            button = part(self.button),
            closing = part(self.closing),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_carries_its_link_in_both_forms_and_every_language() {
        for language in Language::ALL {
            let link = "https://api.wibestore.uz/api/v1/auth/email/verify/?token=abc&lang=uz";
            let letter = verify_email(
                *language,
                "ali@mail.uz".to_owned(),
                link,
                "verify-email-1".to_owned(),
            );
            assert!(letter.text.contains(link), "{}", letter.text);
            assert!(letter.html.contains("?token=abc&amp;lang=uz\""), "{}", letter.html);
            assert!(letter.html.contains(&format!("<html lang=\"{language}\">")));
            assert!(!letter.subject.contains('\n'));
        }
    }
}
