//! One connection that has introduced itself: reading and writing frames.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::seal::{HANDSHAKE, Handshake, Opener, Sealer, Token};
use super::wire::{self, GREETING, Mechanism, Refusal};
use crate::cluster::limits;
use crate::cluster::transport::{Identity, Payload};

/// Bytes read at once.
const CHUNK: usize = 64 << 10;
/// Messages up to this size have room of their own: they get through while large ones wait.
const SMALL: usize = 16 << 10;

/// How much may wait to be handled, of all peers together.
#[derive(Debug, Clone)]
pub(super) struct Room {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new() -> Self {
        let small = limits::INCOMING_BYTES / 8;
        let large = limits::INCOMING_BYTES - small;
        Self { small: Arc::new(Semaphore::new(small)), large: Arc::new(Semaphore::new(large)) }
    }
}

/// Who we are on a connection.
#[derive(Debug, Clone)]
pub(super) enum Role {
    Master,
    Worker(Identity),
}

/// A peer that has introduced itself.
pub(super) struct Link {
    pub(super) reader: FrameReader,
    pub(super) writer: FrameWriter,
    /// The worker's identity; on a worker's side that of the master.
    pub(super) peer: Identity,
    /// Whether it answers PING.
    pub(super) pings: bool,
}

/// Greets, proves knowledge of the token if there is one, and exchanges READY; a master's is left to the caller, who may
/// not want the peer.
pub(super) async fn introduce(
    stream: TcpStream,
    role: &Role,
    token: Option<&Token>,
    room: Room,
) -> Result<Link, Refusal> {
    let (half, out) = stream.into_split();
    let mut reader = FrameReader { half, opener: None, buffer: Vec::new(), start: 0, room };
    let mut writer = FrameWriter { half: out, sealer: None, sealed: Vec::new() };
    let master = matches!(role, Role::Master);
    let mechanism = if token.is_some() { Mechanism::Token } else { Mechanism::Null };
    let ours = wire::greeting(mechanism, master);
    writer.write(&ours).await?;
    let theirs = reader.greeting().await?;
    let greeting = wire::read_greeting(&theirs, mechanism)?;
    if let Some(token) = token {
        let greetings = if master { [&theirs, &ours] } else { [&ours, &theirs] };
        let mut handshake = Handshake::new(token, master, greetings)?;
        if !master {
            writer.write(&handshake.write()?).await?;
        }
        let message = reader.exactly::<HANDSHAKE>().await;
        // A master that cannot read ours just hangs up.
        let message = message.map_err(|e| match e {
            Refusal::Closed if !master => Refusal::WrongToken,
            other => other,
        })?;
        handshake.read(&message)?;
        if master {
            writer.write(&handshake.write()?).await?;
        }
        let (opener, sealer) = handshake.finish()?;
        (reader.opener, writer.sealer) = (Some(opener), Some(sealer));
    }
    if let Role::Worker(identity) = role {
        writer.write(&wire::ready("DEALER", identity.as_str().as_bytes())).await?;
    }
    let Frame::Command(body) = reader.frame(limits::COMMAND).await? else {
        return Err(Refusal::Introduction("a message before READY"));
    };
    let said = wire::read_ready(&body)?;
    let fits = if master { said.socket_type == "DEALER" } else { said.socket_type == "ROUTER" };
    if !fits {
        return Err(Refusal::SocketType(said.socket_type));
    }
    let peer = if master { Identity::from_bytes(&said.identity)? } else { Identity::master() };
    Ok(Link { reader, writer, peer, pings: greeting.minor >= 1 })
}

/// What a peer sends.
pub(super) enum Frame {
    Command(Vec<u8>),
    /// One part of a message, and whether more parts follow.
    Part(Payload, bool),
}

/// Reads frames within limits.
pub(super) struct FrameReader {
    half: OwnedReadHalf,
    opener: Option<Opener>,
    buffer: Vec<u8>,
    /// Where in the buffer the next frame begins.
    start: usize,
    room: Room,
}

impl FrameReader {
    /// A peer's greeting. What is no ZMTP is known from its first bytes.
    async fn greeting(&mut self) -> Result<[u8; GREETING], Refusal> {
        self.at_least(1).await?;
        if self.rest()[0] != 0xff {
            return Err(Refusal::NotZmtp);
        }
        self.at_least(10).await?;
        if !wire::is_signature(&self.rest()[..10]) {
            return Err(Refusal::NotZmtp);
        }
        self.at_least(11).await?;
        match self.rest()[10] {
            old @ 0..3 => Err(Refusal::Version(old)),
            _ => self.exactly::<GREETING>().await,
        }
    }

