//! Content encodings: gzip, deflate, br, zstd, and what they may grow to.

use std::cell::RefCell;
use std::io::{self, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::buffer::Buf;
use super::error::{Error, ErrorKind};

/// Encodings accepted one over the other. More than one is rare, more than a few is an attack.
const LAYERS: usize = 4;
/// zstd windows beyond 8 MiB are not for HTTP (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

thread_local! {
    /// The inflater weighs 40 kB; it is made once per thread.
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// The body without the encodings that `fields`, the values of `Content-Encoding`, name. `None` if it is plain, or
/// if an encoding is unknown: then the workload gets the bytes as they are.
///
/// # Errors
/// Of kind [`TooLarge`](ErrorKind::TooLarge) if more than `limit` bytes come out, of kind
/// [`Protocol`](ErrorKind::Protocol) if the body is not what the encoding says.
pub(super) fn decode<'a>(
    fields: impl Iterator<Item = &'a [u8]>,
    body: &[u8],
    limit: usize,
) -> Result<Option<Buf>, Error> {
    if body.is_empty() {
        return Ok(None);
    }
    let mut codings = Vec::new();
    for name in fields.flat_map(|field| field.split(|&byte| byte == b',')) {
        match Coding::named(name.trim_ascii()) {
            Some(coding) => codings.extend(coding),
            None => return Ok(None),
        }
    }
    if codings.len() > LAYERS {
        return Err(Error::protocol("more than four content encodings"));
    }
    let mut decoded: Option<Buf> = None;
    for coding in codings.into_iter().rev() {
        let input = decoded.as_deref().map_or(body, Vec::as_slice);
        let mut out = Buf::large();
        coding.decode(input, &mut out, limit).map_err(|fault| match fault {
            Fault::TooLarge => {
                Error::new(ErrorKind::TooLarge, "a decoded body larger than the limit")
            }
            Fault::Malformed => Error::protocol(format!("malformed {} body", coding.name())),
        })?;
        decoded = Some(out);
    }
    Ok(decoded)
}

#[derive(Clone, Copy, Debug)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

#[derive(Debug)]
enum Fault {
    TooLarge,
    Malformed,
}

impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self::Malformed
    }
}

impl Coding {
    /// The coding of that name; inside, nothing for `identity`, which changes nothing.
    #[expect(clippy::option_option, reason = "unknown, known and idle, known and at work")]
    fn named(name: &[u8]) -> Option<Option<Self>> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name {
            _ if is("gzip") || is("x-gzip") => Some(Some(Self::Gzip)),
            _ if is("deflate") => Some(Some(Self::Deflate)),
            _ if is("br") => Some(Some(Self::Brotli)),
            _ if is("zstd") => Some(Some(Self::Zstd)),
            _ if is("identity") || name.is_empty() => Some(None),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn decode(self, input: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
        match self {
            Self::Gzip => gunzip(input, out, limit),
            Self::Deflate => {
                // The name means zlib's format (RFC 9110, section 8.4.1.2), but some servers send it bare.
                let zlib = matches!(input, [first, second, ..]
                    if first & 15 == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0);
                inflate(input, zlib, out, limit).map(|_| ())
            }
            Self::Brotli => {
                read_limited(brotli_decompressor::Decompressor::new(input, 4096), out, limit)
            }
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                read_limited(decoder, out, limit)
            }
        }
    }
}

fn read_limited(reader: impl Read, out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    let read = reader.take(limit as u64 + 1).read_to_end(out)?;
    if read > limit { Err(Fault::TooLarge) } else { Ok(()) }
}

/// The members of a gzip file one after the other (RFC 1952), checksums and lengths verified.
fn gunzip(mut input: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    while !input.is_empty() {
        let start = out.len();
        input = &input[gzip_header(input).ok_or(Fault::Malformed)?..];
        input = &input[inflate(input, false, out, limit)?..];
        let (trailer, rest) = input.split_first_chunk::<8>().ok_or(Fault::Malformed)?;
        let mut sum = Crc::new();
        sum.update(&out[start..]);
        let expected = [sum.sum().to_le_bytes(), sum.amount().to_le_bytes()].concat();
        if trailer[..] != expected[..] {
            return Err(Fault::Malformed);
        }
        input = rest;
    }
    Ok(())
}

