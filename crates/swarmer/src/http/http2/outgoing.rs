//! Requests, taken from their form in HTTP/1.1, as blocks of header fields (RFC 7541; RFC 9113, section 8.3).
//!
//! Most lines of a request were in the user's request before it, at the same place. So each connection remembers lines as
//! they stand in HTTP/1.1, and compares before it reads: what was said before is one byte.

use super::table::{FIXED, Held, LIMIT, OVERHEAD, Table};
use crate::http::error::Error;
use crate::http::wire::{Field, Line, belongs_to_connection, malformed};

/// A field's number, and that is all.
const KNOWN: (u8, u8) = (0x80, 7);
/// A field in words, to be remembered.
const KEPT: (u8, u8) = (0x40, 6);
/// A field in words that will not come again.
const PASSING: (u8, u8) = (0x00, 4);
/// A new limit of the table.
const RESIZED: (u8, u8) = (0x20, 5);

/// Numbers of fields known from the beginning.
const AUTHORITY: usize = 1;
const METHOD: usize = 2;
const POST: usize = 3;
const PATH: usize = 4;
const HTTP: usize = 6;
const HTTPS: usize = 7;

/// A line of a request that was said before, with its end.
#[derive(Debug)]
struct Said {
    text: Box<[u8]>,
    /// Bytes of its name.
    name: usize,
    size: usize,
    /// It stands for `:authority`, which comes before all fields.
    is_host: bool,
}

impl Held for Said {
    fn size(&self) -> usize {
        self.size
    }
}

/// Writes the blocks of one connection, in their order.
#[derive(Debug)]
pub(super) struct Outgoing {
    table: Table<Said>,
    /// The place of the line that comes next if this request is like the one before.
    next: usize,
    /// The smallest limit of the table since the last block, if it changed: to be told in the next one.
    resized: Option<usize>,
}

impl Outgoing {
    pub(super) fn new() -> Self {
        Self { table: Table::new(), next: 0, resized: None }
    }

    /// The server has room for a table of `limit` bytes.
    pub(super) fn set_limit(&mut self, limit: usize) {
        let limit = limit.min(LIMIT);
        if limit != self.table.limit() {
            self.resized = Some(self.resized.map_or(limit, |smallest| smallest.min(limit)));
            self.table.set_limit(limit);
        }
    }

    /// Appends the block for the request `wire`, in its form in HTTP/1.1, to `out`; where its body begins.
    ///
    /// # Errors
    /// Of kind [`Invalid`](crate::http::ErrorKind::Invalid) if `wire` does not have that form.
    pub(super) fn write(
        &mut self,
        wire: &[u8],
        secure: bool,
        authority: &str,
        out: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        if let Some(smallest) = self.resized.take() {
            let limit = self.table.limit();
            if smallest < limit {
                number(out, RESIZED, smallest);
            }
            number(out, RESIZED, limit);
        }
        let mut rest = request_line(wire, secure, out).ok_or_else(malformed)?;
        self.next = 0;
        self.authority(rest, authority, out)?;
        loop {
            if let Some(body) = rest.strip_prefix(b"\r\n") {
                return Ok(wire.len() - body.len());
            }
            rest = match self.repeated(rest, out) {
                Some(length) => &rest[length..],
                None => self.fresh(rest, out)?,
            };
        }
    }

    /// The authority, from the `Host` line, which is the first one as a rule.
    fn authority(&mut self, fields: &[u8], origin: &str, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut lines = fields;
        while !lines.starts_with(b"\r\n") {
            let known = self.table.fields().iter().position(|line| line.is_host);
            if let Some(place) =
                known.filter(|at| lines.starts_with(&self.table.fields()[*at].text))
            {
                number(out, KNOWN, self.table.number(place));
                return Ok(());
            }
            let field = Field::first(lines).ok_or_else(malformed)?;
            if field.name.eq_ignore_ascii_case(b"host") {
                self.say_authority(field.text, field.value, known.is_none(), out);
                return Ok(());
            }
            lines = &lines[field.text.len()..];
        }
        self.say_authority(b"", origin.as_bytes(), false, out);
        Ok(())
    }

