//! A letter as a message: its headers and its two parts.

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest as _, Sha256};

use super::Letter;
use super::letter::one_line;

/// RFC 3834: no out-of-office answers this, and no answering machine of ours either.
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// Whose letters these are.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
}

impl Sender {
    /// The message of a letter, dated now, under the Message-ID of its reference.
    ///
    /// # Errors
    /// Why no server would take it: the address cannot be written to.
    pub(super) fn compose(&self, letter: &Letter, reference: &str) -> Result<Message, String> {
        // Only an address, never a name with it: nothing of a person's words is in the headers.
        let to: Address = letter.to.parse().map_err(|error| format!("no mail address: {error}"))?;
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line(&letter.subject))
            .date_now()
            .message_id(Some(self.message_id(reference)))
            .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        let part = |kind, body: &str| SinglePart::builder().header(kind).body(body.to_owned());
        let parts = MultiPart::alternative()
            .singlepart(part(ContentType::TEXT_PLAIN, &letter.text))
            .singlepart(part(ContentType::TEXT_HTML, &letter.html));
        message.multipart(parts).map_err(|error| error.to_string())
    }

    /// The same reference is the same mail for ever, and short enough to stay on its line.
    fn message_id(&self, reference: &str) -> String {
        let digest = Sha256::digest(reference.as_bytes());
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        format!("<{name}@{}>", self.from.email.domain())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(change: impl FnOnce(&mut Letter)) -> Result<String, String> {
        let sender = Sender {
            from: "WibeStore <noreply@wibestore.uz>".parse().expect("a mailbox"),
            reply_to: Some("help@wibestore.uz".parse().expect("a mailbox")),
        };
        let mut letter = Letter {
            to: "ali@mail.uz".to_owned(),
            subject: "WibeStore: подтвердите email".to_owned(),
            text: "Здравствуйте!\n".to_owned(),
            html: "<p>Здравствуйте!</p>".to_owned(),
        };
        change(&mut letter);
        let message = sender.compose(&letter, "welcome:0190a8f0-0000-7000-8000-000000000000")?;
        Ok(String::from_utf8(message.formatted()).expect("ASCII"))
    }

    fn headers(message: &str) -> Vec<&str> {
        message.split("\r\n\r\n").next().unwrap_or_default().split("\r\n").collect()
    }

    #[test]
    fn a_message_has_the_headers_of_a_good_sender() {
        let message = composed(|_| {}).expect("composes");
        assert!(message.is_ascii(), "every server takes it");
        let headers = headers(&message);
        for header in [
            "From: WibeStore <noreply@wibestore.uz>",
            "Reply-To: help@wibestore.uz",
            "To: ali@mail.uz",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert_eq!(headers.iter().filter(|line| **line == header).count(), 1, "{message}");
        }
        for name in ["Date: ", "Message-ID: <", "Subject: WibeStore: =?utf-8?"] {
            let found = headers.iter().filter(|line| line.starts_with(name)).count();
            assert_eq!(found, 1, "{name}: {message}");
        }
        assert!(headers.iter().all(|line| line.len() <= 78), "{headers:#?}");
    }

    #[test]
    fn the_same_reference_is_the_same_mail() {
        let id = |message: String| {
            headers(&message)
                .into_iter()
                .find(|line| line.starts_with("Message-ID"))
                .map(str::to_owned)
        };
        let first = id(composed(|_| {}).expect("composes"));
        let again = id(composed(|letter| letter.text.push_str("more")).expect("composes"));
        assert!(first.is_some() && first == again, "{first:?} {again:?}");
    }

    #[test]
    fn nothing_is_smuggled_into_the_headers() {
        let injected = composed(|letter| letter.subject = "Hi\r\nBcc: evil@mail.uz".to_owned());
        let injected = injected.expect("composes");
        assert!(!headers(&injected).iter().any(|line| line.starts_with("Bcc")), "{injected}");
        for address in [
            "ali@mail.uz\r\nBcc: evil@mail.uz",
            "ali@mail.uz, evil@mail.uz",
            "Ali <ali@mail.uz>",
            "ali",
            "",
        ] {
            assert!(composed(|letter| letter.to = address.to_owned()).is_err(), "{address:?}");
        }
    }
}
