//! Heads as nearly all servers write them, read in one go.
//!
//! Of all that is done for a request outside the kernel, taking heads apart was the largest piece. What is read here is
//! only what leaves no doubt: whole, in HTTP/1.0 or 1.1, each line ended by CRLF, without tabs, folded lines and control
//! characters. Everything else is somebody else's to judge, with the same result for what is read here (a test compares).

use super::encode;
use super::head::{FIELD_LIMIT, Line};

/// Reads the head at the front of `bytes` and shows each field, name and value, to `look`; `None` if it is not of the
/// usual kind or `look` does not want it.
pub(super) fn read<'b>(
    bytes: &'b [u8],
    mut look: impl FnMut(&'b [u8], &'b [u8]) -> Option<()>,
) -> Option<Line> {
    let (status, minor) = status(bytes)?;
    let mut rest = line(&bytes[REASON..])?.1;
    for _ in 0..=FIELD_LIMIT {
        if let Some(body) = rest.strip_prefix(b"\r\n") {
            return Some(Line { status, minor, length: bytes.len() - body.len() });
        }
        let colon = name_length(rest);
        if colon == 0 || rest.get(colon) != Some(&b':') {
            return None;
        }
        let (name, field) = rest.split_at(colon);
        let (value, next) = line(&field[1..])?;
        look(name, value.trim_ascii())?;
        rest = next;
    }
    None
}

/// Where the reason phrase of a status line begins, or the line ends.
const REASON: usize = "HTTP/1.1 200 ".len();

/// Status and minor version of a status line.
fn status(line: &[u8]) -> Option<(u16, u8)> {
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, b' ', a, b, c, b' ', ..] = line else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let minor = minor.checked_sub(b'0').filter(|minor| *minor <= 1)?;
    Some((digit(a)? * 100 + digit(b)? * 10 + digit(c)?, minor))
}

/// The rest of a line without its end, which is the first control character in it, and what follows.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, end) = bytes.split_at_checked(until_control(bytes))?;
    Some((line, end.strip_prefix(b"\r\n")?))
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

    fn fields(text: &str) -> Option<(Line, Vec<(String, String)>)> {
        let mut fields = Vec::new();
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = read(text.as_bytes(), |name, value| {
            fields.push((text_of(name), text_of(value)));
            Some(())
        })?;
        Some((line, fields))
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