    fn say_authority(&mut self, text: &[u8], value: &[u8], keep: bool, out: &mut Vec<u8>) {
        let size = FIXED[AUTHORITY - 1].0.len() + value.len() + OVERHEAD;
        let keep = keep && size <= self.table.limit();
        number(out, if keep { KEPT } else { PASSING }, AUTHORITY);
        string(out, value);
        if keep {
            self.table.keep(Said { text: text.into(), name: 4, size, is_host: true });
        }
    }

    /// A line at the front of `lines` that was said before; its bytes.
    fn repeated(&mut self, lines: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let fields = self.table.fields();
        let is_next = |line: &Said| lines.starts_with(&line.text);
        let expected = fields.get(self.next).is_some_and(is_next).then_some(self.next);
        let place = expected.or_else(|| fields.iter().position(is_next))?;
        let line = &fields[place];
        if !line.is_host {
            number(out, KNOWN, self.table.number(place));
        }
        self.next = place + 1;
        Some(line.text.len())
    }

    /// A line at the front of `lines` in words; what follows it.
    ///
    /// The first value of a name is remembered. One that changes would only drive out what does come again.
    fn fresh<'l>(&mut self, lines: &'l [u8], out: &mut Vec<u8>) -> Result<&'l [u8], Error> {
        let Field { text, name, value } = Field::first(lines).ok_or_else(malformed)?;
        let rest = &lines[text.len()..];
        if !may_be_sent(name, value) {
            return Ok(rest);
        }
        let said = |line: &Said| {
            !line.is_host
                && line.name == name.len()
                && line.text[..line.name].eq_ignore_ascii_case(name)
        };
        if let Some(place) = self.table.fields().iter().position(said) {
            number(out, PASSING, self.table.number(place));
            string(out, value);
            return Ok(rest);
        }
        let of_name = |fixed: &(&str, &str)| fixed.0.as_bytes().eq_ignore_ascii_case(name);
        let fixed = FIXED.iter().position(of_name).map(|place| place + 1);
        if let Some(place) =
            fixed.filter(|place| !value.is_empty() && FIXED[place - 1].1.as_bytes() == value)
        {
            number(out, KNOWN, place);
            return Ok(rest);
        }
        let size = name.len() + value.len() + OVERHEAD;
        let keep = size <= self.table.limit();
        number(out, if keep { KEPT } else { PASSING }, fixed.unwrap_or(0));
        if fixed.is_none() {
            string(out, &name.to_ascii_lowercase());
        }
        string(out, value);
        if keep {
            self.table.keep(Said { text: text.into(), name: name.len(), size, is_host: false });
            self.next = self.table.fields().len();
        }
        Ok(rest)
    }
}

/// Method, scheme and path; the lines behind the first one.
fn request_line<'w>(wire: &'w [u8], secure: bool, out: &mut Vec<u8>) -> Option<&'w [u8]> {
    let Line { method, target, rest } = Line::first(wire)?;
    match method {
        b"GET" => number(out, KNOWN, METHOD),
        b"POST" => number(out, KNOWN, POST),
        _ => {
            number(out, PASSING, METHOD);
            string(out, method);
        }
    }
    number(out, KNOWN, if secure { HTTPS } else { HTTP });
    if target == b"/" {
        number(out, KNOWN, PATH);
    } else {
        number(out, PASSING, PATH);
        string(out, target);
    }
    Some(rest)
}

/// Whether a field may be in a request over HTTP/2 (RFC 9113, sections 8.2.2 and 8.3.1).
fn may_be_sent(name: &[u8], value: &[u8]) -> bool {
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    !belongs_to_connection(name) && !is(b"host") && (!is(b"te") || value == b"trailers")
}

