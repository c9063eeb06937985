//! SMTP: a few connections that are kept, and what an answer of the server means.
//!
//! lettre speaks; the pool is ours, because a conversation that is cut off in the middle (a time limit, a shutdown)
//! leaves an answer behind on its connection: whoever used it next would take that answer for its own. Such a
//! connection is never used again.

use std::time::Duration;

use deadpool::managed::{
    Manager, Metrics, Pool, PoolError, QueueMode, RecycleError, RecycleResult, WeakPool,
};
use lettre::Message;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error as SmtpError, response};

use super::Delivery;
use super::letter::one_line;
use crate::error::{Error, Result};
use crate::settings::{MailSettings, Protection, Secret};

/// A kept connection answers NOOP within this, or another one is made.
const PROBE_MAX: Duration = Duration::from_secs(5);
/// The polite last words of a conversation may take this long.
const GOODBYE_MAX: Duration = Duration::from_secs(2);
/// A connection that nobody used for this long is closed; servers give up after one to five minutes.
const IDLE_MAX: Duration = Duration::from_secs(45);

/// The mail server as this process knows it.
pub(super) struct Smtp {
    pool: Pool<Server>,
    timeout: Duration,
}

/// How connections are made.
struct Server {
    host: String,
    port: u16,
    protection: Protection,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
}

/// A connection to the server, logged in.
struct Session {
    conn: AsyncSmtpConnection,
    /// Whether no conversation is under way on it, or was cut off.
    quiet: bool,
}

/// Where in the conversation something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connect,
    StartTls,
    LogIn,
    Sender,
    Recipient,
    Data,
    Content,
}

/// What went wrong where.
#[derive(Debug)]
struct Failure {
    step: Step,
    error: SmtpError,
}

impl Smtp {
    /// Prepares the pool; it connects when there is something to send.
    pub(super) fn new(settings: &MailSettings) -> Result<Self> {
        let tls = match settings.protection {
            Protection::Plain => None,
            Protection::StartTls | Protection::Tls => {
                Some(TlsParameters::new(settings.host.clone()).map_err(Error::internal)?)
            }
        };
        let password = settings.password.as_ref().map_or("", Secret::expose);
        let credentials =
            settings.user.clone().map(|user| Credentials::new(user, password.to_owned()));
        let server = Server {
            host: settings.host.clone(),
            port: settings.port,
            protection: settings.protection,
            tls,
            credentials,
            hello: ClientId::default(),
        };
        let pool = Pool::builder(server)
            .max_size(settings.pool_size)
            .queue_mode(QueueMode::Lifo)
            .recycle_timeout(Some(PROBE_MAX))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(Error::internal)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the sweeper is the process's own, and ends with the pool"
        )]
        tokio::spawn(sweep(pool.weak()));
        Ok(Self { pool, timeout: settings.timeout })
    }

    /// Hands one message to the server.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE` for whatever passes or is for us to put right.
    pub(super) async fn send(&self, message: &Message) -> Result<Delivery> {
        let sent = tokio::time::timeout(self.timeout, self.converse(message)).await;
        sent.unwrap_or_else(|_| {
            let timeout = self.timeout;
            Err(Error::unavailable(format!("the mail server took longer than {timeout:?}")))
        })
    }

    async fn converse(&self, message: &Message) -> Result<Delivery> {
        let mut session = self.pool.get().await.map_err(unreachable)?;
        match session.deliver(message).await {
            Ok(()) => Ok(Delivery::Accepted),
            Err(failure) if failure.is_final() => Ok(Delivery::Refused(failure.to_string())),
            Err(failure) => Err(Error::unavailable(failure.to_string())),
        }
    }
}

fn unreachable(error: PoolError<Failure>) -> Error {
    match error {
        PoolError::Backend(failure) => Error::unavailable(failure.to_string()),
        PoolError::Timeout(_)
        | PoolError::Closed
        | PoolError::NoRuntimeSpecified
        | PoolError::PostCreateHook(_) => {
            Error::unavailable("no connection to the mail server is free")
        }
    }
}

/// Closes connections that nobody uses, as long as there is a pool.
async fn sweep(pool: WeakPool<Server>) {
    loop {
        tokio::time::sleep(IDLE_MAX / 3).await;
        let Some(pool) = pool.upgrade() else { return };
        let idle = pool.retain(|session, metrics| session.quiet && metrics.last_used() < IDLE_MAX);
        drop(pool);
        for session in idle.removed {
            session.close().await;
        }
    }
}

impl Manager for Server {
    type Type = Session;
    type Error = Failure;

    async fn create(&self) -> Result<Session, Failure> {
        // On the heap: a TLS handshake is a large future, and most letters need none.
        Box::pin(self.connect()).await
    }

