//! The token mechanism: Noise `NNpsk0` with the token as the shared key.
//!
//! After the greetings, which the handshake covers, each side sends one Noise message; from then on the stream consists
//! of records, each at most 65,535 bytes and with two bytes of length before it, and ZMTP goes on inside them. Keys are
//! fresh for each connection, so that nothing recorded earlier can be replayed, and a token that leaks later opens nothing
//! that was recorded.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use snow::{Builder, HandshakeState, StatelessTransportState};

use super::wire::{GREETING, Refusal};

const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";
/// The longest record that Noise allows.
pub(super) const RECORD: usize = 65_535;
/// What authentication adds to a record.
const TAG: usize = 16;
/// Bytes of a handshake message: a public key and a tag.
pub(super) const HANDSHAKE: usize = 32 + TAG;

/// The secret that members of a cluster share (`--cluster-token`).
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

/// A token that is too easy to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cluster token has {0} characters, but at least {min} are needed; make one with `openssl rand -hex 32`",
    min = Token::SHORTEST
)]
pub struct WeakToken(usize);

impl Token {
    /// Characters that a token must have. Whoever records a connection can try tokens at leisure.
    pub const SHORTEST: usize = 16;

    /// A token of this text.
    ///
    /// # Errors
    /// When it is shorter than [`Self::SHORTEST`].
    pub fn new(text: &str) -> Result<Self, WeakToken> {
        let length = text.chars().count();
        if length < Self::SHORTEST {
            return Err(WeakToken(length));
        }
        let digest = Sha256::new_with_prefix("swarmer cluster token 1\0").chain_update(text);
        Ok(Self(digest.finalize().into()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(secret)")
    }
}

/// A handshake that has begun.
pub(super) struct Handshake(HandshakeState);

impl Handshake {
    /// Both sides have to see the same greetings, the worker's first.
    pub(super) fn new(
        token: &Token,
        master: bool,
        greetings: [&[u8; GREETING]; 2],
    ) -> Result<Self, Refusal> {
        let prologue = greetings.map(|greeting| &greeting[..]).concat();
        let pattern =
            PATTERN.parse().map_err(|_| Refusal::Introduction("unknown Noise pattern"))?;
        let builder = Builder::new(pattern).psk(0, &token.0).and_then(|b| b.prologue(&prologue));
        let state = builder.and_then(|builder| {
            if master { builder.build_responder() } else { builder.build_initiator() }
        });
        state.map(Self).map_err(|_| Refusal::Introduction("no Noise handshake"))
    }

    /// Our message.
    pub(super) fn write(&mut self) -> Result<[u8; HANDSHAKE], Refusal> {
        let mut message = [0; HANDSHAKE];
        match self.0.write_message(&[], &mut message) {
            Ok(HANDSHAKE) => Ok(message),
            _ => Err(Refusal::Introduction("no Noise message")),
        }
    }

    /// Theirs: that it can be read shows that they know the token.
    pub(super) fn read(&mut self, message: &[u8; HANDSHAKE]) -> Result<(), Refusal> {
        self.0.read_message(message, &mut [0; TAG]).map(drop).map_err(|_| Refusal::WrongToken)
    }

    /// The two directions of the sealed stream.
    pub(super) fn finish(self) -> Result<(Opener, Sealer), Refusal> {
        let state = self.0.into_stateless_transport_mode();
        let state = Arc::new(state.map_err(|_| Refusal::Introduction("no Noise keys"))?);
        Ok((Opener { state: Arc::clone(&state), nonce: 0 }, Sealer { state, nonce: 0 }))
    }
}

/// Opens records.
pub(super) struct Opener {
    state: Arc<StatelessTransportState>,
    nonce: u64,
}

impl Opener {
    /// Appends what a record holds.
    pub(super) fn open(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        let start = out.len();
        out.resize(start + record.len(), 0);
        let opened = self.state.read_message(self.nonce, record, &mut out[start..]);
        let length = opened.map_err(|_| Refusal::Forged)?;
        out.truncate(start + length);
        self.nonce += 1;
        Ok(())
    }
}

/// Seals records.
pub(super) struct Sealer {
    state: Arc<StatelessTransportState>,
    nonce: u64,
}

impl Sealer {
    /// Appends as many records as the bytes need, each with its length.
    pub(super) fn seal(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        for part in bytes.chunks(RECORD - TAG) {
            let start = out.len();
            let length = u16::try_from(part.len() + TAG).map_err(|_| Refusal::Forged)?;
            out.extend(length.to_be_bytes());
            out.resize(start + 2 + part.len() + TAG, 0);
            let sealed = self.state.write_message(self.nonce, part, &mut out[start + 2..]);
            sealed.map_err(|_| Refusal::Forged)?;
            self.nonce += 1;
        }
        Ok(())
    }
}