    async fn exactly<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        self.at_least(N).await?;
        let bytes = self.rest().first_chunk::<N>().copied().ok_or(Refusal::Closed)?;
        self.start += N;
        Ok(bytes)
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The next frame. Waits for as long as it takes to begin; one that has begun must end in time.
    pub(super) async fn frame(&mut self, limit: usize) -> Result<Frame, Refusal> {
        self.at_least(1).await?;
        timeout(limits::MESSAGE_TIME, self.begun(limit)).await.map_err(|_| Refusal::Slow)?
    }

    async fn begun(&mut self, limit: usize) -> Result<Frame, Refusal> {
        let head = loop {
            match wire::read_head(self.rest(), limit)? {
                Some(head) => break head,
                None => self.more(1).await?,
            }
        };
        self.start += head.size;
        let room = match head.length {
            0 => None,
            small @ 1..=SMALL => {
                self.at_least(small).await?;
                Some(acquire(&self.room.small, small).await?)
            }
            large => Some(self.large(large).await?),
        };
        let body = self.rest()[..head.length].to_vec();
        self.start += head.length;
        Ok(if head.command {
            Frame::Command(body)
        } else {
            Frame::Part(Payload::new(body, room), head.more)
        })
    }

    /// Waits for many bytes, and for room for each part of them before it is read.
    async fn large(&mut self, length: usize) -> Result<tokio::sync::OwnedSemaphorePermit, Refusal> {
        let mut room = acquire(&self.room.large, self.rest().len().min(length)).await?;
        loop {
            let missing = length.saturating_sub(room.num_permits());
            if missing == 0 {
                self.at_least(length).await?;
                return Ok(room);
            }
            let step = missing.min(CHUNK);
            room.merge(acquire(&self.room.large, step).await?);
            self.at_least(room.num_permits()).await?;
        }
    }

    async fn at_least(&mut self, length: usize) -> Result<(), Refusal> {
        while let missing @ 1.. = length.saturating_sub(self.rest().len()) {
            self.more(missing).await?;
        }
        Ok(())
    }

    /// Reads what is there, but at least a byte. Bytes that are read are kept when the caller gives up waiting.
    async fn more(&mut self, missing: usize) -> Result<(), Refusal> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
            // A large message does not keep its memory.
            if self.buffer.len() < CHUNK && self.buffer.capacity() > 4 * CHUNK {
                self.buffer.shrink_to(CHUNK);
            }
        }
        let Some(opener) = &mut self.opener else {
            // Idle peers are many, so a buffer grows only when it is used.
            self.buffer.reserve(missing.clamp(1024, CHUNK));
            let mut part = (&mut self.half).take(CHUNK as u64);
            return match part.read_buf(&mut self.buffer).await? {
                0 => Err(Refusal::Closed),
                _ => Ok(()),
            };
        };
        let mut length = [0; 2];
        exact(&mut self.half, &mut length).await?;
        let mut record = vec![0; u16::from_be_bytes(length).into()];
        exact(&mut self.half, &mut record).await?;
        opener.open(&record, &mut self.buffer)
    }
}

async fn exact(half: &mut OwnedReadHalf, into: &mut [u8]) -> Result<(), Refusal> {
    half.read_exact(into).await.map(drop).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => Refusal::Closed,
        _ => Refusal::Io(e),
    })
}

async fn acquire(
    room: &Arc<Semaphore>,
    bytes: usize,
) -> Result<tokio::sync::OwnedSemaphorePermit, Refusal> {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    Arc::clone(room).acquire_many_owned(bytes).await.map_err(|_| Refusal::Closed)
}

/// Writes frames.
pub(super) struct FrameWriter {
    half: OwnedWriteHalf,
    sealer: Option<Sealer>,
    sealed: Vec<u8>,
}

impl FrameWriter {
    /// Writes whole frames.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(sealer) = &mut self.sealer else {
            return Ok(self.half.write_all(bytes).await?);
        };
        self.sealed.clear();
        sealer.seal(bytes, &mut self.sealed)?;
        self.half.write_all(&self.sealed).await?;
        self.sealed.shrink_to(4 * CHUNK);
        Ok(())
    }

    /// Says that nothing more comes, and waits a moment for it to get through.
    pub(super) async fn finish(&mut self) {
        // The peer may be gone already.
        let _ = timeout(Duration::from_secs(1), self.half.shutdown()).await;
    }
}
