//! What the developer sees: whole lines, never mixed, never a panic when the reader has gone.

use std::fmt::Display;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::thread::{self, JoinHandle};

/// Wide enough for `scheduler-1`.
const NAME_WIDTH: usize = 11;
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// Prints one line of this tool itself.
pub(crate) fn say(text: impl Display) {
    // A closed pipe must not stop us from stopping the servers.
    writeln!(io::stdout().lock(), "{text}").ok();
}

/// Prints the line with which this tool gives up.
pub(crate) fn complain(text: impl Display) {
    writeln!(io::stderr().lock(), "xtask: {text}").ok();
}

/// Prints one line of the process `name`, with its name in front.
fn relay(name: &str, text: &str) {
    if io::stdout().is_terminal() {
        say(format_args!("\x1b[{}m{name:<NAME_WIDTH$} |\x1b[0m {text}", colour(name)));
    } else {
        say(format_args!("{name:<NAME_WIDTH$} | {text}"));
    }
}

/// Copies a process's output line by line, until the process closes it.
pub(crate) fn relay_all(name: &str, stream: impl Read + Send + 'static) -> JoinHandle<()> {
    let name = name.to_owned();
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line), Ok(length) if length > 0) {
            relay(&name, String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    })
}

/// The same name has the same colour in every run.
fn colour(name: &str) -> u8 {
    let sum: usize = name.bytes().map(usize::from).sum();
    COLOURS.get(sum % COLOURS.len()).copied().unwrap_or(0)
}
