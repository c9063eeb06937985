//! A mail server of a test's own: speaks SMTP on loopback, keeps what it takes, and does what it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::letter::Received;

/// What the server does when a command comes, instead of obeying.
#[derive(Clone, Debug)]
pub enum Whim {
    /// Answers this.
    Say(&'static str),
    /// Says nothing until the client is gone.
    Stall,
    /// Obeys, and answers only after this long.
    Dawdle(Duration),
    /// Closes the connection.
    HangUp,
}

/// How the line is protected.
#[derive(Clone, Default)]
pub enum Line {
    /// Not at all.
    #[default]
    Plain,
    /// After STARTTLS.
    StartTls(TlsAcceptor),
    /// From the first byte.
    Tls(TlsAcceptor),
}

/// A running server.
pub struct SmtpServer {
    address: SocketAddr,
    state: Arc<State>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    seen: Mutex<Seen>,
    whims: Mutex<Vec<(String, Whim)>>,
    /// What a client must log in with.
    login: Option<(&'static str, &'static str)>,
    line: Line,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    commands: Vec<String>,
    mails: Vec<Received>,
}

impl SmtpServer {
    /// Starts a server that anybody may use.
    pub async fn start() -> Self {
        Self::start_with(State::default()).await
    }

    /// Starts a server that takes mail from this user with this password.
    pub async fn start_with_login(user: &'static str, password: &'static str) -> Self {
        Self::start_with(State { login: Some((user, password)), ..State::default() }).await
    }

    /// Starts a server whose line is protected, with a login.
    pub async fn start_protected(line: Line, user: &'static str, password: &'static str) -> Self {
        let login = Some((user, password));
        Self::start_with(State { login, line, ..State::default() }).await
    }

    async fn start_with(state: State) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { address, state: Arc::new(state), listener: None };
        server.up().await;
        server
    }

    /// Listens; after [`down`](Self::down) again on the same port.
    pub async fn up(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is free");
        self.address = listener.local_addr().expect("an address");
        self.listener = Some(tokio::spawn(listen(listener, Arc::clone(&self.state))));
    }

    /// Closes every connection, and takes no new one.
    pub async fn down(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
            listener.await.ok();
        }
    }

    /// From now on meets a command (such as `RCPT`, or `.` for the end of a letter, or nothing for the greeting) with a whim.
    pub fn on(&self, command: &str, whim: Whim) {
        self.state.whims().push((command.to_owned(), whim));
    }

    /// Obeys again.
    pub fn obey(&self) {
        self.state.whims().clear();
    }

    /// Every letter it has taken, in order.
    pub fn mails(&self) -> Vec<Received> {
        self.state.seen().mails.clone()
    }

    /// The letters it has taken for an address.
    pub fn mails_to(&self, address: &str) -> Vec<Received> {
        self.mails().into_iter().filter(|mail| mail.to == [address]).collect()
    }

    /// How many connections clients have made.
    pub fn connections(&self) -> usize {
        self.state.seen().connections
    }

    /// The first word of every command it has heard.
    pub fn commands(&self) -> Vec<String> {
        self.state.seen().commands.clone()
    }

    /// Its port, as a setting.
    pub fn port(&self) -> String {
        self.address.port().to_string()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
    }
}

impl State {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("not poisoned")
    }

    fn whims(&self) -> MutexGuard<'_, Vec<(String, Whim)>> {
        self.whims.lock().expect("not poisoned")
    }

    fn whim(&self, command: &str) -> Option<Whim> {
        self.whims().iter().rev().find(|(at, _)| at == command).map(|(_, whim)| whim.clone())
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.expect("accepts");
        state.seen().connections += 1;
        let state = Arc::clone(&state);
        // An error is a client that went away.
        connections.spawn(async move { serve(stream, &state).await.ok() });
    }
}

/// One connection, protected as the server says.
async fn serve(stream: TcpStream, state: &State) -> std::io::Result<()> {
    match &state.line {
        Line::Plain => Conversation::new(stream, state).run().await.map(drop),
        Line::Tls(acceptor) => {
            Conversation::new(acceptor.accept(stream).await?, state).run().await.map(drop)
        }
        Line::StartTls(acceptor) => match Conversation::new(stream, state).run().await? {
            Some(stream) => {
                let mut protected = Conversation::new(acceptor.accept(stream).await?, state);
                protected.is_protected = true;
                protected.commands().await.map(drop)
            }
            None => Ok(()),
        },
    }
}

/// What is said on one connection.
struct Conversation<'a, S> {
    stream: BufStream<S>,
    state: &'a State,
    from: String,
    to: Vec<String>,
    is_protected: bool,
}

