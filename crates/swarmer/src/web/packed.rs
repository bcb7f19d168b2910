//! Replies that travel packed (gzip) to those who can unpack them.
//!
//! - Only text of 1 kB or more whose length is known is packed; an event stream has no end and never is.
//! - Who sits at this very machine gets replies as they are: its memory carries more bytes in less time than it packs
//!   them, and the time would be that of the run (figures: `docs/web-ui.md`). A peer behind a proxy is elsewhere, whatever
//!   the proxy's address.
//! - What is the same for many is packed once ([`Shared`]).
//!
//! About BREACH, which guesses a secret from the length of packed replies that also repeat what the attacker sent: no reply
//! holds both. Sessions and tokens travel in headers only, values of secret options are in no reply, and the number that
//! lets scripts run is another one in each. What repeats a request (the sign-in page, mistakes) holds nothing secret; and
//! a page of another site cannot have replies made for a signed-in browser unseen (`SameSite`).

use std::io::Write;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::OnceCell;

use super::server::Peer;

/// What is shorter does not get there sooner.
const SHORT: u64 = 1_024;

/// What is longer, as the history of a week may be, would be held in memory twice.
const LONG: u64 = 64 * 1_024 * 1_024;

/// What is longer is packed beside the server's thread: ticks must not wait for it.
const TAKES_TIME: usize = 64 * 1_024;

/// A body that is the same for many who ask.
#[derive(Clone)]
pub(super) struct Shared {
    plain: Bytes,
    packed: Arc<OnceCell<Bytes>>,
    level: Compression,
}

impl Shared {
    /// One that will soon be another.
    pub(super) fn new(plain: impl Into<Bytes>) -> Self {
        // A summary of 2,000 rows (1.6 MB) gets 15 % of its length in 3 ms; the usual level makes it 11 % in 19 ms.
        Self { plain: plain.into(), packed: Arc::default(), level: Compression::fast() }
    }

    /// One that stays, and may be packed with care.
    pub(super) fn for_good(plain: impl Into<Bytes>) -> Self {
        Self { level: Compression::best(), ..Self::new(plain) }
    }

    pub(super) fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// Whether what is packed of one is packed of the other.
    #[cfg(test)]
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.packed, &other.packed)
    }

    /// As gzip; `None` when the process is about to end.
    async fn packed(&self) -> Option<&Bytes> {
        let pack = || async { pack(self.plain.clone(), self.level).await.ok_or(()) };
        self.packed.get_or_try_init(pack).await.ok()
    }
}

/// As gzip; `None` when the process is about to end.
async fn pack(plain: Bytes, level: Compression) -> Option<Bytes> {
    if plain.len() < TAKES_TIME {
        return gzip(&plain, level);
    }
    tokio::task::spawn_blocking(move || gzip(&plain, level)).await.ok()?
}

fn gzip(plain: &[u8], level: Compression) -> Option<Bytes> {
    let mut packer = GzEncoder::new(Vec::with_capacity(plain.len() / 4), level);
    // Memory takes whatever is written to it.
    packer.write_all(plain).ok()?;
    Some(packer.finish().ok()?.into())
}

/// What somebody can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// Only what is not packed.
    Plain,
    /// Packed replies as well.
    Gzip,
    /// Nothing that is not packed.
    OnlyGzip,
}

impl Reads {
    /// By `Accept-Encoding`: RFC 9110, 12.5.3.
    fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        let (mut gzip, mut identity, mut other) = (None, None, None);
        for coding in lines.flat_map(|line| line.split(',')) {
            let (name, parameter) = coding.split_once(';').unwrap_or((coding, ""));
            let place = match name.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => &mut gzip,
                "identity" => &mut identity,
                "*" => &mut other,
                _ => continue,
            };
            *place = Some(weight(parameter));
        }
        let gzip = gzip.or(other).unwrap_or(0.0);
        // Who refuses all that is not named refuses plain replies too.
        let refused = other == Some(0.0) && identity.is_none();
        match identity {
            _ if gzip <= 0.0 => Self::Plain,
            _ if refused => Self::OnlyGzip,
            Some(identity) if identity <= 0.0 => Self::OnlyGzip,
            Some(identity) if identity > gzip => Self::Plain,
            _ => Self::Gzip,
        }
    }
}

/// How much a coding is liked, from 0 to 1; what cannot be read is not wanted.
fn weight(parameter: &str) -> f32 {
    let parameter = parameter.trim();
    if parameter.is_empty() {
        return 1.0;
    }
    let value = parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let value = value.and_then(|(_, value)| value.trim().parse().ok());
    value.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0)
}

