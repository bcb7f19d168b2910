//! The bytes of ZMTP 3: greeting, frames, commands. Pure functions.

use std::io;

use crate::cluster::limits;
use crate::cluster::transport::{BadIdentity, Identity};

/// Bytes of a greeting.
pub(super) const GREETING: usize = 64;
/// Flags of a frame: more parts follow.
pub(super) const MORE: u8 = 1;
/// Its length has eight bytes.
const LONG: u8 = 2;
/// It is a command.
pub(super) const COMMAND: u8 = 4;

/// Why a connection was not taken, or broken off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it does not speak ZMTP")]
    NotZmtp,
    #[error("it speaks ZMTP {0}, but 3 is needed")]
    Version(u8),
    #[error("it speaks Locust's plain protocol, but a cluster token is required here")]
    NoToken,
    #[error("it requires a cluster token, and none is set here")]
    TokenNeeded,
    #[error("it uses the mechanism {0:?}, which is not known here")]
    Mechanism(String),
    #[error("its cluster token is another one")]
    WrongToken,
    #[error("its introduction cannot be read: {0}")]
    Introduction(&'static str),
    #[error("it is a {0} socket")]
    SocketType(String),
    #[error(transparent)]
    Identity(#[from] BadIdentity),
    #[error("a peer {0} is connected already")]
    Taken(Identity),
    #[error("a message of {length} bytes is announced, {limit} are allowed")]
    TooLarge { length: u64, limit: usize },
    #[error("a frame has the unknown flags {0:#04x}")]
    Flags(u8),
    #[error("a message cannot be authenticated")]
    Forged,
    #[error("it says: {0}")]
    Told(String),
    #[error("it took too long to introduce itself")]
    Silent,
    #[error("it took too long to send a message")]
    Slow,
    #[error("it does not answer any more")]
    Dead,
    #[error("too many peers are connected")]
    Crowded,
    #[error("the connection was closed")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// How two peers trust each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// Not at all: Locust's way.
    Null,
    /// By a shared token, from which everything is encrypted.
    Token,
}

impl Mechanism {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Null => b"NULL",
            Self::Token => b"SWARMER-NNPSK0",
        }
    }
}

/// What a peer says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Greeting {
    /// The second number of its version of ZMTP; from 1 on it answers PING.
    pub(super) minor: u8,
}

/// Our greeting: version 3.1.
pub(super) fn greeting(mechanism: Mechanism, server: bool) -> [u8; GREETING] {
    let mut bytes = [0; GREETING];
    bytes[0] = 0xff;
    bytes[8] = 1;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[11] = 1;
    let name = mechanism.name();
    bytes[12..12 + name.len()].copy_from_slice(name);
    bytes[32] = u8::from(server && mechanism == Mechanism::Token);
    bytes
}

/// Reads a greeting, which must name our mechanism.
pub(super) fn read_greeting(bytes: &[u8; GREETING], ours: Mechanism) -> Result<Greeting, Refusal> {
    if !is_signature(&bytes[..10]) {
        return Err(Refusal::NotZmtp);
    }
    if bytes[10] < 3 {
        return Err(Refusal::Version(bytes[10]));
    }
    let theirs = &bytes[12..32];
    let end = theirs.iter().position(|byte| *byte == 0).unwrap_or(theirs.len());
    let theirs = &theirs[..end];
    if theirs == ours.name() {
        return Ok(Greeting { minor: if bytes[10] == 3 { bytes[11] } else { u8::MAX } });
    }
    Err(match ours {
        Mechanism::Token if theirs == Mechanism::Null.name() => Refusal::NoToken,
        Mechanism::Null if theirs == Mechanism::Token.name() => Refusal::TokenNeeded,
        _ => Refusal::Mechanism(theirs.escape_ascii().to_string()),
    })
}

/// Whether these are the ten bytes that every ZMTP begins with. What lies between was a length once.
pub(super) fn is_signature(bytes: &[u8]) -> bool {
    bytes.len() == 10 && bytes[0] == 0xff && bytes[9] & 1 == 1
}

/// What precedes a frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) more: bool,
    pub(super) command: bool,
    /// Bytes of the body.
    pub(super) length: usize,
    /// Bytes of the head itself.
    pub(super) size: usize,
}

