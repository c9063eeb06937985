//! A private Redis: its own folder and port, configured on its command line alone.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::failure::Result;
use crate::files;
use crate::prerequisites;
use crate::service::{Output, Role, Service};
use crate::site::Site;

const START_MAX: Duration = Duration::from_secs(30);
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Starts Redis and returns its URL without a database number.
pub(crate) fn start(site: &mut Site) -> Result<String> {
    let folder = site.folder.join("redis");
    files::create_folder(&folder)?;
    let port = site.ports.take("redis")?;
    let mut command = Command::new(prerequisites::redis_server()?);
    command.current_dir(&folder).args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.arg("--dir").arg(&folder);
    command.args(["--maxmemory-policy", "noeviction", "--daemonize", "no", "--save", ""]);
    // Its command line stays as it is: that is how a leftover is recognised.
    command.args(["--set-proc-title", "no", "--appendfsync", "everysec"]);
    command.args(["--appendonly", if site.durable { "yes" } else { "no" }]);
    let log = site.log("redis")?;
    let (role, output) = (Role::Server(Signal::SIGTERM), Output::File(log.clone()));
    site.processes.start(Service { name: "redis".to_owned(), command, role, output })?;
    if !site.processes.tend_until(START_MAX, || answers(port))? {
        return Err(format!("Redis does not start:\n{}", files::tail(&log, 5)));
    }
    Ok(format!("redis://127.0.0.1:{port}"))
}

/// Whether Redis answers a PING: it refuses while it loads its data.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG")
    };
    ask().unwrap_or(false)
}
