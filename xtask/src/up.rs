//! `cargo xtask up`: the whole platform on this machine, until Ctrl-C.

use crate::args::Up;
use crate::checkout::Checkout;
use crate::console::say;
use crate::environment::Environment;
use crate::failure::Result;
use crate::platform::{self, Platform};
use crate::ports;
use crate::prerequisites::{self, Need};
use crate::sandbox;
use crate::site::Site;

/// Starts the platform, keeps it running, and stops it when asked.
pub(crate) fn run(checkout: &Checkout, options: &Up) -> Result<()> {
    let port = options.port;
    let mut site = Site::local(checkout)?;
    if !ports::is_free(port) {
        let other = port.checked_add(1).unwrap_or(8000);
        return Err(format!("port {port} is taken: choose another with `--port {other}`"));
    }
    let environment = environment(checkout, &site, port);
    prerequisites::ensure(&needs(&environment))?;
    let programs = checkout.build(options.release)?;
    if options.fresh {
        site.forget()?;
    }
    let platform = platform::start(&mut site, environment, programs, options.workers)?;
    greet(&platform);
    site.processes.tend_until_interrupted();
    Ok(())
}

/// What the caller says, without what an earlier run's `.local/env` said about servers of ours.
fn environment(checkout: &Checkout, site: &Site, port: u16) -> Environment {
    let mut environment = Environment::read(&checkout.root);
    let servers = [
        ("DATABASE_URL", "postgres"),
        ("MIGRATION_DATABASE_URL", "postgres"),
        ("REDIS_URL", "redis"),
        ("CELERY_BROKER_URL", "redis"),
    ];
    let sandbox = sandbox::ADDRESSES.map(|(name, _)| (name, "sandbox"));
    for (name, server) in servers.into_iter().chain(sandbox) {
        let address = site.ports.remembered(server).map(|port| format!("127.0.0.1:{port}/"));
        let url = environment.get(name).unwrap_or_default();
        if address.is_some_and(|address| url.contains(&address)) {
            environment.forget(name);
        }
    }
    environment.set("API_URL", format!("http://127.0.0.1:{port}"));
    environment.set("API_LISTEN", format!("127.0.0.1:{port}"));
    environment
}

/// The servers that the caller has not got already.
fn needs(environment: &Environment) -> Vec<Need> {
    [("DATABASE_URL", Need::Postgres), ("REDIS_URL", Need::Redis)]
        .into_iter()
        .filter(|(name, _)| environment.get(name).is_none())
        .map(|(_, need)| need)
        .collect()
}

/// The line that scripts wait for, and what a person may want to open.
fn greet(platform: &Platform) {
    let api = platform.api_url();
    let of = |name: &str| platform.environment.get(name).unwrap_or_default().to_owned();
    say(format_args!("ready {api}"));
    say(format_args!("\n  API docs   {api}/api/v1/docs/"));
    say(format_args!("  health     {api}/health/ready/"));
    say(format_args!("  payments   {}/  (the providers' side of it)", platform.sandbox_url()));
    for (name, base) in &platform.processes {
        say(format_args!("  metrics    {base}/metrics  ({name})"));
    }
    say(format_args!("  mail       {}", of("MAIL_DIR")));
    say(format_args!("  sms        {}", of("SMS_DIR")));
    say("  settings   . .local/env");
    for who in ["STAFF", "SELLER", "BUYER"] {
        let (email, password) = (format!("DEMO_{who}_EMAIL"), format!("DEMO_{who}_PASSWORD"));
        say(format_args!("  {:<10} {}  {}", who.to_lowercase(), of(&email), of(&password)));
    }
    say("\n  In another terminal: cargo xtask demo. Here: Ctrl-C stops everything.\n");
}
