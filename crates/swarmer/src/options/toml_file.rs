//! Configuration files in TOML.

use toml::{Table, Value};

use super::sources::{Entry, Raw};

/// The entries of a TOML file: of its table `[tool.locust]` if it has one, else (unless only that table counts, as in
/// a `pyproject.toml`) of its top level.
///
/// # Errors
/// Where and why the file is no TOML, or which value is neither scalar nor a list of scalars.
pub(super) fn parse(text: &str, only_tool_table: bool) -> Result<Vec<Entry>, String> {
    let top: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        format!("line {line}: {}", error.message())
    })?;
    let tool = top.get("tool").and_then(|tool| tool.get("locust")).and_then(Value::as_table);
    match tool {
        Some(table) => entries(table),
        None if only_tool_table => Ok(Vec::new()),
        None => entries(&top),
    }
}

fn entries(table: &Table) -> Result<Vec<Entry>, String> {
    table
        .iter()
        .map(|(key, value)| {
            let problem = || format!("`{key}` must be a text, number, boolean or a list of these");
            let raw = match value {
                Value::Array(items) => {
                    Raw::Many(items.iter().map(scalar).collect::<Option<_>>().ok_or_else(problem)?)
                }
                other => Raw::One(scalar(other).ok_or_else(problem)?),
            };
            Ok(Entry::new(key, raw))
        })
        .collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Datetime(moment) => Some(moment.to_string()),
        Value::Array(_) | Value::Table(_) => None,
    }
}
