//! Heads as nearly all servers write them, read in one go.
//!
//! Of all that is done for a request outside the kernel, taking heads apart was the largest piece. What is read here is
//! only what leaves no doubt: whole, in HTTP/1.0 or 1.1, each line ended by CRLF, without tabs, folded lines and control
//! characters. Everything else is somebody else's to judge, with the same result for what is read here (a test compares).

use memchr::memchr_iter;

use super::encode;
use super::head::{FIELD_LIMIT, Line};

/// Reads the head at the front of `bytes` and shows each field, name and value, to `look`; `None` if it is not of the
/// usual kind or `look` does not want it.
pub(super) fn read<'b>(
    bytes: &'b [u8],
    mut look: impl FnMut(&'b [u8], &'b [u8]) -> Option<()>,
) -> Option<Line> {
    let mut ends = memchr_iter(b'\n', bytes);
    let mut start = ends.next()? + 1;
    let (status, minor) = status(&bytes[..start])?;
    for lines in 2..FIELD_LIMIT + 3 {
        let end = ends.next()? + 1;
        let line = bytes[start..end].strip_suffix(b"\r\n")?;
        start = end;
        if line.is_empty() {
            // Two for each line: none elsewhere.
            let whole = controls(&bytes[..end]) == 2 * lines;
            return whole.then_some(Line { status, minor, length: end });
        }
        let colon = encode::token_length(line);
        if colon == 0 || line.get(colon) != Some(&b':') {
            return None;
        }
        look(&line[..colon], line[colon + 1..].trim_ascii())?;
    }
    None
}

/// Status and minor version of a status line with its line end.
fn status(line: &[u8]) -> Option<(u16, u8)> {
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, b' ', a, b, c, b' ', .., b'\r', b'\n'] =
        line
    else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let minor = minor.checked_sub(b'0').filter(|minor| *minor <= 1)?;
    Some((digit(a)? * 100 + digit(b)? * 10 + digit(c)?, minor))
}

/// How many control characters, line ends among them, there are. Counted in small sums, which the compiler does for many
/// bytes at once.
fn controls(bytes: &[u8]) -> usize {
    let is = |byte: &u8| u8::from(*byte < b' ') + u8::from(*byte == 0x7f);
    bytes.chunks(128).map(|some| usize::from(some.iter().map(is).sum::<u8>())).sum()
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
    fn control_characters_are_counted_in_long_heads_too() {
        let bytes = b"\n".repeat(1000);
        assert_eq!(controls(&bytes), 1000);
        assert_eq!(controls("\u{e9} ~\r\n\t\x7f".as_bytes()), 4);
    }
}
