//! One JSON schema as HTML: a table for an object, a phrase for anything else.

use std::fmt;

use serde_json::Value;

use super::{escaped, text};

pub(super) struct Schema<'a>(pub(super) &'a Value);

/// Deeper nesting is not shown; references are links, so documents rarely nest more than twice.
const MAX_DEPTH: usize = 8;

impl fmt::Display for Schema<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, 0)
    }
}

fn write(f: &mut fmt::Formatter<'_>, schema: &Value, depth: usize) -> fmt::Result {
    if depth > MAX_DEPTH {
        return f.write_str("…");
    }
    if let Some(link) = schema["$ref"].as_str() {
        let name = escaped(link.rsplit('/').next().unwrap_or(link));
        return write!(f, "<a class=\"type\" href=\"#schema-{name}\">{name}</a>");
    }
    for (key, joint) in [("allOf", " and "), ("oneOf", " or "), ("anyOf", " or ")] {
        if let Some(parts) = schema[key].as_array() {
            return write_parts(f, parts, joint, depth);
        }
    }
    if schema["properties"].is_object() {
        return write_fields(f, schema, depth);
    }
    if schema["items"].is_object() {
        f.write_str("<span class=\"type\">list of </span>")?;
        return write(f, &schema["items"], depth + 1);
    }
    if schema["additionalProperties"].is_object() {
        f.write_str("<span class=\"type\">map of text to </span>")?;
        return write(f, &schema["additionalProperties"], depth + 1);
    }
    write_plain(f, schema)
}

fn write_parts(
    f: &mut fmt::Formatter<'_>,
    parts: &[Value],
    joint: &str,
    depth: usize,
) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(joint)?;
        }
        write(f, part, depth + 1)?;
    }
    Ok(())
}

fn write_fields(f: &mut fmt::Formatter<'_>, schema: &Value, depth: usize) -> fmt::Result {
    f.write_str("<table class=\"fields\"><tbody>")?;
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let required = schema["required"].as_array();
        let required = required.is_some_and(|names| names.iter().any(|one| one == name));
        write!(
            f,
            "<tr><td><code>{}</code>{}<td>",
            escaped(name),
            if required { " <em>required</em>" } else { "" },
        )?;
        write(f, field, depth + 1)?;
        write!(f, "<td>{}", text(field, "description"))?;
    }
    f.write_str("</tbody></table>")
}

fn write_plain(f: &mut fmt::Formatter<'_>, schema: &Value) -> fmt::Result {
    f.write_str("<span class=\"type\">")?;
    match &schema["type"] {
        Value::String(kind) => write!(f, "{}", escaped(kind))?,
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            write!(f, "{}", escaped(&kinds.join(" or ")))?;
        }
        _ if schema["enum"].is_array() || schema.get("const").is_some() => {}
        _ => f.write_str("any")?,
    }
    if let Some(format) = schema["format"].as_str() {
        write!(f, " ({})", escaped(format))?;
    }
    f.write_str("</span>")?;
    if let Some(values) = schema["enum"].as_array() {
        for value in values {
            write!(f, " <code>{}</code>", escaped(value.as_str().unwrap_or(&value.to_string())))?;
        }
    }
    for (key, word) in [
        ("const", "always"),
        ("default", "default"),
        ("example", "such as"),
        ("minimum", "from"),
        ("exclusiveMinimum", "above"),
        ("maximum", "up to"),
        ("exclusiveMaximum", "below"),
        ("minLength", "shortest"),
        ("maxLength", "longest"),
        ("pattern", "like"),
    ] {
        if let Some(value) = schema.get(key) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            write!(f, " <small>{word} <code>{}</code></small>", escaped(&value))?;
        }
    }
    Ok(())
}
