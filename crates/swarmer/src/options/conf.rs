//! Configuration files of lines: `key = value`, `key: value`, `key value`, or a bare `key` for a flag.

use super::sources::{Entry, Raw};

/// The entries of a file in order.
///
/// Comments begin with `#` or `;` at the start of a line or after white space; section headers and document markers
/// are skipped; a value may stand in quotes; `[a, b]` is a list.
///
/// # Errors
/// The number and text of a line that is none of these.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';', '[']) || line.starts_with("---") {
            continue;
        }
        let entry = entry(line).ok_or_else(|| {
            format!("line {}: expected `key = value`: {}", index + 1, super::value::quote(line))
        })?;
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(line: &str) -> Option<Entry> {
    let end = line.find(|c: char| ":=;#".contains(c) || c.is_whitespace()).unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    if key.is_empty() || rest.starts_with([';', '#']) {
        return None;
    }
    let rest = rest.trim_start();
    let raw = match rest.strip_prefix([':', '=']) {
        None if rest.is_empty() => Raw::One("true".to_owned()),
        None => raw(value(rest)),
        Some(rest) => raw(value(rest.trim_start())),
    };
    Some(Entry::new(key, raw))
}

/// The value at the start of `text`: up to a comment or the end, out of its quotes if only a comment follows them.
fn value(text: &str) -> &str {
    for quote in ['"', '\''] {
        let Some(inner) = text.strip_prefix(quote) else { continue };
        let closing = inner.match_indices(quote).find(|(at, _)| is_comment(&inner[at + 1..]));
        if let Some((at, _)) = closing {
            return &inner[..at];
        }
    }
    // A value has at least one character, be it a '#': a comment needs white space before it.
    let mut starts = text.char_indices().skip(1);
    let end = starts.find(|&(at, _)| is_comment(&text[at..])).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// Whether nothing or only a comment, white space before it, is left of a line.
fn is_comment(rest: &str) -> bool {
    let trimmed = rest.trim_start();
    trimmed.is_empty() || (trimmed.len() < rest.len() && trimmed.starts_with(['#', ';']))
}

fn raw(value: &str) -> Raw {
    let Some(list) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return Raw::One(value.to_owned());
    };
    // A list in JSON is one; anything else is parted at its commas.
    if let Ok(items) = serde_json::from_str::<Vec<serde_json::Value>>(value) {
        let text = |item: serde_json::Value| match item {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        return Raw::Many(items.into_iter().map(text).collect());
    }
    match list.trim() {
        "" => Raw::Many(Vec::new()),
        list => Raw::Many(list.split(',').map(|item| item.trim().to_owned()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Option<(String, Raw)> {
        let entries = parse(line).unwrap();
        entries.into_iter().next().map(|entry| (entry.key, entry.raw))
    }

    /// What Locust 2.47.0 makes of each line, as observed.
    #[test]
    fn lines_read_as_in_locust() {
        for (line, expected) in [
            ("a=1", "1"),
            ("a = 1", "1"),
            ("a: 1", "1"),
            ("a 1", "1"),
            ("a\t=\tb", "b"),
            ("  a = 1", "1"),
            ("a", "true"),
            ("a =", ""),
            ("a:", ""),
            ("a = \"x y\"", "x y"),
            ("a = 'x'", "x"),
            ("a = 'x' # c", "x"),
            ("a = x # c", "x"),
            ("a = x ;c", "x"),
            ("a = x#c", "x#c"),
            ("a = x;c", "x;c"),
            ("a=#c", "#c"),
            ("a = # c", "# c"),
            ("a #c", "#c"),
            ("a ; c", "; c"),
            ("a == b", "= b"),
            ("a := b", "= b"),
            ("a = b = c", "b = c"),
            ("a b c", "b c"),
            ("a b = c", "b = c"),
            ("a: b: c", "b: c"),
            ("a = \"x", "\"x"),
            ("a = x\"", "x\""),
            ("a = \"x\" y", "\"x\" y"),
            ("a = \"x # y\"", "x # y"),
            ("a = \"\"", ""),
            ("a = ' x '", " x "),
            ("a= \"", "\""),
            ("a = [1, 2", "[1, 2"),
            ("a=[a # b]", "[a"),
            ("--a = 1", "1"),
            ("--a", "true"),
        ] {
            assert_eq!(one(line), Some(("a".into(), Raw::One(expected.into()))), "{line}");
        }
    }

    #[test]
    fn lists_read_as_in_locust() {
        for (line, expected) in [
            ("a = [x, y]", &["x", "y"][..]),
            ("a=[x]", &["x"]),
            ("a = [\"x\", \"y z\"]", &["x", "y z"]),
            ("a = ['x', y]", &["'x'", "y"]),
            ("a = [ x ,, y ]", &["x", "", "y"]),
            ("a = [x] # c", &["x"]),
            ("a = [true, 1]", &["true", "1"]),
            ("a=[]", &[]),
            ("a = [ ]", &[]),
        ] {
            let words = expected.iter().map(ToString::to_string).collect();
            assert_eq!(one(line), Some(("a".into(), Raw::Many(words))), "{line}");
        }
    }

    #[test]
    fn what_is_skipped_and_what_is_wrong() {
        for line in ["", "# a = 1", "; a = 1", "[section]", "---", "--- a"] {
            assert_eq!(one(line), None, "{line}");
        }
        for line in ["=x", ":x", "= x", "a;b = 1", "a#b = 1"] {
            let text = format!("ok = 1\n{line}\n");
            assert_eq!(parse(&text), Err(format!("line 2: expected `key = value`: '{line}'")));
        }
    }
}
