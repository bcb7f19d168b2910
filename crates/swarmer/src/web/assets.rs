//! The files of the page that are part of the program.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::Response;

use super::packed::Shared;
use super::reply;
use crate::report::html::Embedded;

/// A file below `assets/`. Their names hang on their content, so that they can be kept for ever.
pub(super) async fn asset(Path(path): Path<String>) -> Response {
    // A build for development looks into the folder, which a path must not leave.
    let is_plain = path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let Some(content) = is_plain.then(|| file(&path)).flatten() else {
        return reply::html(StatusCode::NOT_FOUND, "File not found");
    };
    let mut response = reply::shared(kind(&path), content);
    let forever = header::HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    response
}

/// A file as it was packed when it was asked for first.
fn file(path: &str) -> Option<Shared> {
    static FILES: Mutex<BTreeMap<String, Shared>> = Mutex::new(BTreeMap::new());
    // A panic in between leaves a file out, nothing else.
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = files.get(path);
    // The files of a build for development may change.
    if let Some(known) = known.filter(|_| !cfg!(debug_assertions)) {
        return Some(known.clone());
    }
    let content = Embedded::file(&format!("assets/{path}"))?;
    if let Some(known) = known.filter(|known| known.plain() == &*content) {
        return Some(known.clone());
    }
    let file = Shared::for_good(content.into_owned());
    files.insert(path.to_owned(), file.clone());
    Some(file)
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
