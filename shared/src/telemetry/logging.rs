//! Structured logs: text as the specification writes it in development, JSON in production.

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::settings::LogSettings;

/// Starts logging to standard output. Calling it twice keeps the first.
pub fn init_logging(settings: &LogSettings) {
    let started = if settings.json {
        json(settings, std::io::stdout).try_init()
    } else {
        text(settings, std::io::stdout).try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was already started");
    }
}

fn text<W>(settings: &LogSettings, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(filter(settings)).with_writer(writer);
    let lines = lines.with_span_events(FmtSpan::NONE).with_ansi(false);
    lines.finish().with(filter_fn(is_no_secret))
}

fn json<W>(settings: &LogSettings, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(filter(settings)).with_writer(writer);
    let lines = lines.with_span_events(FmtSpan::NONE).with_ansi(false);
    let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
    lines.finish().with(filter_fn(is_no_secret))
}

fn filter(settings: &LogSettings) -> EnvFilter {
    EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"))
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

    #[test]
    fn the_protocol_of_the_mail_server_is_never_logged() {
        let everything = LogSettings { filter: "trace,lettre=trace".to_owned(), json: false };
        let lines = Lines::default();
        tracing::subscriber::with_default(text(&everything, lines.clone()), || {
            tracing::debug!(target: "lettre::transport::smtp::client", "Wrote: AUTH PLAIN AHUAcA==");
            tracing::warn!(target: "lettre::transport::smtp::client", "a warning");
            tracing::debug!(target: "jobs", "a job");
        });
        let written = lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let written = String::from_utf8(written).expect("UTF-8");
        assert!(!written.contains("AUTH PLAIN"), "{written}");
        assert!(written.contains("a warning") && written.contains("a job"), "{written}");
    }
}