/// A number behind the first bits of a byte (RFC 7541, section 5.1).
fn number(out: &mut Vec<u8>, (mark, prefix): (u8, u8), number: usize) {
    let full = (1u8 << prefix) - 1;
    match u8::try_from(number) {
        Ok(small) if small < full => out.push(mark | small),
        _ => {
            out.push(mark | full);
            let mut rest = number - usize::from(full);
            while rest >= 0x80 {
                #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
                out.push((rest & 0x7f) as u8 | 0x80);
                rest >>= 7;
            }
            #[expect(clippy::cast_possible_truncation, reason = "less than eight bits are left")]
            out.push(rest as u8);
        }
    }
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    number(out, (0x00, 7), text.len());
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(outgoing: &mut Outgoing, wire: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let body = outgoing.write(wire.as_bytes(), false, "origin.test", &mut out).unwrap();
        assert_eq!(&wire[body..], wire.split_once("\r\n\r\n").unwrap().1);
        out
    }

    #[test]
    fn what_was_said_is_a_byte() {
        let mut outgoing = Outgoing::new();
        let wire = "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nX-Own: c\r\nAccept-Encoding: gzip, deflate\r\n\r\n";
        let first = block(&mut outgoing, wire);
        assert_eq!(first, b"\x82\x86\x84\x41\x01a\x7a\x01b\x40\x05x-own\x01c\x90");
        // The line that is known from the beginning is found among those, each time.
        assert_eq!(block(&mut outgoing, wire), b"\x82\x86\x84\xc0\xbf\xbe\x90");
        let another = wire.replace("X-Own: c", "x-own: d").replace("GET /", "PUT /a?b");
        let expected = b"\x02\x03PUT\x86\x04\x04/a?b\xc0\xbf\x0f\x2f\x01d\x90";
        assert_eq!(block(&mut outgoing, &another), expected);
        assert_eq!(block(&mut outgoing, wire), b"\x82\x86\x84\xc0\xbf\xbe\x90");
    }

    #[test]
    fn the_authority_comes_before_all_fields() {
        let mut outgoing = Outgoing::new();
        let own = "POST /a HTTP/1.1\r\nX: b\r\nhost: c\r\n\r\nbody";
        assert_eq!(block(&mut outgoing, own), b"\x83\x86\x04\x02/a\x41\x01c\x40\x01x\x01b");
        assert_eq!(block(&mut outgoing, own), b"\x83\x86\x04\x02/a\xbf\xbe");
        let without = "POST /a HTTP/1.1\r\nX: b\r\n\r\n";
        assert_eq!(block(&mut outgoing, without), b"\x83\x86\x04\x02/a\x01\x0borigin.test\xbe");
    }

    #[test]
    fn what_is_about_the_connection_stays_out() {
        let wire = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTE: trailers\r\nTe: gzip\r\nUpgrade: b\r\n\r\n";
        let expected = b"\x82\x86\x84\x41\x01a\x40\x02te\x08trailers";
        assert_eq!(block(&mut Outgoing::new(), wire), expected);
    }

    #[test]
    fn a_smaller_table_is_told() {
        let mut outgoing = Outgoing::new();
        let wire = "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n";
        block(&mut outgoing, wire);
        outgoing.set_limit(0);
        outgoing.set_limit(100_000);
        // Emptied, and as large as before.
        let told = block(&mut outgoing, wire);
        assert_eq!(told, b"\x20\x3f\xe1\x1f\x82\x86\x84\x41\x01a\x40\x01x\x01b");
        outgoing.set_limit(10);
        let nothing_is_kept = b"\x82\x86\x84\x01\x01a\x00\x01x\x01b";
        assert_eq!(block(&mut outgoing, wire), [b"\x2a", &nothing_is_kept[..]].concat());
        assert_eq!(block(&mut outgoing, wire), nothing_is_kept);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for wire in [
            "",
            "GET",
            "GET /",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost",
            "GET / HTTP/1.1\r\na\r\n\r\n",
        ] {
            let error = Outgoing::new().write(wire.as_bytes(), false, "a", &mut Vec::new());
            assert!(error.unwrap_err().is_invalid(), "{wire:?}");
        }
    }
}
