//! The whole platform on this machine: servers, schema, demo data, and its processes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::environment::Environment;
use crate::failure::Result;
use crate::files;
use crate::http;
use crate::interrupts;
use crate::postgres;
use crate::redis;
use crate::sandbox;
use crate::service::{Output, Role, Service};
use crate::site::Site;

/// The database of the development platform.
const DATABASE: &str = "wibe";
const READY_MAX: Duration = Duration::from_secs(120);

/// A running platform.
pub(crate) struct Platform {
    /// What its processes were told.
    pub(crate) environment: Environment,
    /// Each process's name and the base URL of its metrics.
    pub(crate) processes: Vec<(String, String)>,
    programs: PathBuf,
}

/// Starts everything and returns when every process says that it is ready.
pub(crate) fn start(
    site: &mut Site,
    environment: Environment,
    programs: PathBuf,
    workers: u16,
) -> Result<Platform> {
    let mut platform = Platform { environment, processes: Vec::new(), programs };
    platform.start_servers(site)?;
    platform.choose_settings(site)?;
    platform.operate(site, "migrate")?;
    platform.operate(site, "seed-demo")?;
    platform.start_sandbox(site)?;
    platform.start_processes(site, workers)?;
    platform.wait_until_ready(site)?;
    Ok(platform)
}

impl Platform {
    /// The API's base URL.
    pub(crate) fn api_url(&self) -> &str {
        self.environment.get("API_URL").unwrap_or_default()
    }

    /// The payments sandbox's base URL.
    pub(crate) fn sandbox_url(&self) -> &str {
        self.environment.get("SANDBOX_URL").unwrap_or_default()
    }

    /// A command of this platform, with its whole environment.
    pub(crate) fn command(&self, program: &str, workplace: &Path) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(workplace).envs(self.environment.pairs());
        command
    }

    /// Servers of our own, for what the caller has none of.
    fn start_servers(&mut self, site: &mut Site) -> Result<()> {
        let environment = &mut self.environment;
        if environment.get("DATABASE_URL").is_none() {
            let cluster = postgres::start(site)?;
            cluster.create_database(DATABASE)?;
            environment.set("DATABASE_URL", cluster.url(postgres::APP, DATABASE));
            environment.set("MIGRATION_DATABASE_URL", cluster.url(postgres::OWNER, DATABASE));
        }
        let database = environment.get("DATABASE_URL").unwrap_or_default().to_owned();
        environment.default("MIGRATION_DATABASE_URL", database);
        if environment.get("REDIS_URL").is_none() {
            let redis = redis::start(site)?;
            environment.set("REDIS_URL", format!("{redis}/0"));
            environment.default("CELERY_BROKER_URL", format!("{redis}/1"));
        }
        let redis = environment.get("REDIS_URL").unwrap_or_default().to_owned();
        environment.default("CELERY_BROKER_URL", redis);
        Ok(())
    }

    fn choose_settings(&mut self, site: &mut Site) -> Result<()> {
        let environment = &mut self.environment;
        let api_url = environment.get("API_URL").unwrap_or_default().to_owned();
        environment.default("PUBLIC_URL", api_url);
        for (name, folder) in [("MAIL_DIR", "mail"), ("SMS_DIR", "sms"), ("MEDIA_DIR", "media")] {
            let folder = site.folder.join(folder);
            files::create_folder(&folder)?;
            environment.default(name, folder.display().to_string());
        }
        for (name, value) in sandbox::settings() {
            environment.default(name, value);
        }
        let url = format!("http://127.0.0.1:{}", site.ports.take("sandbox")?);
        for (name, path) in sandbox::ADDRESSES {
            environment.default(name, format!("{url}{path}"));
        }
        environment.set("SANDBOX_URL", url);
        Ok(())
    }

    /// Runs the operator command to its end.
    fn operate(&self, site: &mut Site, what: &str) -> Result<()> {
        let mut wibe = self.command("wibe", &site.workplace);
        interrupts::run_well(wibe.arg(what), &format!("wibe {what}"), || site.processes.tend())
    }

    /// The providers' side: it is there before our processes call it, and until they have ended.
    fn start_sandbox(&self, site: &mut Site) -> Result<()> {
        let name = "sandbox".to_owned();
        let mut command = self.command(&name, &site.workplace);
        command.env("SANDBOX_LISTEN", self.sandbox_url().trim_start_matches("http://"));
        let output = if site.throw_away { Output::File(site.log(&name)?) } else { Output::Console };
        let role = Role::Server(Signal::SIGTERM);
        site.processes.start(Service { name, command, role, output })
    }

    fn start_processes(&mut self, site: &mut Site, workers: u16) -> Result<()> {
        let mut names = vec![("api", "api".to_owned())];
        names.extend((1..=workers).map(|number| ("worker", format!("worker-{number}"))));
        names.push(("scheduler", "scheduler-1".to_owned()));
        for name in ["API_METRICS_URL", "WORKER_METRICS_URL", "SCHEDULER_METRICS_URL"] {
            self.environment.forget(name);
        }
        for (program, name) in &names {
            let port = site.ports.take(&format!("{name}-metrics"))?;
            let base = format!("http://127.0.0.1:{port}");
            let prefix = program.to_uppercase();
            // The first worker's is the one that others are told.
            self.environment.default(&format!("{prefix}_METRICS_URL"), format!("{base}/metrics"));
            self.processes.push((name.clone(), base));
        }
        let file = site.folder.join("env");
        self.environment.export(&sandbox::exported(), &file)?;
        for ((program, name), (_, base)) in names.iter().zip(&self.processes) {
            let mut command = self.command(program, &site.workplace);
            let listen = base.trim_start_matches("http://");
            command.env(format!("{}_METRICS_LISTEN", program.to_uppercase()), listen);
            command.env(format!("{}_NAME", program.to_uppercase()), name);
            let output =
                if site.throw_away { Output::File(site.log(name)?) } else { Output::Console };
            let service = Service { name: name.clone(), command, role: Role::Process, output };
            site.processes.start(service)?;
        }
        Ok(())
    }

    fn wait_until_ready(&self, site: &mut Site) -> Result<()> {
        let api = ("api".to_owned(), self.api_url().to_owned());
        let sandbox = ("sandbox".to_owned(), self.sandbox_url().to_owned());
        let mut waiting: Vec<_> = self.processes.iter().chain([&api, &sandbox]).collect();
        let all_ready = || {
            waiting.retain(|(_, base)| !http::is_ready(base));
            waiting.is_empty()
        };
        if site.processes.tend_until(READY_MAX, all_ready)? {
            return Ok(());
        }
        let names: Vec<_> = waiting.iter().map(|(name, _)| name.as_str()).collect();
        Err(format!("not ready: {}", names.join(", ")))
    }
}