    async fn recycle(&self, session: &mut Session, metrics: &Metrics) -> RecycleResult<Failure> {
        let kept = session.quiet && metrics.last_used() < IDLE_MAX;
        if kept && session.conn.test_connected().await {
            Ok(())
        } else {
            Err(RecycleError::message("another connection is made"))
        }
    }
}

impl Server {
    async fn connect(&self) -> Result<Session, Failure> {
        let whole = (self.protection == Protection::Tls).then(|| self.tls.clone()).flatten();
        let address = (self.host.as_str(), self.port);
        let connected =
            AsyncSmtpConnection::connect_tokio1(address, None, &self.hello, whole, None).await;
        let mut conn = connected.map_err(Step::Connect.failed())?;
        if self.protection == Protection::StartTls
            && let Some(tls) = &self.tls
        {
            conn.starttls(tls.clone(), &self.hello).await.map_err(Step::StartTls.failed())?;
        }
        if let Some(credentials) = &self.credentials {
            let login = conn.auth(DEFAULT_MECHANISMS, credentials).await;
            login.map_err(Step::LogIn.failed())?;
        }
        Ok(Session { conn, quiet: true })
    }
}

impl Session {
    /// One conversation. Cut off anywhere, it leaves the session unquiet.
    async fn deliver(&mut self, message: &Message) -> Result<(), Failure> {
        self.quiet = false;
        let delivered = self.talk(message).await;
        self.quiet = match &delivered {
            Ok(()) => true,
            Err(failure) if failure.error.status().is_some() => self.reset().await,
            Err(_) => false,
        };
        delivered
    }

    async fn talk(&mut self, message: &Message) -> Result<(), Failure> {
        let envelope = message.envelope();
        let sender = Mail::new(envelope.from().cloned(), Vec::new());
        self.conn.command(sender).await.map_err(Step::Sender.failed())?;
        for recipient in envelope.to() {
            let recipient = Rcpt::new(recipient.clone(), Vec::new());
            self.conn.command(recipient).await.map_err(Step::Recipient.failed())?;
        }
        self.conn.command(Data).await.map_err(Step::Data.failed())?;
        self.conn.message(&message.formatted()).await.map_err(Step::Content.failed())?;
        Ok(())
    }

    /// Forgets a refused letter, so that the connection can carry the next one.
    async fn reset(&mut self) -> bool {
        let reset = tokio::time::timeout(GOODBYE_MAX, self.conn.command(Rset)).await;
        reset.is_ok_and(|answer| answer.is_ok())
    }

    async fn close(mut self) {
        if self.quiet {
            // Whatever it answers, the connection is closed when it is dropped.
            drop(tokio::time::timeout(GOODBYE_MAX, self.conn.quit()).await);
        }
    }
}

impl Step {
    fn failed(self) -> impl FnOnce(SmtpError) -> Failure {
        move |error| Failure { step: self, error }
    }

    /// What an operator reads.
    fn name(self) -> &'static str {
        match self {
            Self::Connect => "when we connected",
            Self::StartTls => "to STARTTLS",
            Self::LogIn => "to our login",
            Self::Sender => "to our address",
            Self::Recipient => "to the recipient",
            Self::Data => "to the letter",
            Self::Content => "after the letter",
        }
    }
}

impl Failure {
    /// Whether no retry changes it: a 5xx about the recipient or the letter. A 5xx about us (the greeting, our login, our
    /// sender's address, or 53x anywhere: no access without a login) is put right by an operator, and the letter waits.
    fn is_final(&self) -> bool {
        let about_the_letter = match self.step {
            Step::Connect | Step::StartTls | Step::LogIn | Step::Sender => false,
            Step::Recipient | Step::Data | Step::Content => true,
        };
        let wants_login = self
            .error
            .status()
            .is_some_and(|code| code.category == response::Category::Unspecified3);
        about_the_letter && self.error.is_permanent() && !wants_login
    }
}

impl std::fmt::Display for Failure {
    /// The server's code and words on one line, or what kept us from hearing them. A login's words are left out: there
    /// are servers that repeat what they were told.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let step = self.step.name();
        let Some(code) = self.error.status() else {
            return write!(
                f,
                "the mail server did not answer {step}: {}",
                one_line(&self.error.to_string())
            );
        };
        write!(f, "the mail server answered {step}: {code}")?;
        match std::error::Error::source(&self.error) {
            _ if self.step == Step::LogIn => {
                f.write_str(", see EMAIL_HOST_USER and EMAIL_HOST_PASSWORD")
            }
            Some(words) => write!(f, " {}", one_line(&words.to_string())),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
