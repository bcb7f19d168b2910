//! Reading a request's fields: every bad one is reported, none is believed.
//!
//! A request type says how it is read ([`FromFields`]); [`Body`] and [`Query`] are the extractors.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde_json::{Map, Value};

use super::failure::{Failure, FieldError};

/// Fields whose values an error message must not repeat.
const SECRETS: [&str; 2] = ["password", "token"];

/// The fields of one body or query string, and what was found wrong with them.
pub(crate) struct Fields {
    location: &'static str,
    values: Map<String, Value>,
    errors: Vec<FieldError>,
}

/// Something was wrong, and an error for it was noted.
pub(crate) struct Noted;

/// What was read.
pub(crate) type Read<T> = Result<T, Noted>;

/// A request that knows how to read itself.
pub(crate) trait FromFields: Sized {
    fn from_fields(fields: &mut Fields) -> Read<Self>;
}

/// What a rule says of a value: the typed value, or what is allowed.
pub(crate) type Verdict<T> = Result<T, String>;

/// What is to become of a field that may be empty.
#[derive(Debug, PartialEq)]
pub(crate) enum Change<T> {
    Keep,
    Clear,
    Set(T),
}

impl<T> Change<T> {
    pub(crate) fn applied_to(self, old: Option<T>) -> Option<T> {
        match self {
            Change::Keep => old,
            Change::Clear => None,
            Change::Set(new) => Some(new),
        }
    }
}

impl Fields {
    fn new(location: &'static str) -> Fields {
        Fields { location, values: Map::new(), errors: Vec::new() }
    }

    /// A field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        path: &'static str,
        rule: impl FnOnce(&Value) -> Verdict<T>,
    ) -> Read<T> {
        if let Some(value) = self.optional(path, rule)? {
            return Ok(value);
        }
        let value = self.values.get(path).cloned();
        self.errors.push(FieldError::new(self.location, path, value, "is required"));
        Err(Noted)
    }

    /// A field that may be absent or null.
    pub(crate) fn optional<T>(
        &mut self,
        path: &'static str,
        rule: impl FnOnce(&Value) -> Verdict<T>,
    ) -> Read<Option<T>> {
        match self.values.get(path) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => rule(value).map(Some).map_err(|message| {
                let shown = (!SECRETS.contains(&path)).then(|| value.clone());
                self.errors.push(FieldError::new(self.location, path, shown, message));
                Noted
            }),
        }
    }

    /// A field of a change: absent keeps the old value, null clears it.
    pub(crate) fn clearable<T>(
        &mut self,
        path: &'static str,
        rule: impl FnOnce(&Value) -> Verdict<T>,
    ) -> Read<Change<T>> {
        let absent = !self.has(path);
        Ok(match self.optional(path, rule)? {
            Some(value) => Change::Set(value),
            None if absent => Change::Keep,
            None => Change::Clear,
        })
    }

    fn has(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    /// Whether any of these fields was given at all.
    pub(crate) fn has_any(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| self.has(path))
    }

    fn read<T: FromFields>(mut self) -> Result<T, Failure> {
        match T::from_fields(&mut self) {
            Ok(value) if self.errors.is_empty() => Ok(value),
            _ => Err(Failure::Invalid(self.errors)),
        }
    }

    fn from_body(bytes: &[u8]) -> Result<Fields, Failure> {
        let whole = |msg: String| Failure::Invalid(vec![FieldError::new("body", "", None, msg)]);
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(values)) => Ok(Fields { values, ..Fields::new("body") }),
            Ok(_) => Err(whole("the body must be a JSON object".to_owned())),
            Err(error) => Err(whole(format!("the body is not valid JSON: {error}"))),
        }
    }

    fn from_query(query: &str) -> Fields {
        let mut fields = Fields::new("query");
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            // The decoder puts this mark where the bytes were not UTF-8; nobody searches for it.
            if value.contains(char::REPLACEMENT_CHARACTER) {
                fields.refuse(&name, &value, "is not valid UTF-8");
            }
            let value = Value::String(value.into_owned());
            if let Some(Value::String(earlier)) = fields.values.insert(name.to_string(), value) {
                fields.refuse(&name, &earlier, "was given more than once");
            }
        }
        fields
    }

    fn refuse(&mut self, path: &str, value: &str, message: &str) {
        let value = Some(Value::String(value.to_owned()));
        self.errors.push(FieldError::new(self.location, path, value, message));
    }
}

/// A JSON body, read and checked.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: FromFields> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if let Some(kind) = request.headers().get(CONTENT_TYPE)
            && !kind.to_str().is_ok_and(|kind| kind.to_ascii_lowercase().contains("json"))
        {
            return Err(Failure::Refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Content-Type must be application/json".into(),
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let message = match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "Request body too large",
                _ => "Request body could not be read",
            };
            Failure::Refused(rejection.status(), message.into())
        })?;
        Fields::from_body(&bytes)?.read().map(Body)
    }
}

/// A query string, read and checked.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: FromFields> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Fields::from_query(parts.uri.query().unwrap_or_default()).read().map(Query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rules;
    use crate::shared::time::Time;

    struct Both {
        name: String,
        born: Change<Time>,
    }

    impl FromFields for Both {
        fn from_fields(fields: &mut Fields) -> Read<Self> {
            let name = fields.required("name", rules::text(5));
            let born = fields.clearable("born", rules::time);
            Ok(Both { name: name?, born: born? })
        }
    }

    fn paths(read: Result<Both, Failure>) -> Vec<String> {
        match read {
            Err(Failure::Invalid(errors)) => errors.into_iter().map(|error| error.path).collect(),
            _ => panic!("is well"),
        }
    }

    fn body(text: &str) -> Result<Both, Failure> {
        Fields::from_body(text.as_bytes())?.read()
    }

    #[test]
    fn every_bad_field_is_noted() {
        assert_eq!(paths(body("{\"name\": 5, \"born\": 5}")), ["name", "born"]);
        assert_eq!(paths(body("{\"name\": null}")), ["name"]);
        assert_eq!(paths(body("[]")), [""]);
        assert_eq!(paths(Fields::from_query("name=a&name=b").read()), ["name"]);
        assert_eq!(paths(Fields::from_query("name=%FF").read()), ["name"]);
    }

    #[test]
    fn absent_keeps_and_null_clears() {
        let born = |text| body(text).map(|both| (both.name, both.born)).unwrap().1;
        assert_eq!(born("{\"name\": \"a\"}"), Change::Keep);
        assert_eq!(born("{\"name\": \"a\", \"born\": null}"), Change::Clear);
        assert_eq!(born("{\"name\": \"a\", \"born\": \"1970-01-01\"}"), Change::Set(Time(0)));
    }
}
