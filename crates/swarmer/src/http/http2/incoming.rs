//! Blocks of header fields that a server sends, written down as HTTP/1.1 has them (RFC 7541; RFC 9113, section 8).
//!
//! Many servers say most fields in words each time, in Huffman's code, and the same words. So each thread keeps the words of
//! the latest block, as `usual` does for HTTP/1.1, and compares before it decodes.

use std::cell::RefCell;
use std::rc::Rc;

use http::StatusCode;

use super::huffman;
use super::table::{FIXED, Held, LIMIT, OVERHEAD, Table};
use crate::http::encode;
use crate::http::error::Error;
use crate::http::head::{HEAD_LIMIT, too_long};
use crate::http::wire::belongs_to_connection;

/// What a block is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The head of an answer, interim ones included.
    Head,
    /// What comes after a body; nobody is shown it.
    Trailers,
    /// An answer that nobody waits for. Its block changes the table all the same.
    Unwanted,
}

/// A field as a line of HTTP/1.1, with its end.
#[derive(Debug)]
struct Line {
    text: Box<[u8]>,
    name: usize,
}

/// Between name and value, and at the end.
const COLON: &[u8] = b": ";
const END: &[u8] = b"\r\n";

/// So many fields of a block are kept, each in so many bytes at most; the others are read anew each time.
const KEPT: usize = 16;
const LONGEST_KEPT: usize = 256;

/// A field as it came, and what it says.
#[derive(Debug)]
struct Seen {
    words: Box<[u8]>,
    line: Rc<Line>,
}

thread_local! {
    static LATEST: RefCell<[Option<Seen>; KEPT]> = const { RefCell::new([const { None }; KEPT]) };
}

/// What stands at the front of `block` if it is what this place had in the block before, and its bytes.
fn recall(place: usize, block: &[u8]) -> Option<(Rc<Line>, usize)> {
    LATEST.with_borrow(|latest| {
        let seen = latest.get(place)?.as_ref()?;
        block.starts_with(&seen.words).then(|| (Rc::clone(&seen.line), seen.words.len()))
    })
}

fn remember(place: usize, words: &[u8], line: &Rc<Line>) {
    if place < KEPT && words.len() <= LONGEST_KEPT {
        let seen = Seen { words: words.into(), line: Rc::clone(line) };
        LATEST.with_borrow_mut(|latest| latest[place] = Some(seen));
    }
}

impl Held for Rc<Line> {
    fn size(&self) -> usize {
        self.text.len() - COLON.len() - END.len() + OVERHEAD
    }
}

/// Reads the blocks of one connection, in their order.
#[derive(Debug)]
pub(super) struct Incoming {
    table: Table<Rc<Line>>,
}

impl Incoming {
    pub(super) fn new() -> Self {
        Self { table: Table::new() }
    }

    /// Appends what `block` says to `out`: a whole head for [`Part::Head`], else nothing. Gives what is wrong with this
    /// answer alone.
    ///
    /// # Errors
    /// Of kind [`Protocol`](crate::http::ErrorKind::Protocol) where the block is not as it must be, so that no further one
    /// would be understood.
    pub(super) fn read(
        &mut self,
        block: &[u8],
        part: Part,
        out: &mut Vec<u8>,
    ) -> Result<Result<(), Error>, Error> {
        let mut rest = Rest(block);
        let mut text = Text { out, part, has_status: false, fault: None };
        let mut place = 0;
        while let Some(&first) = rest.0.first() {
            match first {
                0x80.. => self.known(rest.number(7)?, &mut text)?,
                0x40..0x80 => self.said(6, &mut place, &mut rest, &mut text)?,
                0x20..0x40 => {
                    let limit = rest.number(5)?;
                    if limit > LIMIT {
                        return Err(compression("a larger table than agreed"));
                    }
                    self.table.set_limit(limit);
                }
                _ => self.said(4, &mut place, &mut rest, &mut text)?,
            }
        }
        Ok(text.end())
    }

    /// A field that has a number.
    fn known(&self, number: usize, text: &mut Text<'_>) -> Result<(), Error> {
        let start = text.out.len();
        let name = if let Some((name, value)) = fixed(number) {
            for part in [name, COLON, value, END] {
                text.out.extend_from_slice(part);
            }
            name.len()
        } else {
            let line = self.table.get(number).ok_or_else(unknown)?;
            text.out.extend_from_slice(&line.text);
            line.name
        };
        text.accept(start, name);
        Ok(())
    }

