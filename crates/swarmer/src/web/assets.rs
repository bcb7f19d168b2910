//! The files of the page that are part of the program.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::Response;

use super::reply;
use crate::report::html::Embedded;

/// A file below `assets/`. Their names hang on their content, so that they can be kept for ever.
pub(super) async fn asset(Path(path): Path<String>) -> Response {
    // A build for development looks into the folder, which a path must not leave.
    let is_plain = path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let found = if is_plain { Embedded::file(&format!("assets/{path}")) } else { None };
    let Some(content) = found else {
        return reply::html(StatusCode::NOT_FOUND, "File not found");
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
