//! What a process really sends: a relay in front of PostgreSQL that writes down every statement.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::failure::{Attempt, Result};

/// The largest message that is relayed.
const MESSAGE_MAX: usize = 16 << 20;

/// A statement as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Its text.
    pub(crate) sql: String,
    /// The types of its parameters.
    pub(crate) types: Vec<u32>,
    /// Its parameters in PostgreSQL's binary format.
    pub(crate) params: Vec<Option<Vec<u8>>>,
    /// The columns of the first row that came back.
    pub(crate) row: Vec<Option<Vec<u8>>>,
}

/// What went over the wire since the last look.
#[derive(Clone, Default)]
pub(crate) struct Recording {
    /// The statements, in order.
    pub(crate) sent: Vec<Sent>,
    /// Those that were prepared first, in a round trip of their own.
    pub(crate) prepared: Vec<String>,
}

/// A relay that records. Dropping it ends it.
pub(crate) struct Relay {
    address: SocketAddr,
    recording: Arc<Mutex<Recording>>,
    _relaying: JoinSet<()>,
}

impl Relay {
    /// Listens in front of the server of a URL.
    pub(crate) async fn start(url: &Url) -> Result<Self> {
        let host = url.host_str().map(str::to_owned).attempt("the database has no host")?;
        let server = (host, url.port().unwrap_or(5432));
        let listener =
            TcpListener::bind("127.0.0.1:0").await.attempt("the recorder does not listen")?;
        let address = listener.local_addr().attempt("the recorder has no address")?;
        let recording = Arc::new(Mutex::new(Recording::default()));
        let mut relaying = JoinSet::new();
        let records = Arc::clone(&recording);
        relaying.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(upstream) = TcpStream::connect((server.0.as_str(), server.1)).await else {
                    continue;
                };
                client.set_nodelay(true).ok();
                upstream.set_nodelay(true).ok();
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), upstream.into_split());
                connections.spawn(questions(from_client, to_server, Arc::clone(&records)));
                connections.spawn(answers(from_server, to_client, Arc::clone(&records)));
            }
        });
        Ok(Self { address, recording, _relaying: relaying })
    }

    /// The URL that leads through the recorder.
    pub(crate) fn relayed(&self, url: &Url) -> Result<Url> {
        let mut relayed = url.clone();
        let host = self.address.ip().to_string();
        relayed.set_host(Some(&host)).attempt("the recorder's address")?;
        relayed
            .set_port(Some(self.address.port()))
            .map_err(|()| "the recorder's port".to_owned())?;
        Ok(relayed)
    }

    /// What was recorded since the last call.
    pub(crate) fn take(&self) -> Recording {
        std::mem::take(&mut *self.recording.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Relays what the client says.
async fn questions(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    recording: Arc<Mutex<Recording>>,
) {
    // The first message has no type.
    let mut statements = HashMap::new();
    let mut typed = false;
    while let Some(message) = read(&mut client, typed).await {
        if typed {
            note(&message, &mut statements, &recording);
        }
        typed = true;
        if server.write_all(&message).await.is_err() {
            break;
        }
    }
    server.shutdown().await.ok();
}

/// Relays what the server says.
async fn answers(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    recording: Arc<Mutex<Recording>>,
) {
    while let Some(message) = read(&mut server, true).await {
        if message.first() == Some(&b'D') {
            let mut recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sent) = recording.sent.last_mut().filter(|sent| sent.row.is_empty()) {
                sent.row =
                    Fields(message.get(5..).unwrap_or_default()).values().unwrap_or_default();
            }
        }
        if client.write_all(&message).await.is_err() {
            break;
        }
    }
    client.shutdown().await.ok();
}

/// Reads one whole message, its header included.
async fn read(from: &mut OwnedReadHalf, typed: bool) -> Option<Vec<u8>> {
    let mut message = vec![0; 4 + usize::from(typed)];
    from.read_exact(&mut message).await.ok()?;
    let (header, length) = (message.len(), message.last_chunk::<4>()?);
    let whole = usize::try_from(u32::from_be_bytes(*length)).ok()? + usize::from(typed);
    if !(header..=MESSAGE_MAX).contains(&whole) {
        return None;
    }
    message.resize(whole, 0);
    from.read_exact(message.get_mut(header..)?).await.ok()?;
    Some(message)
}

/// Statements by name: their text and the types of their parameters.
type Statements = HashMap<String, (String, Vec<u32>)>;

/// Notes what a message says about statements.
fn note(message: &[u8], statements: &mut Statements, recording: &Mutex<Recording>) {
    let Some((kind, body)) =
        message.split_first().and_then(|(kind, rest)| Some((*kind, rest.get(4..)?)))
    else {
        return;
    };
    let mut fields = Fields(body);
    let mut recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
    match kind {
        b'P' => {
            if let Some((name, (sql, types))) = fields.parsed() {
                recording.prepared.push(sql.clone());
                statements.insert(name, (sql, types));
            }
        }
        b'B' => {
            if let Some((name, params)) = fields.bound()
                && let Some((sql, types)) = statements.get(&name).cloned()
            {
                recording.sent.push(Sent { sql, types, params, row: Vec::new() });
            }
        }
        b'Q' => {
            if let Some(sql) = fields.text() {
                recording.sent.push(Sent {
                    sql,
                    types: Vec::new(),
                    params: Vec::new(),
                    row: Vec::new(),
                });
            }
        }
        _ => {}
    }
}

/// The fields of a message, read from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// A statement's name, text and types.
    fn parsed(&mut self) -> Option<(String, (String, Vec<u32>))> {
        Some((self.text()?, (self.text()?, self.types()?)))
    }

    /// The statement of a portal, and its parameters.
    fn bound(&mut self) -> Option<(String, Vec<Option<Vec<u8>>>)> {
        let _portal = self.text()?;
        let name = self.text()?;
        self.formats()?;
        Some((name, self.values()?))
    }

    fn text(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let (text, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        String::from_utf8(text.to_vec()).ok()
    }

    fn short(&mut self) -> Option<usize> {
        let (short, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(usize::from(u16::from_be_bytes(*short)))
    }

    fn long(&mut self) -> Option<u32> {
        let (long, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*long))
    }

    fn types(&mut self) -> Option<Vec<u32>> {
        (0..self.short()?).map(|_| self.long()).collect()
    }

    /// Skips the formats of parameters: the driver sends them all in binary.
    fn formats(&mut self) -> Option<()> {
        (0..self.short()?).try_for_each(|_| self.short().map(drop))
    }

    fn values(&mut self) -> Option<Vec<Option<Vec<u8>>>> {
        (0..self.short()?)
            .map(|_| match self.long()? {
                u32::MAX => Some(None),
                length => {
                    let (value, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
                    self.0 = rest;
                    Some(Some(value.to_vec()))
                }
            })
            .collect()
    }
}