    /// A field in words, the one at this place among those of its block.
    fn said(
        &mut self,
        prefix: u32,
        place: &mut usize,
        rest: &mut Rest<'_>,
        text: &mut Text<'_>,
    ) -> Result<(), Error> {
        let start = text.out.len();
        let line = if let Some((line, length)) = recall(*place, rest.0) {
            rest.0 = &rest.0[length..];
            text.out.extend_from_slice(&line.text);
            line
        } else {
            self.fresh(prefix, *place, rest, text.out)?
        };
        *place += 1;
        let name = line.name;
        if prefix == 6 {
            self.table.keep(line);
        }
        text.accept(start, name);
        Ok(())
    }

    /// The same, for the first time: its line is appended to `out`.
    fn fresh(
        &self,
        prefix: u32,
        place: usize,
        rest: &mut Rest<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Rc<Line>, Error> {
        let (start, block) = (out.len(), rest.0);
        let number = rest.number(prefix)?;
        match (number, fixed(number), self.table.get(number)) {
            (0, ..) => {
                rest.string(out)?;
                let name = &out[start..];
                let name = name.strip_prefix(b":").unwrap_or(name);
                if !encode::is_token(name) || name.iter().any(u8::is_ascii_uppercase) {
                    return Err(Error::protocol("HTTP/2: malformed header name"));
                }
            }
            (_, Some((name, _)), _) => out.extend_from_slice(name),
            (.., Some(line)) => out.extend_from_slice(&line.text[..line.name]),
            (.., None) => return Err(unknown()),
        }
        let name = out.len() - start;
        out.extend_from_slice(COLON);
        let value = out.len();
        rest.string(out)?;
        if !encode::is_field_value(&out[value..]) {
            return Err(Error::protocol("HTTP/2: malformed header value"));
        }
        out.extend_from_slice(END);
        let line = Rc::new(Line { text: out[start..].into(), name });
        // A number of the table means another name with each field that is said.
        if number <= FIXED.len() {
            remember(place, &block[..block.len() - rest.0.len()], &line);
        }
        Ok(line)
    }
}

fn fixed(number: usize) -> Option<(&'static [u8], &'static [u8])> {
    let (name, value) = FIXED.get(number.checked_sub(1)?)?;
    Some((name.as_bytes(), value.as_bytes()))
}

#[cold]
fn compression(what: &'static str) -> Error {
    Error::protocol(format!("HTTP/2: malformed header block: {what}"))
}

#[cold]
fn unknown() -> Error {
    compression("a field that was never said")
}

/// What is left of a block.
struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    /// A number of which the first byte has `prefix` bits (RFC 7541, section 5.1).
    fn number(&mut self, prefix: u32) -> Result<usize, Error> {
        let full = (1 << prefix) - 1;
        let first = usize::from(self.byte()?) & full;
        if first < full {
            return Ok(first);
        }
        let mut number = full;
        // Four bytes more are 2^28, beyond every limit there is.
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            number += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(compression("a number beyond all limits"))
    }

    /// Appends a string to `out`.
    fn string(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let coded = self.0.first().is_some_and(|first| first & 0x80 != 0);
        let length = self.number(7)?;
        let (string, rest) =
            self.0.split_at_checked(length).ok_or_else(|| compression("it is cut short"))?;
        self.0 = rest;
        if !coded {
            out.extend_from_slice(string);
        } else if huffman::decode(string, out).is_none() {
            return Err(compression("Huffman code"));
        }
        if out.len() > HEAD_LIMIT { Err(too_long()) } else { Ok(()) }
    }

    fn byte(&mut self) -> Result<u8, Error> {
        let (&first, rest) = self.0.split_first().ok_or_else(|| compression("it is cut short"))?;
        self.0 = rest;
        Ok(first)
    }
}

/// The head as it grows, or nothing.
struct Text<'o> {
    out: &'o mut Vec<u8>,
    part: Part,
    has_status: bool,
    fault: Option<Error>,
}

