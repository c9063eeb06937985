//! One question over HTTP: does this process say that it is ready?

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// Whether `GET {base}/health/ready/` answers 200; `base` is `http://host:port`.
pub(crate) fn is_ready(base: &str) -> bool {
    status(base, "/health/ready/").is_some_and(|status| status == "200")
}

fn status(base: &str, path: &str) -> Option<String> {
    let host = base.strip_prefix("http://")?.trim_end_matches('/');
    let address = host.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    line.split(' ').nth(1).map(str::to_owned)
}
