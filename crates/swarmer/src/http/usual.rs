//! Heads as nearly all servers write them, read in one go.
//!
//! Of all that is done for a request outside the kernel, taking heads apart was the largest piece. What is read here is
//! only what leaves no doubt: whole, in HTTP/1.0 or 1.1, each line ended by CRLF, without tabs, folded lines and control
//! characters. Everything else is somebody else's to judge, with the same result for what is read here (a test compares).
//!
//! Most lines of a head stand in the one before it as well. So each thread keeps the lines of the latest head, and compares
//! before it reads.

use std::cell::RefCell;
use std::ops::Range;

use super::encode;
use super::head::{FIELD_LIMIT, Line};

/// So many lines of a head are kept; what comes after them is read anew each time.
const KEPT: usize = 16;

thread_local! {
    static LATEST: RefCell<[Seen; KEPT]> = const { RefCell::new([Seen::NOTHING; KEPT]) };
}

/// Reads the head at the front of `bytes` and shows its fields, name and value, to `look`, which says whether it looks for
/// fields of that name: one that it does not look for is not always shown. `None` if the head is not of the usual kind, or
/// `look` does not want it.
pub(super) fn read<'b>(
    bytes: &'b [u8],
    look: impl FnMut(&'b [u8], &'b [u8]) -> Option<bool>,
) -> Option<Line> {
    LATEST.with_borrow_mut(|latest| read_after(latest, bytes, look))
}

/// The same, after a head of which these are the lines; they are then those of this one.
fn read_after<'b>(
    latest: &mut [Seen; KEPT],
    bytes: &'b [u8],
    mut look: impl FnMut(&'b [u8], &'b [u8]) -> Option<bool>,
) -> Option<Line> {
    let (status, minor) = status(bytes)?;
    let [phrase, fields @ ..] = latest;
    let mut fields = fields.iter_mut();
    let mut rest = &bytes[REASON..];
    if let Some(next) = phrase.before(rest) {
        rest = next;
    } else {
        let length = line(rest)?.len() + CRLF;
        phrase.keep(&rest[..length], None);
        rest = &rest[length..];
    }
    for _ in 0..=FIELD_LIMIT {
        if let Some(body) = rest.strip_prefix(b"\r\n") {
            return Some(Line { status, minor, length: bytes.len() - body.len() });
        }
        let seen = fields.next();
        if let Some(seen) = &seen
            && let Some(next) = seen.before(rest)
        {
            if let Some((name, value)) = seen.field(rest) {
                look(name, value)?;
            }
            rest = next;
            continue;
        }
        let Field { name, value, length } = field(rest)?;
        let looked_for = look(&rest[..name], &rest[value.clone()])?;
        if let Some(seen) = seen {
            seen.keep(&rest[..length], looked_for.then_some((name, value)));
        }
        rest = &rest[length..];
    }
    None
}

/// A line that was read, with its end, if it is not too long: in one line of the core's cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Seen {
    text: [u8; 60],
    length: u8,
    /// Where its parts end, if somebody looks for it; else 0.
    name: u8,
    value: [u8; 2],
}

impl Seen {
    const NOTHING: Self = Self { text: [0; 60], length: 0, name: 0, value: [0; 2] };

    /// What follows it, if it stands at the front of `bytes`.
    #[inline]
    fn before<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let text = self.text.get(..usize::from(self.length)).filter(|text| !text.is_empty())?;
        bytes.strip_prefix(text)
    }

    /// Its name and value, if somebody looks for it, in `bytes`, at whose front it stands.
    #[inline]
    fn field<'b>(&self, bytes: &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let ([from, to], name) = (self.value.map(usize::from), usize::from(self.name));
        if name == 0 { None } else { Some((&bytes[..name], &bytes[from..to])) }
    }

    fn keep(&mut self, line: &[u8], field: Option<(usize, Range<usize>)>) {
        *self = Self::NOTHING;
        let Some(text) = self.text.get_mut(..line.len()) else { return };
        text.copy_from_slice(line);
        #[expect(clippy::cast_possible_truncation, reason = "places in a text of 60 bytes")]
        let short = |at: usize| at as u8;
        self.length = short(line.len());
        if let Some((name, value)) = field {
            (self.name, self.value) = (short(name), [short(value.start), short(value.end)]);
        }
    }
}