impl Text<'_> {
    /// Judges the line that begins at `start`, behind everything else, with a name of `name` bytes.
    fn accept(&mut self, start: usize, name: usize) {
        let outcome = match self.part {
            Part::Head if self.out[start] == b':' => self.pseudo(start, name),
            Part::Head => self.field(start, name),
            Part::Trailers if self.out[start] == b':' => {
                Err(Error::protocol("HTTP/2: a pseudo-header after the body"))
            }
            Part::Trailers | Part::Unwanted => {
                self.out.truncate(start);
                Ok(())
            }
        };
        if let Err(fault) = outcome {
            self.out.truncate(start);
            (self.part, self.fault) = (Part::Unwanted, Some(fault));
        }
    }

    fn field(&self, start: usize, name: usize) -> Result<(), Error> {
        if !self.has_status {
            return Err(without_status());
        }
        if belongs_to_connection(&self.out[start..start + name]) {
            return Err(Error::protocol("HTTP/2: a header field about the connection"));
        }
        if self.out.len() > HEAD_LIMIT { Err(too_long()) } else { Ok(()) }
    }

    /// The status is the only one that an answer has.
    fn pseudo(&mut self, start: usize, name: usize) -> Result<(), Error> {
        let line = &self.out[start..];
        let value = &line[name + COLON.len()..line.len() - END.len()];
        let digits: Option<[u8; 3]> = value.try_into().ok();
        let digits = digits.filter(|_| &line[..name] == b":status" && !self.has_status);
        let status = digits.and_then(|digits| StatusCode::from_bytes(&digits).ok());
        let status = status.ok_or_else(|| Error::protocol("HTTP/2: malformed pseudo-header"))?;
        self.out.truncate(start);
        self.begin(status);
        Ok(())
    }

    fn begin(&mut self, status: StatusCode) {
        self.has_status = true;
        for part in ["HTTP/1.1 ", status.as_str(), " ", status.canonical_reason().unwrap_or("")] {
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.extend_from_slice(END);
    }

    fn end(self) -> Result<(), Error> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match self.part {
            Part::Head if !self.has_status => return Err(without_status()),
            Part::Head => self.out.extend_from_slice(END),
            Part::Trailers | Part::Unwanted => {}
        }
        Ok(())
    }
}