/// Reads a frame's head; nothing when more bytes are needed.
pub(super) fn read_head(bytes: &[u8], limit: usize) -> Result<Option<Head>, Refusal> {
    let [flags, rest @ ..] = bytes else { return Ok(None) };
    let command = flags & COMMAND != 0;
    if flags & !(MORE | LONG | COMMAND) != 0 || (command && flags & MORE != 0) {
        return Err(Refusal::Flags(*flags));
    }
    let (length, size) = if flags & LONG == 0 {
        let Some(length) = rest.first() else { return Ok(None) };
        (u64::from(*length), 2)
    } else {
        let Some(length) = rest.first_chunk() else { return Ok(None) };
        (u64::from_be_bytes(*length), 9)
    };
    let limit = if command { limits::COMMAND } else { limit };
    match usize::try_from(length) {
        Ok(length) if length <= limit => {
            Ok(Some(Head { more: flags & MORE != 0, command, length, size }))
        }
        _ => Err(Refusal::TooLarge { length, limit }),
    }
}

/// Appends a frame.
pub(super) fn write_frame(out: &mut Vec<u8>, flags: u8, body: &[u8]) {
    match u8::try_from(body.len()) {
        Ok(length) => out.extend([flags, length]),
        Err(_) => {
            out.push(flags | LONG);
            out.extend((body.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(body);
}

/// A command's frame.
pub(super) fn command(name: &str, data: &[u8]) -> Vec<u8> {
    // Names are our own, and short.
    let mut body = vec![u8::try_from(name.len()).unwrap_or(0)];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    let mut frame = Vec::with_capacity(body.len() + 9);
    write_frame(&mut frame, COMMAND, &body);
    frame
}

/// A command's name and data.
pub(super) fn read_command(body: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let (length, rest) = body.split_first().ok_or(Refusal::Introduction("an empty command"))?;
    rest.split_at_checked(usize::from(*length))
        .ok_or(Refusal::Introduction("a command that ends in its name"))
}

/// The READY command.
pub(super) fn ready(socket_type: &str, identity: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    for (name, value) in [("Socket-Type", socket_type.as_bytes()), ("Identity", identity)] {
        data.push(u8::try_from(name.len()).unwrap_or(0));
        data.extend_from_slice(name.as_bytes());
        data.extend(u32::try_from(value.len()).unwrap_or(0).to_be_bytes());
        data.extend_from_slice(value);
    }
    command("READY", &data)
}

/// What a peer's READY says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Introduction {
    pub(super) socket_type: String,
    pub(super) identity: Vec<u8>,
}

/// Reads the body of a peer's first command, which must be READY.
pub(super) fn read_ready(body: &[u8]) -> Result<Introduction, Refusal> {
    let (name, mut data) = read_command(body)?;
    match name {
        b"READY" => {}
        b"ERROR" => return Err(Refusal::Told(told(data))),
        _ => return Err(Refusal::Introduction("the first command is not READY")),
    }
    let mut said = Introduction::default();
    while let Some((length, rest)) = data.split_first() {
        let short = || Refusal::Introduction("a property ends too early");
        let (name, rest) = rest.split_at_checked(usize::from(*length)).ok_or_else(short)?;
        let (length, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (value, rest) = rest.split_at_checked(length).ok_or_else(short)?;
        data = rest;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            said.socket_type = value.escape_ascii().to_string();
        } else if name.eq_ignore_ascii_case(b"Identity") {
            said.identity = value.to_vec();
        }
    }
    Ok(said)
}

/// An ERROR command: a peer is told why it is not taken.
pub(super) fn error(reason: &str) -> Vec<u8> {
    let reason = &reason.as_bytes()[..reason.len().min(255)];
    let length = u8::try_from(reason.len()).unwrap_or(0);
    command("ERROR", &[&[length], reason].concat())
}

/// The reason in an ERROR command.
pub(super) fn told(data: &[u8]) -> String {
    let reason = data.split_first().map_or(data, |(_, reason)| reason);
    reason.escape_ascii().to_string()
}

/// The answer to a PING: its context comes back.
pub(super) fn pong(ping: &[u8]) -> Vec<u8> {
    // Two bytes say how long the peer may be held for alive.
    let context = ping.get(2..).unwrap_or_default();
    command("PONG", &context[..context.len().min(16)])
}

/// Asks whether a peer is alive.
pub(super) fn ping() -> Vec<u8> {
    command("PING", &[0, 0])
}