/// Where the parts of a field lie.
struct Field {
    /// Bytes of the name at the front.
    name: usize,
    value: Range<usize>,
    /// Bytes of the line, with its end.
    length: usize,
}

/// Reads the header field at the front.
fn field(bytes: &[u8]) -> Option<Field> {
    let name = name_length(bytes);
    if name == 0 || bytes.get(name) != Some(&b':') {
        return None;
    }
    let rest = line(&bytes[name + 1..])?;
    let (end, value) = (name + 1 + rest.len(), rest.trim_ascii_start());
    let from = end - value.len();
    Some(Field { name, value: from..from + value.trim_ascii_end().len(), length: end + CRLF })
}

/// Where the reason phrase of a status line begins, or the line ends.
const REASON: usize = "HTTP/1.1 200 ".len();
const CRLF: usize = "\r\n".len();

/// Status and minor version of a status line.
fn status(line: &[u8]) -> Option<(u16, u8)> {
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, b' ', a, b, c, b' ', ..] = line else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let minor = minor.checked_sub(b'0').filter(|minor| *minor <= 1)?;
    Some((digit(a)? * 100 + digit(b)? * 10 + digit(c)?, minor))
}

/// The line at the front without its end, which is the first control character in it.
pub(super) fn line(bytes: &[u8]) -> Option<&[u8]> {
    let (line, end) = bytes.split_at_checked(until_control(bytes))?;
    end.starts_with(b"\r\n").then_some(line)
}

/// How many bytes come before the first control character.
fn until_control(bytes: &[u8]) -> usize {
    // Of the bits set only the lowest is to be believed, which is the one asked for: the subtractions borrow from the byte
    // above when they find something.
    let found = first(bytes, |eight| {
        let del = eight ^ each(0x7f);
        let low = eight.wrapping_sub(each(b' ')) & !eight;
        low | (del.wrapping_sub(each(1)) & !del)
    });
    found.unwrap_or_else(|from| {
        let rest = &bytes[from..];
        from + rest.iter().position(u8::is_ascii_control).unwrap_or(rest.len())
    })
}

/// How many bytes at the front may belong to a field's name: mostly letters and hyphens, so it begins with those.
fn name_length(bytes: &[u8]) -> usize {
    let found = first(bytes, |eight| {
        let low = eight & each(0x7f);
        let small = low | each(0x20);
        let letter = (small + each(0x80 - b'a')) & !(small + each(0x80 - b'z' - 1));
        let no_hyphen = (low ^ each(b'-')) + each(0x7f);
        eight | (no_hyphen & !letter)
    });
    let (Ok(from) | Err(from)) = found;
    from + encode::token_length(&bytes[from..])
}

