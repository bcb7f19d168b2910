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
    let line = without_comment(line);
    let end = line.find(|c: char| c == ':' || c == '=' || c.is_whitespace()).unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    if key.is_empty() {
        return None;
    }
    let rest = rest.trim_start();
    let value = rest.strip_prefix([':', '=']).map(str::trim_start);
    let raw = match value {
        None if rest.is_empty() => Raw::One("true".to_owned()),
        None => raw(rest),
        Some(value) => raw(value),
    };
    Some(Entry::new(key, raw))
}

fn without_comment(line: &str) -> &str {
    let mut previous = ' ';
    for (position, letter) in line.char_indices() {
        if matches!(letter, '#' | ';') && previous.is_whitespace() {
            return line[..position].trim_end();
        }
        previous = letter;
    }
    line
}

fn raw(value: &str) -> Raw {
    if let Some(list) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let items = list.split(',').map(|item| unquoted(item.trim()).to_owned());
        return Raw::Many(items.filter(|item| !item.is_empty()).collect());
    }
    Raw::One(unquoted(value).to_owned())
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}
