//! `--config-users`: attributes of user classes changed from the command line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

/// A larger file is no list of user classes.
const MAX_BYTES: u64 = 1 << 20;

/// What is to change about one class. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Override {
    pub(crate) class: String,
    pub(crate) weight: Option<f64>,
    pub(crate) fixed_count: Option<u32>,
    pub(crate) host: Option<String>,
    /// The names of the outermost tasks and sets to keep.
    pub(crate) tasks: Option<Vec<String>>,
    /// Attributes that mean nothing here: a class in Python may have them.
    pub(crate) others: Map<String, Value>,
}

/// A mistake in what the user wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("argument --config-users: {0}")]
pub(crate) struct OverrideError(String);

impl Override {
    /// Takes over what a later change says.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.class.clone_from(&later.class);
        self.weight = later.weight.or(self.weight);
        self.fixed_count = later.fixed_count.or(self.fixed_count);
        self.host = later.host.clone().or(self.host.take());
        self.tasks = later.tasks.clone().or(self.tasks.take());
    }

    /// Reads the option's values: JSON texts, and paths that end in `.json`. Each holds an object or an array of objects.
    pub(crate) fn read_all(texts: &[String]) -> Result<Vec<Self>, OverrideError> {
        let mut all = Vec::new();
        for text in texts {
            let content = if is_path(text) { read(text)? } else { text.clone() };
            match serde_json::from_str(&content) {
                Ok(Value::Array(objects)) => {
                    for object in objects {
                        all.push(Self::from_value(object)?);
                    }
                }
                Ok(value) => all.push(Self::from_value(value)?),
                Err(error) => {
                    let what = "must be a valid JSON string or file";
                    return Err(OverrideError(format!("{what}: {error} in `{}`", shown(text))));
                }
            }
        }
        Ok(all)
    }

    fn from_value(value: Value) -> Result<Self, OverrideError> {
        let Value::Object(mut object) = value else {
            return Err(OverrideError(format!(
                "expected an object, got `{}`",
                shown_value(&value)
            )));
        };
        let Some(Value::String(class)) = object.remove("user_class_name") else {
            let object = shown_value(&Value::Object(object));
            return Err(OverrideError(format!(
                "The user config must specify a user_class_name, a text: `{object}`"
            )));
        };
        let weight = take(&mut object, &class, "weight", "a number, 0 or more", |value| {
            value.as_f64().filter(|weight| weight.is_finite() && *weight >= 0.0)
        })?;
        let fixed_count =
            take(&mut object, &class, "fixed_count", "a whole number, 0 or more", |value| {
                value.as_u64().and_then(|count| u32::try_from(count).ok())
            })?;
        let host =
            take(&mut object, &class, "host", "a text", |value| value.as_str().map(str::to_owned))?;
        let tasks = take(&mut object, &class, "tasks", "a list of task names", |value| {
            value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
        })?;
        Ok(Self { class, weight, fixed_count, host, tasks, others: object })
    }
}

/// An attribute, if it is there; an error if it is something else than `read` takes.
fn take<T>(
    object: &mut Map<String, Value>,
    class: &str,
    key: &str,
    allowed: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, OverrideError> {
    let Some(value) = object.remove(key) else { return Ok(None) };
    read(&value).map(Some).ok_or_else(|| {
        let seen = shown_value(&value);
        OverrideError(format!("{key} of {class} is `{seen}`, allowed: {allowed}"))
    })
}

fn is_path(text: &str) -> bool {
    Path::new(text).extension().is_some_and(|extension| extension == "json")
        && !text.trim_start().starts_with(['{', '['])
}

fn read(path: &str) -> Result<String, OverrideError> {
    let problem = |problem: &dyn std::fmt::Display| {
        OverrideError(format!("cannot read `{}`: {problem}", shown(path)))
    };
    let mut text = String::new();
    let file = File::open(path).map_err(|error| problem(&error))?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| problem(&error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(problem(&"it is larger than 1 MiB"));
    }
    Ok(text)
}

/// Enough of a text to recognise it.
fn shown(text: &str) -> String {
    const ENOUGH: usize = 200;
    if text.chars().count() <= ENOUGH {
        return text.to_owned();
    }
    text.chars().take(ENOUGH).chain(['…']).collect()
}

fn shown_value(value: &Value) -> String {
    shown(&value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Override>, String> {
        Override::read_all(&[text.to_owned()]).map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_and_an_array_of_them_are_read() {
        let first = Override {
            class: "Agent".into(),
            weight: Some(2.5),
            fixed_count: Some(3),
            host: Some("http://other".into()),
            tasks: Some(vec!["Create".into()]),
            others: Map::from_iter([("colour".to_owned(), 1.into())]),
        };
        let text = r#"{"user_class_name": "Agent", "weight": 2.5, "fixed_count": 3, "host": "http://other",
            "tasks": ["Create"], "colour": 1}"#;
        assert_eq!(read(text), Ok(vec![first.clone()]));
        let second = Override { class: "Clerk".into(), ..Override::default() };
        let both = format!(r#"[{text}, {{"user_class_name": "Clerk"}}]"#);
        assert_eq!(read(&both), Ok(vec![first, second]));
    }

    #[test]
    fn files_are_read_and_missing_ones_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.json");
        std::fs::write(&path, r#"{"user_class_name": "Agent", "weight": 0}"#).unwrap();
        let read_back = read(path.to_str().unwrap()).unwrap();
        assert_eq!((read_back[0].class.as_str(), read_back[0].weight), ("Agent", Some(0.0)));
        let error = read("no/such/file.json").unwrap_err();
        assert!(error.starts_with("argument --config-users: cannot read `no/such/file.json`: "));
    }

    #[test]
    fn mistakes_name_the_attribute_and_what_is_allowed() {
        let of = |attribute: &str| {
            read(&format!(r#"{{"user_class_name": "Agent", {attribute}}}"#)).unwrap_err()
        };
        insta::assert_snapshot!(
            [
                of(r#""weight": -1"#),
                of(r#""weight": "2""#),
                of(r#""fixed_count": 1.5"#),
                of(r#""host": 7"#),
                of(r#""tasks": ["a", 2]"#),
                read("").unwrap_err(),
                read("{}").unwrap_err(),
                read("[1]").unwrap_err(),
                read("../../etc").unwrap_err(),
            ]
            .join("\n"),
            @r#"
        argument --config-users: weight of Agent is `-1`, allowed: a number, 0 or more
        argument --config-users: weight of Agent is `"2"`, allowed: a number, 0 or more
        argument --config-users: fixed_count of Agent is `1.5`, allowed: a whole number, 0 or more
        argument --config-users: host of Agent is `7`, allowed: a text
        argument --config-users: tasks of Agent is `["a",2]`, allowed: a list of task names
        argument --config-users: must be a valid JSON string or file: EOF while parsing a value at line 1 column 0 in ``
        argument --config-users: The user config must specify a user_class_name, a text: `{}`
        argument --config-users: expected an object, got `1`
        argument --config-users: must be a valid JSON string or file: expected value at line 1 column 1 in `../../etc`
        "#
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in ".*") {
            let _ = read(&text);
        }
    }
}
