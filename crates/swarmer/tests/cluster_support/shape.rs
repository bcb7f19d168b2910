//! Which keys messages have and of which types their values are, whatever the values.

use std::collections::{BTreeMap, BTreeSet};

use swarmer::cluster::{KEY, Value};

/// Maps whose keys are a script's own.
const FREE: [&str; 2] = ["errors", "user_classes_count"];

/// The types seen at each place of messages.
#[derive(Debug, Default)]
pub(crate) struct Shape(BTreeMap<String, BTreeSet<String>>);

impl Shape {
    /// Takes note of a message's data; what swarmers say in addition does not count.
    pub(crate) fn note(&mut self, place: &str, value: &Value) {
        let seen = match value {
            Value::Nil => "nil".to_owned(),
            Value::Bool(_) => "truth".to_owned(),
            Value::Unsigned(_) | Value::Signed(_) => "whole".to_owned(),
            Value::Float(_) => "float".to_owned(),
            Value::Text(_) => "text".to_owned(),
            Value::Bytes(_) => "bytes".to_owned(),
            Value::Ext(..) => "other".to_owned(),
            Value::List(values) => {
                for value in values {
                    self.note(&format!("{place}[]"), value);
                }
                "list".to_owned()
            }
            Value::Map(pairs) => self.note_map(place, pairs),
        };
        self.0.entry(place.to_owned()).or_default().insert(seen);
    }

    /// The type of a map has its keys in it, unless they are free.
    fn note_map(&mut self, place: &str, pairs: &[(Value, Value)]) -> String {
        let mut keys = BTreeSet::new();
        let free = FREE.iter().any(|name| place.ends_with(name));
        for (key, value) in pairs {
            let key = match key {
                Value::Unsigned(_) => "WHOLE",
                Value::Text(_) if free => "TEXT",
                Value::Text(text) if text == KEY => continue,
                Value::Text(text) => text,
                other => panic!("{place} has a key {other:?}"),
            };
            keys.insert(key);
            self.note(&format!("{place}.{key}"), value);
        }
        format!("map of {keys:?}")
    }

    /// Asserts that no place has a type that it has not in the model, and no other keys.
    pub(crate) fn assert_within(&self, model: &Self) {
        for (place, types) in &self.0 {
            let known = model.0.get(place);
            let fits = known.is_some_and(|known| types.is_subset(known));
            assert!(fits, "{place} is {types:?} and should be {known:?}");
        }
    }

    /// Asserts that there is nothing in the model that never came.
    pub(crate) fn assert_covers(&self, model: &Self) {
        for place in model.0.keys() {
            assert!(self.0.contains_key(place), "{place} was never said");
        }
    }
}
