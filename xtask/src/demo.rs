//! `cargo xtask demo`: one purchase told step by step, on the running platform or on one of its own.

use std::process::{Command, ExitCode};

use crate::checkout::Checkout;
use crate::console::say;
use crate::environment::Environment;
use crate::failure::Result;
use crate::http;
use crate::interrupts;
use crate::platform;
use crate::prerequisites::{self, Need};
use crate::sandbox;
use crate::site::Site;

/// Runs the demo; its exit status is ours.
pub(crate) fn run(checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
    let running = Environment::parse(&checkout.local().join("env"));
    if let Some(api_url) = running.get("API_URL").filter(|url| http::is_ready(url)) {
        say(format_args!("using the platform at {api_url}"));
        let mut demo = Command::new(checkout.build(false)?.join("demo"));
        demo.current_dir(&checkout.root).envs(running.pairs()).args(args);
        return Ok(interrupts::exit_code(interrupts::run(&mut demo, || {})?));
    }
    run_on_its_own(checkout, args)
}

/// On a platform that is there for this purchase only, whatever servers the caller has.
fn run_on_its_own(checkout: &Checkout, args: &[String]) -> Result<ExitCode> {
    prerequisites::ensure(&[Need::Postgres, Need::Redis])?;
    let programs = checkout.build(false)?;
    say("no platform is running here: starting one for this demo …");
    let mut site = Site::throw_away("demo", false)?;
    let mut environment = Environment::read(&checkout.root);
    sandbox::of_one_platform().for_each(|name| environment.forget(name));
    let port = site.ports.take("api")?;
    environment.set("API_URL", format!("http://127.0.0.1:{port}"));
    environment.set("API_LISTEN", format!("127.0.0.1:{port}"));
    let platform = platform::start(&mut site, environment, programs, 1)
        .inspect_err(|_| site.keep_logs(&checkout.local()))?;
    let mut demo = platform.command("demo", &checkout.root);
    let status = interrupts::run(demo.args(args), || site.processes.tend())?;
    if !status.success() {
        site.keep_logs(&checkout.local());
    }
    Ok(interrupts::exit_code(status))
}
