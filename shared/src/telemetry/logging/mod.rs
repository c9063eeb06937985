//! Structured logs: text as the specification writes it, JSON in production; to standard output, and to a file.

mod file;
mod line;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::settings::LogSettings;
use file::LogFile;
use line::{Fields, JsonLine, Line};

/// Where lines go.
type Output = Box<dyn Layer<Registry> + Send + Sync>;

/// A process's log while it is written. Dropped, it is written out.
pub(super) struct Logging(Option<LogFile>);

/// Starts logging for a process of this name. Calling it twice keeps the first.
///
/// # Errors
/// One sentence about the log file.
pub(super) fn start(
    process: &str,
    settings: &LogSettings,
    errors_too: bool,
) -> Result<Logging, String> {
    let file = settings.file.as_ref().map(|file| LogFile::open(file, process)).transpose()?;
    let mut outputs = vec![output(settings, std::io::stdout)];
    if let Some(file) = &file {
        outputs.push(output(settings, file.writer()));
    }
    if errors_too {
        let errors = sentry::integrations::tracing::ErrorLayer::new();
        outputs.push(errors.with_filter(LevelFilter::ERROR).boxed());
    }
    if subscriber(settings, outputs).try_init().is_err() {
        tracing::debug!("logging was already started");
    }
    Ok(Logging(file))
}

impl Drop for Logging {
    fn drop(&mut self) {
        let dropped = self.0.as_ref().map_or(0, LogFile::dropped);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "the disk was too slow: lines are missing in the log file, not on standard output"
            );
        }
    }
}

fn output<W>(settings: &LogSettings, writer: W) -> Output
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    if settings.json {
        let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
        lines.map_event_format(JsonLine).boxed()
    } else {
        lines.fmt_fields(Fields).event_format(Line).boxed()
    }
}

fn subscriber(settings: &LogSettings, outputs: Vec<Output>) -> impl Subscriber + Send + Sync {
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::registry().with(outputs).with(filter).with(filter_fn(is_no_secret))
}

/// Whatever `LOG_LEVEL` says, the protocol of the mail server is not logged: our password and every mailed token are in it.
fn is_no_secret(metadata: &Metadata<'_>) -> bool {
    !metadata.target().starts_with("lettre") || *metadata.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What `work` has logged.
    fn logged(filter: &str, json: bool, work: impl FnOnce()) -> String {
        let settings = LogSettings { filter: filter.to_owned(), json, file: None };
        let lines = Lines::default();
        let outputs = vec![output(&settings, lines.clone())];
        tracing::subscriber::with_default(subscriber(&settings, outputs), work);
        let written = lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(written).expect("UTF-8")
    }

    #[test]
    fn a_line_is_written_as_the_specification_writes_it() {
        let text = logged("info", false, || {
            let span = tracing::info_span!("request", trace_id = "from-click-to-mail");
            span.in_scope(|| {
                let user = "0199-7";
                tracing::info!(target: "accounts", user = %user, tries = 2, "signed in");
                tracing::warn!(target: "jobs", error = "it broke", "run failed");
            });
            tracing::error!(target: "http", "{} of {}", 1, 2);
        });
        let lines: Vec<&str> = text.lines().collect();
        let [first, second, third] = lines.as_slice() else { unreachable!("three lines: {text}") };
        let (time, rest) = first.split_at(23);
        assert!(
            time.chars().zip("2026-11-25 10:00:00,123".chars()).all(|(is, like)| {
                if like.is_ascii_digit() { is.is_ascii_digit() } else { is == like }
            }),
            "{time}"
        );
        let said =
            " [INFO] accounts: signed in user=0199-7 tries=2 trace_id=\"from-click-to-mail\"";
        assert_eq!(rest, said);
        assert!(second.ends_with(
            " [WARNING] jobs: run failed error=\"it broke\" trace_id=\"from-click-to-mail\""
        ));
        assert!(third.ends_with(" [ERROR] http: 1 of 2"), "{third}");
    }

    #[test]
    fn nobody_writes_a_second_line_into_our_log() {
        let hostile = "x\n2026-11-25 10:00:00,123 [INFO] accounts: signed in user=admin\r\u{1b}[2K\u{0}\u{85}\u{2028}\u{202e}";
        struct Shown<'a>(&'a str);
        impl std::fmt::Debug for Shown<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
        for json in [false, true] {
            let text = logged("info", json, || {
                let span = tracing::info_span!("request", trace_id = hostile, shown = %hostile);
                span.in_scope(|| {
                    tracing::info!(target: "http", text = hostile, shown = %hostile, debug = ?Shown(hostile), "{hostile}");
                });
            });
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.ends_with('\n'));
            let line = text.trim_end_matches('\n');
            let control = line.chars().find(|c| c.is_control());
            assert_eq!(control, None, "{line}");
            assert!(!line.contains(['\u{2028}', '\u{202e}']), "{line}");
            if json {
                let read: serde_json::Value = serde_json::from_str(line).expect("JSON");
                assert_eq!(read.get("text").and_then(serde_json::Value::as_str), Some(hostile));
            } else {
                // Where a value could be taken for another field, it is quoted.
                assert!(
                    line.matches("user=admin").count() >= 4 && !line.contains("shown=x"),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn the_protocol_of_the_mail_server_is_never_logged() {
        let written = logged("trace,lettre=trace", false, || {
            tracing::debug!(target: "lettre::transport::smtp::client", "Wrote: AUTH PLAIN AHUAcA==");
            tracing::warn!(target: "lettre::transport::smtp::client", "a warning");
            tracing::debug!(target: "jobs", "a job");
        });
        assert!(!written.contains("AUTH PLAIN"), "{written}");
        assert!(written.contains("a warning") && written.contains("a job"), "{written}");
    }
}