#[cold]
fn without_status() -> Error {
    Error::protocol("HTTP/2: a head that does not begin with the status")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(incoming: &mut Incoming, part: Part, block: &[u8]) -> Result<String, Error> {
        let mut out = Vec::new();
        incoming.read(block, part, &mut out)??;
        Ok(String::from_utf8(out).unwrap())
    }

    fn head(block: &[u8]) -> Result<String, String> {
        read(&mut Incoming::new(), Part::Head, block).map_err(|error| error.to_string())
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    /// RFC 7541, appendix C.6: three answers over one connection, with a table of 256 bytes.
    #[test]
    fn answers_of_the_standard() {
        let mut incoming = Incoming::new();
        let first = "3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 \
                     2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
        let told = "cache-control: private\r\ndate: Mon, 21 Oct 2013 20:13:21 GMT\r\n\
                    location: https://www.example.com\r\n\r\n";
        let first = read(&mut incoming, Part::Head, &hex(first)).unwrap();
        assert_eq!(first, format!("HTTP/1.1 302 Found\r\n{told}"));
        let second = read(&mut incoming, Part::Head, &hex("4883 640e ffc1 c0bf")).unwrap();
        assert_eq!(second, format!("HTTP/1.1 307 Temporary Redirect\r\n{told}"));
        let third = "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 \
                     821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed \
                     4ee5 b106 3d50 07";
        assert_eq!(
            read(&mut incoming, Part::Head, &hex(third)).unwrap(),
            "HTTP/1.1 200 OK\r\ncache-control: private\r\ndate: Mon, 21 Oct 2013 20:13:22 GMT\r\n\
             location: https://www.example.com\r\ncontent-encoding: gzip\r\n\
             set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\r\n\r\n"
        );
    }

    #[test]
    fn words_are_compared_and_numbers_are_not() {
        let mut incoming = Incoming::new();
        let head = |text: &str| format!("HTTP/1.1 200 OK\r\n{text}\r\n");
        // The number of `a` is that of `b` then: the same bytes, another name.
        let block = b"\x88\x40\x01a\x011\x7e\x012";
        assert_eq!(read(&mut incoming, Part::Head, block).unwrap(), head("a: 1\r\na: 2\r\n"));
        assert_eq!(read(&mut incoming, Part::Head, block).unwrap(), head("a: 1\r\na: 2\r\n"));
        let block = b"\x88\x40\x01b\x011\x7e\x012";
        assert_eq!(read(&mut incoming, Part::Head, block).unwrap(), head("b: 1\r\nb: 2\r\n"));
        // Kept or not is told by the words themselves.
        let mut incoming = Incoming::new();
        assert_eq!(
            read(&mut incoming, Part::Head, b"\x88\x00\x01b\x011").unwrap(),
            head("b: 1\r\n")
        );
        assert!(read(&mut incoming, Part::Head, b"\x88\xbe").is_err());
        assert_eq!(
            read(&mut incoming, Part::Head, b"\x88\x40\x01b\x011").unwrap(),
            head("b: 1\r\n")
        );
        assert_eq!(read(&mut incoming, Part::Head, b"\x88\xbe").unwrap(), head("b: 1\r\n"));
    }

    #[test]
    fn what_nobody_is_shown_changes_the_table_all_the_same() {
        let mut incoming = Incoming::new();
        // `a: b`, kept; then a head that names it by number.
        let field = b"\x40\x01a\x01b";
        assert_eq!(read(&mut incoming, Part::Trailers, field).unwrap(), "");
        assert_eq!(read(&mut incoming, Part::Unwanted, b"\x88\x40\x01c\x01d").unwrap(), "");
        let both = read(&mut incoming, Part::Head, b"\x88\xbe\xbf").unwrap();
        assert_eq!(both, "HTTP/1.1 200 OK\r\nc: d\r\na: b\r\n\r\n");
    }

    #[test]
    fn blocks_that_must_not_be_are_told_apart() {
        for (block, error) in [
            (&b""[..], "HTTP/2: a head that does not begin with the status"),
            (b"\x00\x01a\x01b\x88", "HTTP/2: a head that does not begin with the status"),
            (b"\x88\x88", "HTTP/2: malformed pseudo-header"),
            (b"\x82", "HTTP/2: malformed pseudo-header"),
            (b"\x08\x03099", "HTTP/2: malformed pseudo-header"),
            (b"\x08\x0220", "HTTP/2: malformed pseudo-header"),
            (b"\x88\x00\x01A\x01b", "HTTP/2: malformed header name"),
            (b"\x88\x00\x00\x01b", "HTTP/2: malformed header name"),
            (b"\x88\x00\x02a:\x01b", "HTTP/2: malformed header name"),
            (b"\x88\x00\x03a\r\n\x01b", "HTTP/2: malformed header name"),
            (b"\x88\x00\x01a\x06b\r\nc:d", "HTTP/2: malformed header value"),
            (b"\x88\x00\x01a\x01\0", "HTTP/2: malformed header value"),
            (b"\x88\x00\x0aconnection\x05close", "HTTP/2: a header field about the connection"),
            (b"\x88\x80", "HTTP/2: malformed header block: a field that was never said"),
            (b"\x88\xbe", "HTTP/2: malformed header block: a field that was never said"),
            (b"\x88\xff", "HTTP/2: malformed header block: it is cut short"),
            (b"\x88\x00\x05abc", "HTTP/2: malformed header block: it is cut short"),
            (
                b"\x88\xff\xff\xff\xff\xff\x01",
                "HTTP/2: malformed header block: a number beyond all limits",
            ),
            (b"\x88\x3f\xe2\x1f", "HTTP/2: malformed header block: a larger table than agreed"),
            (b"\x88\x00\x81\xff\x01b", "HTTP/2: malformed header block: Huffman code"),
        ] {
            assert_eq!(head(block), Err(error.to_owned()), "{}", block.escape_ascii());
        }
        let trailers = read(&mut Incoming::new(), Part::Trailers, b"\x88");
        assert_eq!(trailers.unwrap_err().to_string(), "HTTP/2: a pseudo-header after the body");
    }

    #[test]
    fn a_few_bytes_do_not_become_a_head_without_end() {
        let mut incoming = Incoming::new();
        let mut block = b"\x88\x40\x01a\x7f\xa1\x1e".to_vec();
        block.resize(block.len() + 4000, b'x');
        block.extend([0xbe; 100]);
        let error = read(&mut incoming, Part::Head, &block).unwrap_err();
        assert_eq!(error.to_string(), "a head of more than 64 KiB");
    }
}