/// The first byte of which `find` sets the highest bit, eight being looked at in one go; or where less than eight are left.
fn first(bytes: &[u8], find: impl Fn(u64) -> u64) -> Result<usize, usize> {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk() {
        let found = find(u64::from_le_bytes(*eight)) & each(0x80);
        if found != 0 {
            return Ok(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    Err(at)
}

/// Eight times the same byte.
const fn each(byte: u8) -> u64 {
    u64::MAX / 0xff * byte as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields = Option<(Line, Vec<(String, String)>)>;

    fn fields(text: &str) -> Fields {
        fields_after(&mut [Seen::NOTHING; KEPT], text, true)
    }

    /// With `all` fields of any name are looked for, else those whose name begins with S.
    fn fields_after(latest: &mut [Seen; KEPT], text: &str, all: bool) -> Fields {
        let mut fields = Vec::new();
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = read_after(latest, text.as_bytes(), |name, value| {
            let looked_for = all || name.starts_with(b"S");
            if looked_for {
                fields.push((text_of(name), text_of(value)));
            }
            Some(looked_for)
        })?;
        Some((line, fields))
    }

    #[test]
    fn what_was_read_before_changes_nothing() {
        let long = format!("Long: {}\r\n", "x".repeat(100));
        let many = "M: 1\r\n".repeat(KEPT + 3);
        let bodies = [
            "A: b\r\nServer: nginx\r\nDate: Sun, 29 Nov 2026 09:44:01 GMT\r\n\r\nbody",
            "A: b\r\nServer: nginx\r\nDate: Sun, 29 Nov 2026 09:44:02 GMT\r\n\r\n",
            "A: b\r\nServer: nginx \r\n\r\n",
            "A: b\r\nServer: ngin",
            "A: b\r\nServer: nginx\r",
            "A: b\r\n Server: nginx\r\n\r\n",
            "A: b\n\r\n",
            "A:b\r\n\r\n",
            "\r\nA: b\r\n\r\n",
            &format!("{long}A: b\r\n\r\n"),
            &format!("{many}A: b\r\n\r\n"),
        ];
        let starts = [
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.0 404 OK\r\n",
            "HTTP/1.1 200 \r\n",
            "HTTP/1.1 200 OK\n",
        ];
        let heads = || bodies.iter().flat_map(|body| starts.map(|start| format!("{start}{body}")));
        for before in heads() {
            for head in heads() {
                for all in [true, false] {
                    let mut latest = [Seen::NOTHING; KEPT];
                    let afresh = fields_after(&mut latest.clone(), &head, all);
                    fields_after(&mut latest, &before, all);
                    let after = fields_after(&mut latest, &head, all);
                    assert_eq!(after, afresh, "{head:?} after {before:?}");
                    assert_eq!(fields_after(&mut latest, &head, all), afresh, "{head:?} twice");
                }
            }
        }
    }

    #[test]
    fn a_usual_head_is_read_whole() {
        let text = "HTTP/1.1 200 OK\r\nA: b c \r\nEmpty:\r\nX-Y:z\r\n\r\nbody\n\n";
        let (line, fields) = fields(text).unwrap();
        assert_eq!((line.status, line.minor, line.length), (200, 1, text.len() - 6));
        let expected = [("A", "b c"), ("Empty", ""), ("X-Y", "z")];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn whatever_is_unusual_is_left_to_others() {
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(FIELD_LIMIT + 1));
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n",
            "HTTP/1.1 200 OK\r\nA: b\n\r\n",
            "HTTP/1.1 200 OK\n\r\n",
            "HTTP/1.1 200\r\n\r\n",
            "HTTP/1.2 200 OK\r\n\r\n",
            "HTTP/1.1 2x0 OK\r\n\r\n",
            "HTTP/1.1 200 O\tK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: \r b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
            &many,
        ] {
            assert_eq!(fields(text).map(|(_, fields)| fields), None, "{text:?}");
        }
    }

    #[test]
    fn eight_bytes_in_one_go_are_judged_as_one_by_one() {
        let check = |bytes: &[u8]| {
            let control = bytes.iter().position(u8::is_ascii_control).unwrap_or(bytes.len());
            assert_eq!(until_control(bytes), control, "{bytes:x?}");
            assert_eq!(name_length(bytes), encode::token_length(bytes), "{bytes:x?}");
        };
        for length in 0..20 {
            for at in 0..length {
                // What comes after the byte differs from others in one bit.
                for after in *b"a \x80\x9f\xff\r\x7f\0,-.M:" {
                    let mut bytes = vec![if at % 2 == 0 { b'Z' } else { b'-' }; length];
                    bytes[at + 1..].fill(after);
                    for byte in 0..=u8::MAX {
                        bytes[at] = byte;
                        check(&bytes);
                    }
                }
            }
        }
    }
}
