//! Python's spellings of numbers and texts, which Locust's files and error keys are made of.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// A float as Python prints it: the shortest digits that read back as the same number, always with a point or an
/// exponent (`0.0`, `1e-05`, `1e+16`).
pub fn float(value: f64) -> String {
    if !value.is_finite() {
        return format!("{value}").to_lowercase();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("`{:e}` always has an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` has a whole exponent");
    if (-4..16).contains(&exponent) {
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A text as Python quotes it: in single quotes unless it holds one and no double quote; control characters and other
/// unprintable ones escaped.
///
/// Code points that no version of Unicode has assigned are left as they are, where Python escapes them.
pub fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str(r"\\"),
            '\n' => out.push_str(r"\n"),
            '\r' => out.push_str(r"\r"),
            '\t' => out.push_str(r"\t"),
            c if c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => escape(&mut out, c),
        }
    }
    out.push(quote);
    out
}

fn escape(out: &mut String, c: char) {
    let written = match u32::from(c) {
        code @ 0..=0xff => write!(out, "\\x{code:02x}"),
        code @ 0x100..=0xffff => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    };
    written.expect("writing to a string cannot fail");
}

/// Python's idea of printable: no control, format, private or separator character, except the space.
fn is_printable(c: char) -> bool {
    let format = matches!(u32::from(c),
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0x110bd | 0x110cd
        | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0001 | 0xe0020..=0xe007f);
    let private = matches!(u32::from(c), 0xe000..=0xf8ff | 0xf0000..=0x10_ffff);
    c == ' ' || !(c.is_control() || c.is_whitespace() || format || private)
}

/// The text within Python's quotes, if `quoted` is one quoted text and nothing else.
pub fn unquoted(quoted: &str) -> Option<String> {
    let quote = quoted.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            return None;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'x' => code(&mut chars, 2)?,
            'u' => code(&mut chars, 4)?,
            'U' => code(&mut chars, 8)?,
            same @ ('\\' | '\'' | '"') => same,
            _ => return None,
        });
    }
    Some(out)
}

fn code(chars: &mut std::str::Chars, digits: usize) -> Option<char> {
    let hex = chars.as_str().get(..digits)?;
    *chars = chars.as_str()[digits..].chars();
    u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)
}

/// The key Locust groups and orders errors by: hex SHA-256 of `<method>.<name>.<quoted error>`.
pub fn error_key(method: &str, name: &str, error: &str) -> String {
    let digest = Sha256::digest(format!("{method}.{name}.{}", quoted(error)));
    digest.iter().fold(String::with_capacity(64), |mut key, byte| {
        write!(key, "{byte:02x}").expect("writing to a string cannot fail");
        key
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn floats_read_like_pythons() {
        let known = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (2.308_462_571_433_238_5, "2.3084625714332385"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e300, "1.25e+300"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in known {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn texts_are_quoted_like_pythons() {
        let known = [
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("a \"b\"", "'a \"b\"'"),
            ("'\"", "'\\'\"'"),
            ("a\\b\n\r\t", r"'a\\b\n\r\t'"),
            ("\0\u{1b}\u{7f}", r"'\x00\x1b\x7f'"),
            ("é\u{a0}", r"'é\xa0'"),
            ("\u{200b}\u{2028}", r"'\u200b\u2028'"),
            ("😀", "'😀'"),
            ("\u{e0001}", r"'\U000e0001'"),
            ("", "''"),
        ];
        for (text, quoted_text) in known {
            assert_eq!(quoted(text), quoted_text);
            assert_eq!(unquoted(quoted_text).as_deref(), Some(text));
        }
        for no in ["", "'", "plain", "'a", "'a' b'", r"'\q'", r"'\x0'", r"'\ud800'"] {
            assert_eq!(unquoted(no), None, "{no}");
        }
    }

    #[test]
    fn the_error_key_is_locusts() {
        let error = "HTTPError('500 Server Error: Internal Server Error for url: /boom')";
        let key = "c3fb926033721de560763b71be482e3c184c88f6d3decf6dbf7f574d77e3668a";
        assert_eq!(error_key("GET", "/boom", error), key);
    }

    proptest! {
        #[test]
        fn what_is_quoted_can_be_unquoted(text in any::<String>()) {
            let back = unquoted(&quoted(&text));
            prop_assert_eq!(back.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn unquoting_takes_anything(text in ".*") {
            let _ = unquoted(&text);
        }

        #[test]
        fn floats_read_back(value in any::<f64>()) {
            let back: f64 = float(value).parse().unwrap();
            prop_assert!(back.to_bits() == value.to_bits() || value.is_nan());
        }
    }
}
