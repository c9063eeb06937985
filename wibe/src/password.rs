//! Where a new password comes from: never from an argument, which every process of the machine can read.

use std::io::{IsTerminal as _, Write as _, stderr, stdin};

use nix::sys::termios::{self, LocalFlags, SetArg, Termios};

use crate::{Failure, variables};

/// The variable with the password.
const PASSWORD: &str = "WIBE_PASSWORD";

/// The password from the environment, from the terminal (asked for twice, not shown) or from the first line of standard
/// input.
pub(crate) fn read() -> Result<String, Failure> {
    if let Some(password) = variables::get(PASSWORD) {
        return Ok(password);
    }
    let password = if stdin().is_terminal() { ask()? } else { line()? };
    if password.is_empty() {
        return Err(Failure(format!(
            "the password comes in {PASSWORD}, on standard input or with --generate-password, and there is none"
        )));
    }
    Ok(password)
}

fn ask() -> Result<String, Failure> {
    let _silent = Silence::begin()?;
    let password = prompted("Password: ")?;
    if prompted("The same again: ")? == password {
        Ok(password)
    } else {
        Err(Failure("the two passwords are not the same".to_owned()))
    }
}

fn prompted(prompt: &str) -> Result<String, Failure> {
    eprint!("{prompt}");
    stderr().flush().map_err(|error| Failure(error.to_string()))?;
    let line = line();
    // The person's own line break is not shown either.
    eprintln!();
    line
}

fn line() -> Result<String, Failure> {
    let mut line = String::new();
    stdin()
        .read_line(&mut line)
        .map_err(|error| Failure(format!("cannot read the password: {error}")))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence(Termios);

impl Silence {
    fn begin() -> Result<Self, Failure> {
        let failed = |error| Failure(format!("the terminal does not go silent: {error}"));
        let before = termios::tcgetattr(stdin()).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        termios::tcsetattr(stdin(), SetArg::TCSAFLUSH, &silent).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Err(error) = termios::tcsetattr(stdin(), SetArg::TCSAFLUSH, &self.0) {
            eprintln!("wibe: the terminal stays silent ({error}): type `stty echo`");
        }
    }
}
