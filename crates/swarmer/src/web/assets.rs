//! The files of the page that are part of the program.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::reply;
use crate::report::html::Embedded;

/// A file below `assets/`. Their names hang on their content, so that they can be kept for ever.
pub(super) async fn asset(Path(path): Path<String>) -> Response {
    // Names are looked up in a table: there is no file system that a path could leave.
    let Some(content) = Embedded::file(&format!("assets/{path}")) else {
        return (StatusCode::NOT_FOUND, "File not found").into_response();
    };
    let mut response = reply::bytes(StatusCode::OK, kind(&path), content.into_owned());
    let forever = header::HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    response
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
