//! A Redis of a test's own: to stop, wipe, restore from an old dump, and fill.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::environment;
use crate::process::{Process, eventually, free_port};

/// A Redis server of a test's own, without persistence until it is asked to save.
pub struct RedisServer {
    process: Option<Process>,
    port: u16,
    folder: PathBuf,
}

impl RedisServer {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let port = free_port();
        let folder = environment().folder.join(format!("redis-{port}"));
        fs::create_dir_all(&folder).expect("a folder for Redis");
        let mut server = Self { process: None, port, folder };
        server.restart().await;
        server
    }

    /// Starts it again on the same port, empty.
    pub async fn restart(&mut self) {
        self.stop();
        fs::remove_file(self.dump()).ok();
        self.resume().await;
    }

    /// Starts it again on the same port, with what an earlier [`save`](Self::save) returned.
    pub async fn restore(&mut self, dump: &[u8]) {
        self.stop();
        fs::write(self.dump(), dump).expect("the dump is put back");
        self.resume().await;
    }

    async fn resume(&mut self) {
        let mut command = Command::new(&environment().redis_server);
        command
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--maxmemory-policy", "noeviction"])
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(Process::launch(command));
        eventually("Redis answers", async || {
            redis::Client::open(self.url()).expect("a URL").get_connection().is_ok()
        })
        .await;
    }

    /// Makes it fall silent: connections stay, answers do not come.
    pub fn freeze(&self) {
        self.process.as_ref().expect("runs").signal("STOP");
    }

    /// Lets it go on where it stopped.
    pub fn thaw(&self) {
        self.process.as_ref().expect("runs").signal("CONT");
    }

    /// Kills it.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// `FLUSHALL`.
    pub fn wipe(&self) {
        self.tell(&["FLUSHALL"]);
    }

    /// What it remembers now, as a dump.
    pub fn save(&self) -> Vec<u8> {
        self.tell(&["SAVE"]);
        fs::read(self.dump()).expect("a dump")
    }

    /// Makes every write fail, as a full disk does: no dump can be written, and Redis refuses to go on without.
    pub async fn fill_disk(&self) {
        fs::remove_file(self.dump()).ok();
        fs::create_dir(self.dump()).expect("a folder where the dump should be");
        self.tell(&["CONFIG", "SET", "save", "3600 1"]);
        self.tell(&["BGSAVE"]);
        eventually("Redis notices its disk", async || {
            self.ask(&["SET", "full", "disk"]).is_err_and(|error| error.code() == Some("MISCONF"))
        })
        .await;
    }

    /// There is room on the disk again.
    pub async fn clear_disk(&self) {
        fs::remove_dir(self.dump()).expect("the folder is taken away");
        self.tell(&["BGSAVE"]);
        eventually("Redis writes again", async || self.ask(&["SET", "full", "disk"]).is_ok()).await;
        self.tell(&["CONFIG", "SET", "save", ""]);
    }

    /// Runs a command that must not fail.
    pub fn tell(&self, words: &[&str]) {
        self.ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }

    fn ask(&self, words: &[&str]) -> redis::RedisResult<()> {
        let mut conn = redis::Client::open(self.url())?.get_connection()?;
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(word);
        });
        command.exec(&mut conn)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn dump(&self) -> PathBuf {
        self.folder.join("dump.rdb")
    }
}
