//! Which protocol a connection speaks, and who shares it.

use super::conn::Stream;

/// What ALPN calls HTTP/2.
const ALPN: &[u8] = b"h2";

/// Whether HTTP/2 is spoken, and who shares a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http2 {
    /// HTTP/1.1 only.
    #[default]
    Off,
    /// Each user has connections of its own, as each browser has. Over TLS the server decides (ALPN); without TLS it is
    /// taken for granted that it speaks HTTP/2.
    Own,
    /// As `Own`, but the users of a driver thread share connections, as calls between services do.
    Shared,
}

impl Http2 {
    /// The one with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "off" => Some(Self::Off),
            "own" => Some(Self::Own),
            "shared" => Some(Self::Shared),
            _ => None,
        }
    }
}

/// The protocols that a client offers in its TLS handshake, the preferred one first.
pub(super) fn offered(http2: Http2) -> Vec<Vec<u8>> {
    let both = http2 != Http2::Off;
    both.then(|| ALPN.to_vec()).into_iter().chain([b"http/1.1".to_vec()]).collect()
}

/// Whether this connection speaks HTTP/2.
pub(super) fn is_http2(http2: Http2, stream: &Stream) -> bool {
    match stream {
        Stream::Plain(_) => http2 != Http2::Off,
        Stream::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(ALPN),
    }
}
