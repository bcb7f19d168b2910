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

/// A request that knows how to read itself. `None` means that an error was noted.
pub(crate) trait FromFields: Sized {
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

/// What a rule says of a value: the typed value, or what is allowed.
pub(crate) type Verdict<T> = Result<T, String>;

impl Fields {
    fn new(location: &'static str) -> Fields {
        Fields { location, values: Map::new(), errors: Vec::new() }
    }

    /// A field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        path: &'static str,
        rule: impl FnOnce(&Value) -> Verdict<T>,
    ) -> Option<T> {
        match self.optional(path, rule)? {
            Some(value) => Some(value),
            None => {
                let value = self.values.get(path).cloned();
                self.errors.push(FieldError::new(self.location, path, value, "is required"));
                None
            }
        }
    }

    /// A field that may be absent or null.
    pub(crate) fn optional<T>(
        &mut self,
        path: &'static str,
        rule: impl FnOnce(&Value) -> Verdict<T>,
    ) -> Option<Option<T>> {
        match self.values.get(path) {
            None | Some(Value::Null) => Some(None),
            Some(value) => match rule(value) {
                Ok(value) => Some(Some(value)),
                Err(message) => {
                    let shown = (!SECRETS.contains(&path)).then(|| value.clone());
                    self.errors.push(FieldError::new(self.location, path, shown, message));
                    None
                }
            },
        }
    }

    /// A field of a change: `None` leaves the old value, `Some(None)` (null) clears it.
    pub(crate) fn clearable<T>(
        &mut self,
        path: &'static str,
        rule: impl FnOnce(&Value) -> Verdict<T>,
    ) -> Option<Option<Option<T>>> {
        match self.values.get(path) {
            Some(Value::Null) => Some(Some(None)),
            _ => self.optional(path, rule).map(|value| value.map(Some)),
        }
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
            Some(value) if self.errors.is_empty() => Ok(value),
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

/// Reads a request from a JSON value, for the unit tests of request types.
#[cfg(test)]
pub(crate) fn read_json<T: FromFields>(value: &Value) -> Result<T, Vec<String>> {
    match Fields::from_body(value.to_string().as_bytes()).and_then(Fields::read) {
        Ok(value) => Ok(value),
        Err(Failure::Invalid(errors)) => Err(errors.into_iter().map(|error| error.path).collect()),
        Err(other) => panic!("{other:?}"),
    }
}