/// How the conversation goes on.
#[derive(PartialEq)]
enum Next {
    GoesOn,
    TurnsToTls,
    Ends,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Conversation<'a, S> {
    fn new(stream: S, state: &'a State) -> Self {
        let (from, to) = (String::new(), Vec::new());
        Self { stream: BufStream::new(stream), state, from, to, is_protected: false }
    }

    /// The conversation from its greeting on. Returns the stream that is to be protected.
    async fn run(mut self) -> std::io::Result<Option<S>> {
        if self.answer("", "220 test.example ESMTP").await? == Next::Ends {
            return Ok(None);
        }
        self.commands().await
    }

    async fn commands(mut self) -> std::io::Result<Option<S>> {
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(None);
            }
            let command = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            self.state.seen().commands.push(command.clone());
            match self.obey(&command, line.trim_end()).await? {
                Next::GoesOn => {}
                Next::TurnsToTls => return Ok(Some(self.stream.into_inner())),
                Next::Ends => return Ok(None),
            }
        }
    }

    async fn obey(&mut self, command: &str, line: &str) -> std::io::Result<Next> {
        let argument = || address(line).to_owned();
        match command {
            "EHLO" => {
                let tls = matches!(self.state.line, Line::StartTls(_)) && !self.is_protected;
                let starttls = if tls { "250-STARTTLS\r\n" } else { "" };
                let auth = if self.state.login.is_some() { "250-AUTH PLAIN LOGIN\r\n" } else { "" };
                let offer =
                    format!("250-test.example\r\n{starttls}{auth}250-8BITMIME\r\n250 SMTPUTF8");
                self.answer(command, &offer).await
            }
            "STARTTLS" => {
                self.answer(command, "220 2.0.0 go on").await?;
                Ok(Next::TurnsToTls)
            }
            "AUTH" => {
                let given = line.split_whitespace().nth(2).unwrap_or_default();
                let known = self.state.login.is_none_or(|login| plain(login) == given);
                let refusal = "535 5.7.8 authentication failed";
                self.answer(command, if known { "235 2.7.0 welcome" } else { refusal }).await
            }
            "MAIL" => {
                (self.from, self.to) = (argument(), Vec::new());
                self.answer(command, "250 2.1.0 ok").await
            }
            "RCPT" => {
                self.to.push(argument());
                self.answer(command, "250 2.1.5 ok").await
            }
            "DATA" => {
                let next = self.answer(command, "354 go on").await?;
                if next == Next::GoesOn && self.state.whim(command).is_none() {
                    return self.content().await;
                }
                Ok(next)
            }
            "RSET" | "NOOP" => self.answer(command, "250 2.0.0 ok").await,
            "QUIT" => {
                self.answer(command, "221 2.0.0 bye").await?;
                Ok(Next::Ends)
            }
            _ => self.answer(command, "502 5.5.2 not known here").await,
        }
    }

    /// The letter itself. It is taken before it is answered: a client that hears no answer sends it again.
    async fn content(&mut self) -> std::io::Result<Next> {
        let mut raw = String::new();
        loop {
            let line = self.line().await?;
            match line.as_str() {
                "" => return Ok(Next::Ends),
                ".\r\n" => break,
                stuffed => raw.push_str(stuffed.strip_prefix('.').unwrap_or(stuffed)),
            }
        }
        if !matches!(self.state.whim("."), Some(Whim::Say(_))) {
            let mail = Received { from: self.from.clone(), to: self.to.clone(), raw };
            self.state.seen().mails.push(mail);
        }
        self.answer(".", "250 2.0.0 taken").await
    }

    async fn answer(&mut self, command: &str, usual: &str) -> std::io::Result<Next> {
        let answer = match self.state.whim(command) {
            None => usual,
            Some(Whim::Say(answer)) => answer,
            Some(Whim::Stall) => {
                while !self.line().await?.is_empty() {}
                return Ok(Next::Ends);
            }
            Some(Whim::Dawdle(wait)) => {
                tokio::time::sleep(wait).await;
                usual
            }
            Some(Whim::HangUp) => return Ok(Next::Ends),
        };
        self.stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        self.stream.flush().await?;
        Ok(if answer.starts_with("421") { Next::Ends } else { Next::GoesOn })
    }

    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        Ok(line)
    }
}

/// What is between the angle brackets of `MAIL FROM:<…>` and `RCPT TO:<…>`.
fn address(line: &str) -> &str {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("", |(address, _)| address)
}

/// A login as SASL PLAIN writes it.
fn plain((user, password): (&str, &str)) -> String {
    STANDARD.encode(format!("\0{user}\0{password}"))
}