/// Whether whoever asks sits at this machine, and not behind a proxy on it.
fn is_near(request: &Request) -> bool {
    const PROXIES: [HeaderName; 3] =
        [header::FORWARDED, header::VIA, HeaderName::from_static("x-forwarded-for")];
    let is_here = request.extensions().get::<Peer>().is_some_and(|peer| peer.is_here);
    is_here && !PROXIES.iter().any(|name| request.headers().contains_key(name))
}

/// Whether packing makes such a content shorter.
fn is_text(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    match kind.split_once('/') {
        Some(("text", kind)) => kind != "event-stream",
        Some(("application", kind)) => {
            matches!(kind, "json" | "javascript" | "xml") || kind.ends_with("+json")
        }
        Some(("image", kind)) => kind == "svg+xml",
        _ => false,
    }
}

/// Packs the reply, where that is of use.
pub(super) async fn layer(mut request: Request, next: Next) -> Response {
    let (reads, is_near) = (Reads::of(request.headers()), is_near(&request));
    // HEAD is told the same as GET, the packed length included: the router drops the body outside of this.
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    let response = next.run(request).await;
    let length = response.body().size_hint().exact();
    let Some(length) = length.filter(|length| (1..=LONG).contains(length)) else {
        return response;
    };
    let (headers, fits) = (response.headers(), length >= SHORT && is_text(&response));
    let is_final = headers.contains_key(header::CONTENT_ENCODING)
        || headers.contains_key(header::CONTENT_RANGE);
    if is_final || !(fits || reads == Reads::OnlyGzip) {
        return response;
    }
    let mut response = match reads {
        Reads::OnlyGzip => packed(response).await,
        Reads::Gzip if !is_near => packed(response).await,
        _ => response,
    };
    // Beside what was said before, such as `origin`.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// The same reply, packed; as it is if that fails.
async fn packed(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let (packed, plain) = if let Some(shared) = parts.extensions.remove::<Shared>() {
        (shared.packed().await.cloned(), body)
    } else {
        // Its length is known and bounded, for it is in memory already.
        let Ok(plain) = axum::body::to_bytes(body, usize::MAX).await else {
            return Response::from_parts(parts, Body::empty());
        };
        (pack(plain.clone(), Compression::fast()).await, plain.into())
    };
    let Some(packed) = packed else { return Response::from_parts(parts, plain) };
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, packed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(lines: &[&'static str]) -> Reads {
        let line = |line: &&'static str| (header::ACCEPT_ENCODING, HeaderValue::from_static(line));
        Reads::of(&lines.iter().map(line).collect())
    }

    #[tokio::test]
    async fn what_is_shared_is_packed_once() {
        let text = "all alike ".repeat(20_000);
        let (shared, other) = (Shared::new(text.clone()), Shared::new(text));
        let copy = shared.clone();
        let both = tokio::join!(shared.packed(), copy.packed());
        let (first, second) = (both.0.unwrap(), both.1.unwrap());
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_ne!(first.as_ptr(), other.packed().await.unwrap().as_ptr());
        assert!(first.len() < 2_000, "{}", first.len());
    }

    #[test]
    fn what_is_accepted_is_read_as_the_standard_says() {
        for (lines, expected) in [
            (&[][..], Reads::Plain),
            (&[""], Reads::Plain),
            (&["gzip, deflate, br, zstd"], Reads::Gzip),
            (&["br", "X-GZIP;Q=0.1"], Reads::Gzip),
            (&["deflate, br;q=1.0"], Reads::Plain),
            (&["gzip;q=0"], Reads::Plain),
            (&["gzip;q=0, *"], Reads::Plain),
            (&["*"], Reads::Gzip),
            (&["*;q=0.5, br"], Reads::Gzip),
            (&["*;q=0"], Reads::Plain),
            (&["gzip;q=0.5, identity"], Reads::Plain),
            (&["gzip ; q = 0.5 , identity;q=0.5"], Reads::Gzip),
            (&["gzip, identity;q=0"], Reads::OnlyGzip),
            (&["gzip;q=0.2, *;q=0"], Reads::OnlyGzip),
            (&["gzip;q=0.2, identity;q=0.1, *;q=0"], Reads::Gzip),
            (&["identity;q=0"], Reads::Plain),
            (&["gzip;q=2", "identity;q=x"], Reads::Plain),
            (&["gzip;level=1"], Reads::Plain),
            (&["gzip;q=NaN"], Reads::Plain),
        ] {
            assert_eq!(reads(lines), expected, "{lines:?}");
        }
    }
}
