//! The frame of every letter: a greeting, what there is to say, facts, a person's quoted words, one button.

use super::{PlanSubject, Subject, words};
use crate::language::{Language, Text};
use crate::mail::letter::{escape, one_line, quoted};
use crate::mail::{Letter, Reader};

/// A letter that is being written. Whatever comes in is plain text; the forms are made at the end, in one place.
pub(super) struct Draft {
    to: String,
    language: Language,
    subject: String,
    greeting: String,
    paragraphs: Vec<String>,
    facts: Vec<(Text, String)>,
    quote: Option<(Text, Vec<String>)>,
    button: Option<(Text, String)>,
    closing: Option<Text>,
}

impl Draft {
    /// A letter that greets its reader by name.
    pub(super) fn to(reader: &Reader<'_>, subject: impl Into<String>) -> Self {
        let greeting = words::HELLO_NAMED.with(reader.language, &one_line(reader.name));
        Self::begin(reader.to, reader.language, subject.into(), greeting)
    }

    /// A letter to an address that nobody has proved: it knows no name.
    pub(super) fn to_stranger(to: &str, language: Language, subject: Text) -> Self {
        let greeting = words::HELLO.get(language).to_owned();
        Self::begin(to, language, subject.get(language).to_owned(), greeting)
    }

    /// A letter about a listing or a deal: its code is in the subject, title and price are among the facts.
    pub(super) fn about(reader: &Reader<'_>, subject: Text, about: &Subject) -> Self {
        let language = reader.language;
        let title = format!("«{}», {}", one_line(&about.title), about.code);
        Self::to(reader, subject.with(language, &about.code))
            .fact(words::LISTING, title)
            .fact(words::PRICE, words::sum(language, about.price))
    }

    fn begin(to: &str, language: Language, subject: String, greeting: String) -> Self {
        Self {
            to: to.to_owned(),
            language,
            subject,
            greeting,
            paragraphs: Vec::new(),
            facts: Vec::new(),
            quote: None,
            button: None,
            closing: None,
        }
    }

    /// One more paragraph.
    pub(super) fn say(mut self, text: Text) -> Self {
        self.paragraphs.push(text.get(self.language).to_owned());
        self
    }

    /// One more paragraph, with its `{}` filled in.
    pub(super) fn say_with(mut self, text: Text, value: &str) -> Self {
        self.paragraphs.push(text.with(self.language, value));
        self
    }

    /// One more line of the facts.
    pub(super) fn fact(mut self, label: Text, value: impl Into<String>) -> Self {
        self.facts.push((label, value.into()));
        self
    }

    /// The plan that the letter is about, among the facts.
    pub(super) fn plan(self, about: &PlanSubject) -> Self {
        self.fact(words::PLAN, one_line(&about.plan))
    }

    /// A person's words, shown as such; nothing when there are none.
    pub(super) fn quote(mut self, label: Text, text: &str) -> Self {
        let lines = quoted(text);
        self.quote = (!lines.is_empty()).then_some((label, lines));
        self
    }

    /// Where to go from here.
    pub(super) fn button(mut self, label: Text, link: impl Into<String>) -> Self {
        self.button = Some((label, link.into()));
        self
    }

    /// The last, small words.
    pub(super) fn close(mut self, text: Text) -> Self {
        self.closing = Some(text);
        self
    }

    /// The letter in both forms.
    pub(super) fn letter(self) -> Letter {
        let (text, html) = (self.text(), self.html());
        Letter { to: self.to, subject: self.subject, text, html }
    }

    fn text(&self) -> String {
        let word = |text: Text| text.get(self.language);
        let mut blocks = vec![self.greeting.clone()];
        blocks.extend(self.paragraphs.iter().cloned());
        let facts = self.facts.iter().map(|(label, value)| format!("{}: {value}", word(*label)));
        blocks.push(facts.collect::<Vec<_>>().join("\n"));
        if let Some((label, lines)) = &self.quote {
            blocks.push(format!("{}:\n> {}", word(*label), lines.join("\n> ")));
        }
        if let Some((label, link)) = &self.button {
            blocks.push(format!("{}:\n{link}", word(*label)));
        }
        blocks.extend(self.closing.map(|closing| word(closing).to_owned()));
        blocks.push(format!("-- \n{}\n", word(words::FOOTER)));
        blocks.retain(|block| !block.is_empty());
        blocks.join("\n\n")
    }

    fn html(&self) -> String {
        let mut body = vec![paragraph("", &self.greeting)];
        body.extend(self.paragraphs.iter().map(|text| paragraph("", text)));
        body.push(self.html_facts());
        body.push(self.html_quote());
        body.push(self.html_button());
        body.extend(self.closing.map(|closing| paragraph(SMALL, closing.get(self.language))));
        body.push(paragraph(FOOT, words::FOOTER.get(self.language)));
        body.retain(|block| !block.is_empty());
        page(self.language, &self.subject, &body.join("\n"))
    }

    fn html_facts(&self) -> String {
        let rows: String = self
            .facts
            .iter()
            .map(|(label, value)| {
                format!(
                    "<tr><td style=\"padding:4px 12px 4px 0;color:#52606d\">{}</td><td style=\"padding:4px 0\">{}</td></tr>",
                    escape(label.get(self.language)),
                    escape(value)
                )
            })
            .collect();
        if rows.is_empty() {
            rows
        } else {
            format!(
                "<table role=\"presentation\" style=\"border-collapse:collapse;font-size:15px\">{rows}</table>"
            )
        }
    }

    fn html_quote(&self) -> String {
        let Some((label, lines)) = &self.quote else { return String::new() };
        let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
        format!(
            "<p style=\"margin-bottom:4px\">{}:</p>\n<blockquote style=\"margin:0 0 16px;padding:8px 16px;border-left:3px solid #cbd2d9\">{}</blockquote>",
            escape(label.get(self.language)),
            lines.join("<br>")
        )
    }

    fn html_button(&self) -> String {
        let Some((label, link)) = &self.button else { return String::new() };
        let (label, link) = (escape(label.get(self.language)), escape(link));
        format!(
            "<p style=\"text-align:center\"><a href=\"{link}\" style=\"{BUTTON}\">{label}</a></p>\n<p style=\"{SMALL};word-break:break-all\">{link}</p>"
        )
    }
}

const BUTTON: &str = "display:inline-block;padding:12px 24px;background:#4f46e5;color:#ffffff;text-decoration:none;border-radius:6px";
const SMALL: &str = "font-size:13px;color:#52606d";
const FOOT: &str = "font-size:12px;color:#9aa5b1;border-top:1px solid #e4e7eb;padding-top:12px";

fn paragraph(style: &str, text: &str) -> String {
    let style = if style.is_empty() { String::new() } else { format!(" style=\"{style}\"") };
    format!("<p{style}>{}</p>", escape(text))
}

fn page(language: Language, title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body style="margin:0;padding:24px;background:#f4f5f7;font-family:Arial,sans-serif;color:#1f2933">
<div style="max-width:480px;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px;font-size:16px;line-height:1.5">
{body}
</div>
</body>
</html>
"#,
        title = escape(title),
    )
}
