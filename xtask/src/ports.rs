//! Free loopback ports, remembered by name so that a restart finds its own again.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::ops::Range;
use std::path::PathBuf;

use crate::failure::Result;
use crate::files;

/// Below the range from which systems take the ports of outgoing connections:
/// one of those must not hold our port while a server restarts.
const RANGE: Range<u16> = 20_000..32_000;
const TRIES: usize = 500;

/// The ports of one site, kept in a file of `name=port` lines.
pub(crate) struct Ports {
    file: PathBuf,
    known: BTreeMap<String, u16>,
    handed_out: Vec<u16>,
}

impl Ports {
    /// Reads what earlier runs used; an absent file is an empty one.
    pub(crate) fn open(file: PathBuf) -> Self {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let known = text.lines().filter_map(|line| {
            let (name, port) = line.split_once('=')?;
            Some((name.to_owned(), port.parse().ok()?))
        });
        Self { known: known.collect(), file, handed_out: Vec::new() }
    }

    /// The port that `name` used last, free or not.
    pub(crate) fn remembered(&self, name: &str) -> Option<u16> {
        self.known.get(name).copied()
    }

    /// A free port for `name`: the same as last time when possible.
    pub(crate) fn take(&mut self, name: &str) -> Result<u16> {
        let port = self
            .remembered(name)
            .into_iter()
            .chain(candidates())
            .find(|port| !self.handed_out.contains(port) && is_free(*port))
            .ok_or_else(|| format!("no free port found for {name}"))?;
        self.handed_out.push(port);
        self.known.insert(name.to_owned(), port);
        let lines: String =
            self.known.iter().map(|(name, port)| format!("{name}={port}\n")).collect();
        files::write(&self.file, &lines, 0o644)?;
        Ok(port)
    }
}

/// Whether a server could listen on this loopback port now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Random ports, so that two runs at once rarely want the same one.
fn candidates() -> impl Iterator<Item = u16> {
    let width = u64::from(RANGE.end - RANGE.start);
    let random = RandomState::new();
    (0..TRIES).filter_map(move |turn| {
        let offset = u16::try_from(random.hash_one(turn) % width).ok()?;
        Some(RANGE.start + offset)
    })
}
