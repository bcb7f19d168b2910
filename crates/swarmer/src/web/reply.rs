//! Replies: JSON as Locust writes it, errors of both interfaces, texts, attachments.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::packed::Shared;
use super::wish::{Problem, Reason};

/// JSON in Flask's way, which scripts compare as text: keys sorted, indented by two, a line end at the end.
pub(super) fn flask_json(status: StatusCode, value: &Value) -> Response {
    let sorted = sorted(value);
    bytes(status, "application/json", format!("{sorted:#}\n"))
}

/// The same value with the keys of every object in order, whatever order the map has.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> =
                map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// A reply of this type.
pub(super) fn bytes(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body.into()).into_response()
}

pub(super) fn html(status: StatusCode, text: impl Into<Body>) -> Response {
    bytes(status, "text/html; charset=utf-8", text)
}

/// What was rendered before, for many.
pub(super) fn shared(kind: &'static str, body: Shared) -> Response {
    let mut response = bytes(StatusCode::OK, kind, body.plain().clone());
    response.extensions_mut().insert(body);
    response
}

/// JSON that was rendered before, for many.
pub(super) fn json(body: Shared) -> Response {
    shared("application/json", body)
}

/// A small page that says one thing.
pub(super) fn error_page(status: StatusCode, text: &str) -> Response {
    let title = status.to_string();
    let title = escape(&title);
    let page = format!(
        "<!doctype html>\n<html lang=en>\n<title>{title}</title>\n<h1>{title}</h1>\n<p>{}</p>\n",
        escape(text)
    );
    html(status, page)
}

/// Text as HTML shows it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON that is safe inside a `<script>`: nothing in it ends the element or a line of JavaScript.
pub(super) fn script_json(value: &impl Serialize) -> String {
    crate::report::html::script_json(value)
}

/// A file to be saved under this name, as Locust sends it: without quotes around the name.
pub(super) fn attachment(kind: &'static str, name: &str, body: impl Into<Body>) -> Response {
    let mut response = bytes(StatusCode::OK, kind, body);
    let printable = name.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' });
    let value = format!("attachment;filename={}", printable.collect::<String>());
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// An error of `/api/v1`.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct ApiError {
    #[serde(skip)]
    status: StatusCode,
    /// What is wrong.
    error: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The field of the request that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), hint: None, field: None }
    }

    /// The engine has ended; the process is about to.
    pub(super) fn ended() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the program is about to end")
    }
}

impl From<Problem> for ApiError {
    fn from(Problem { reason, field, text, hint }: Problem) -> Self {
        let status = match reason {
            Reason::Invalid | Reason::Failed => StatusCode::UNPROCESSABLE_ENTITY,
            Reason::Conflict => StatusCode::CONFLICT,
        };
        Self { status, error: text, hint, field }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn json_is_flasks() {
        let reply = flask_json(StatusCode::OK, &json!({"b": 1.0, "a": [{"d": null, "c": "x"}]}));
        let body = axum::body::to_bytes(reply.into_body(), 1000).await.unwrap();
        let expected = "{\n  \"a\": [\n    {\n      \"c\": \"x\",\n      \"d\": null\n    }\n  ],\n  \"b\": 1.0\n}\n";
        assert_eq!(body, expected);
    }

    #[test]
    fn attachments_have_harmless_names() {
        let reply = attachment("text/csv", "a\r\nb: ü_http://h:1.csv", "");
        assert_eq!(
            reply.headers()["content-disposition"],
            "attachment;filename=a__b: __http://h:1.csv"
        );
    }
}
