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
                Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_table) => {
                    Raw::One(stages(key, items)?)
                }
                Value::Array(items) => {
                    Raw::Many(items.iter().map(scalar).collect::<Option<_>>().ok_or_else(problem)?)
                }
                other => Raw::One(scalar(other).ok_or_else(problem)?),
            };
            Ok(Entry::new(key, raw))
        })
        .collect()
}

/// An array of tables in the words of the command line: `[[stages]]` as `2m:50, 1m:200@20`.
fn stages(key: &str, items: &[Value]) -> Result<String, String> {
    let fields: &[&str] = match key {
        "stages" => &["duration", "users", "spawn-rate"],
        "rate-stages" => &["duration", "rate"],
        _ => return Err(format!("`{key}` cannot be an array of tables")),
    };
    let stage = |(index, item): (usize, &Value)| {
        let place = format!("[[{key}]] number {}", index + 1);
        let mut table = item.as_table().into_iter().flatten();
        if let Some((other, _)) = table.find(|(name, _)| !fields.contains(&name.as_str())) {
            return Err(format!("{place} has no field `{other}` (allowed: {})", fields.join(", ")));
        }
        let field = |name: &str| {
            let value = item.get(name).map(|value| {
                scalar(value)
                    .ok_or_else(|| format!("`{name}` of {place} must be a text or a number"))
            });
            value.transpose()
        };
        let needed = |name: &str| field(name)?.ok_or_else(|| format!("{place} needs a `{name}`"));
        let mut text = format!("{}:{}", needed(fields[0])?, needed(fields[1])?);
        if let Some(rate) = fields.get(2).map(|name| field(name)).transpose()?.flatten() {
            text.push('@');
            text.push_str(&rate);
        }
        Ok(text)
    };
    let stages: Result<Vec<String>, String> = items.iter().enumerate().map(stage).collect();
    Ok(stages?.join(", "))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, Raw)>, String> {
        let entries = parse(text, false)?;
        Ok(entries.into_iter().map(|entry| (entry.key, entry.raw)).collect())
    }

    #[test]
    fn stages_read_as_on_the_command_line() {
        let stages = "[[stages]]\nduration = '2m'\nusers = 50\n\
                      [[stages]]\nduration = 60\nusers = 200\nspawn-rate = 2.5\n";
        let expected = Raw::One("2m:50, 60:200@2.5".to_owned());
        assert_eq!(read(stages), Ok(vec![("stages".to_owned(), expected)]));
        let rates = "rate-stages = [{ duration = '1m', rate = '10/s' }]";
        let expected = Raw::One("1m:10/s".to_owned());
        assert_eq!(read(rates), Ok(vec![("rate-stages".to_owned(), expected)]));
    }

    #[test]
    fn mistakes_in_stages_say_where() {
        for (text, expected) in [
            ("[[stages]]\nduration = 5", "[[stages]] number 1 needs a `users`"),
            (
                "[[stages]]\nduration = 5\nusers = [1]",
                "`users` of [[stages]] number 1 must be a text or a number",
            ),
            (
                "[[rate-stages]]\nduration = 5\nrate = 1\n[[rate-stages]]\nusers = 1",
                "[[rate-stages]] number 2 has no field `users` (allowed: duration, rate)",
            ),
            ("[[users]]\nx = 1", "`users` cannot be an array of tables"),
        ] {
            assert_eq!(read(text), Err(expected.to_owned()), "{text}");
        }
    }
}
