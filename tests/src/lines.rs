//! What a test's own thread writes to the log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// The log as JSON, an object a line.
#[derive(Clone, Default)]
pub struct LogLines(Arc<Mutex<Vec<u8>>>);

/// While it lives, the lines are kept.
pub struct Listening {
    _default: DefaultGuard,
    _second: tracing::Dispatch,
}

impl LogLines {
    /// Keeps what this thread logs from now on. A test on one thread sees all of itself and nothing else.
    pub fn listen() -> (Self, Listening) {
        let lines = Self::default();
        let subscriber =
            tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone());
        // With one subscriber alone, a line that another test's thread reaches first is asked of that thread's, which has
        // none, and is silent everywhere from then on.
        let second = tracing::Dispatch::new(tracing_subscriber::registry());
        let default = tracing::subscriber::set_default(subscriber.finish());
        (lines, Listening { _default: default, _second: second })
    }

    /// The events since the last call.
    pub fn take(&self) -> Vec<Value> {
        let text = std::mem::take(&mut *self.0.lock().expect("one at a time"));
        let text = String::from_utf8(text).expect("UTF-8");
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one at a time").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogLines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
