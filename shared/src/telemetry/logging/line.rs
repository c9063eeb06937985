//! One line of text: `2026-11-25 10:00:00,123 [INFO] accounts: signed in user=…`. Whatever a value holds, it stays one line.

use std::fmt::{self, Debug, Write as _};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// How an event is written.
pub(super) struct Line;

/// How the fields of a span are written, once.
pub(super) struct Fields;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let now = DateTime::<Utc>::from(SystemTime::now()).format("%Y-%m-%d %H:%M:%S,%3f");
        let (level, target) = (level(*event.metadata().level()), event.metadata().target());
        let name = said.logger.as_deref().unwrap_or(target);
        write!(writer, "{now} [{level}] {name}: {}{}", said.message, said.fields)?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                writer.write_str(fields)?;
            }
        }
        writeln!(writer)
    }
}

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut said = Said::default();
        fields.record(&mut said);
        writer.write_str(&said.fields)
    }
}

/// How an event is written as JSON: what JSON itself would let through is escaped too.
pub(super) struct JsonLine(pub(super) Format<Json>);

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        self.0.format_event(context, Writer::new(&mut text), event)?;
        for c in text.trim_end_matches('\n').chars() {
            if is_hidden(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                writer.write_char(c)?;
            }
        }
        writeln!(writer)
    }
}

/// The names of the specification's logging module.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

/// What an event says: its sentence, and its fields behind it.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
    /// Who speaks, when it is a crate that logs through `log`.
    logger: Option<String>,
}

impl Said {
    fn field(&mut self, name: &str, value: &str) {
        let quoted = value.is_empty()
            || value.contains(|c: char| c.is_whitespace() || c == '=' || is_hidden(c));
        self.fields.push(' ');
        self.fields.push_str(name);
        self.fields.push('=');
        if quoted { self.quote(value) } else { self.fields.push_str(value) }
    }

    fn quote(&mut self, value: &str) {
        self.fields.push('"');
        for c in value.chars() {
            if c == '"' || c == '\\' {
                self.fields.push('\\');
            }
            push(&mut self.fields, c);
        }
        self.fields.push('"');
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.chars().for_each(|c| push(&mut self.message, c)),
            "log.target" => self.logger = Some(value.chars().filter(|c| !is_hidden(*c)).collect()),
            name if name.starts_with("log.") => {}
            name => {
                self.fields.push(' ');
                self.fields.push_str(name);
                self.fields.push('=');
                self.quote(value);
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        if write!(text, "{value:?}").is_err() {
            text.push_str("(cannot be shown)");
        }
        match field.name() {
            "message" => text.chars().for_each(|c| push(&mut self.message, c)),
            name if name.starts_with("log.") => {}
            name => self.field(name, &text),
        }
    }
}

/// Whether a terminal or a reader would take the character for anything but itself: controls, line separators, and what
/// turns the direction of writing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn push(text: &mut String, c: char) {
    if is_hidden(c) { text.extend(c.escape_default()) } else { text.push(c) }
}