/// The length of the gzip member header at the front.
fn gzip_header(input: &[u8]) -> Option<usize> {
    let &[0x1f, 0x8b, 8, flags, ..] = input else { return None };
    let mut at = 10;
    if flags & 4 != 0 {
        let length = input.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    // File name and comment end with a zero byte.
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += input.get(at..)?.iter().position(|&byte| byte == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    (at <= input.len()).then_some(at)
}

/// Inflates to the end of the stream; the bytes of input used.
fn inflate(input: &[u8], zlib: bool, out: &mut Vec<u8>, limit: usize) -> Result<usize, Fault> {
    INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(zlib);
        let mut used = 0;
        loop {
            if out.len() > limit {
                return Err(Fault::TooLarge);
            }
            if out.len() == out.capacity() {
                out.reserve(out.len().clamp(4096, 1 << 20));
            }
            let before = (used, out.len());
            let status = inflater
                .decompress_vec(&input[used..], out, FlushDecompress::None)
                .map_err(|_| Fault::Malformed)?;
            used = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
            match status {
                Status::StreamEnd if out.len() > limit => return Err(Fault::TooLarge),
                Status::StreamEnd => return Ok(used),
                _ if (used, out.len()) == before && out.len() < out.capacity() => {
                    return Err(Fault::Malformed);
                }
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn encoded(coding: &str, plain: &[u8]) -> Vec<u8> {
        let level = Compression::default();
        match coding {
            "gzip" => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            "zlib" => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            "bare" => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            _ => zstd::encode_all(plain, 3).unwrap(),
        }
    }

    fn decoded(name: &str, body: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        decode([name.as_bytes()].into_iter(), body, 100_000).map(|out| out.map(|buf| buf.to_vec()))
    }

    #[test]
    fn every_coding_comes_undone() {
        let plain: Vec<u8> =
            (0..50_000u32).flat_map(|n| (n / 7).to_le_bytes()).take(90_000).collect();
        for (name, coding) in [
            ("gzip", "gzip"),
            ("X-Gzip", "gzip"),
            ("deflate", "zlib"),
            ("deflate", "bare"),
            ("zstd", "zstd"),
        ] {
            let body = encoded(coding, &plain);
            assert_eq!(decoded(name, &body).unwrap().unwrap(), plain, "{coding}");
            for cut in [1, body.len() / 2, body.len() - 1] {
                let kind = decoded(name, &body[..cut]).unwrap_err().kind();
                assert_eq!(kind, ErrorKind::Protocol, "{coding} cut at {cut}");
            }
        }
        // The text below, written by the reference encoder at quality 5.
        let brotli = b"\x1b\x16\x00\x00$@j\x10e\xea\xf0\x9c>";
        assert_eq!(decoded("br", brotli).unwrap().unwrap(), b"hello hello hello hello");
        assert_eq!(decoded("br", &brotli[..9]).unwrap_err().kind(), ErrorKind::Protocol);
    }

    #[test]
    fn layers_members_and_header_fields_are_known() {
        let twice = encoded("gzip", &encoded("zstd", b"onion"));
        assert_eq!(decoded("zstd, gzip", &twice).unwrap().unwrap(), b"onion");
        let members = [encoded("gzip", b"one "), encoded("gzip", b"two")].concat();
        assert_eq!(decoded("gzip", &members).unwrap().unwrap(), b"one two");
        let mut named = flate2::GzBuilder::new()
            .filename("a")
            .comment("b")
            .extra([1, 2, 3])
            .write(Vec::new(), Compression::fast());
        named.write_all(b"named").unwrap();
        assert_eq!(decoded("gzip", &named.finish().unwrap()).unwrap().unwrap(), b"named");
    }

    #[test]
    fn what_is_not_encoded_stays() {
        assert_eq!(decoded("identity", b"x").unwrap(), None);
        assert_eq!(decoded("compress", b"x").unwrap(), None);
        assert_eq!(decoded("gzip", b"").unwrap(), None);
    }

    #[test]
    fn bombs_do_not_go_off() {
        let bomb = vec![0; 3_000_000];
        for (name, coding) in [("gzip", "gzip"), ("deflate", "zlib"), ("zstd", "zstd")] {
            let kind = decoded(name, &encoded(coding, &bomb)).unwrap_err().kind();
            assert_eq!(kind, ErrorKind::TooLarge, "{coding}");
        }
        let layers = decoded("gzip, gzip, gzip, gzip, gzip", b"x").unwrap_err();
        assert_eq!(layers.to_string(), "more than four content encodings");
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
            for name in ["gzip", "deflate", "br", "zstd"] {
                let _ = decoded(name, &bytes);
            }
            let _ = decoded("gzip", &[&[0x1f, 0x8b, 8][..], &bytes].concat());
        }
    }
}
