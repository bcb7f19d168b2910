//! Following redirects as browsers do (WHATWG Fetch, section 4.4).

use std::rc::Rc;

use url::Url;

use super::error::Error;
use super::head;
use super::origin::{Origin, basic_auth};
use super::request::{Method, Request, own};
use super::shared::Shared;

/// If the answer with `status` and `head` to `request` at `url` redirects: turns `request` into the one that
/// follows and returns its origin.
pub(super) fn follow(
    shared: &Shared,
    request: &mut Request,
    origin: &Rc<Origin>,
    status: u16,
    head: &[u8],
    url: &Url,
) -> Result<Option<Rc<Origin>>, Error> {
    let wanted = request.follow_redirects && request.method != Method::HEAD;
    if !wanted || !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = head::fields(head).find(|(name, _)| name.eq_ignore_ascii_case("location"));
    // Without a place to go to it is an answer like any other.
    let Some((_, location)) = location else { return Ok(None) };
    let location = String::from_utf8_lossy(location);
    let next = url.join(&location).map_err(|_| Error::protocol("redirect to a malformed URL"))?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(Error::protocol("redirect to something else than http or https"));
    }
    let becomes_get = match status {
        301 | 302 => request.method == Method::POST,
        303 => request.method != Method::GET,
        _ => false,
    };
    if becomes_get {
        request.method = Method::GET;
        request.remove_body();
    }
    let next_origin = shared.origin(&next)?;
    if !Rc::ptr_eq(&next_origin, origin) {
        // Secrets are for the origin they were given for.
        for (field, name) in
            [(own::AUTHORIZATION, "Authorization"), (own::COOKIE, "Cookie"), (own::HOST, "Host")]
        {
            if request.own & field != 0 {
                request.remove_header(name);
            }
        }
    }
    set_target(request, &next);
    Ok(Some(next_origin))
}

/// Points `request` at path, query and credentials of `url`.
pub(super) fn set_target(request: &mut Request, url: &Url) {
    match url.query() {
        Some(query) => request.set_target(&format!("{}?{query}", url.path())),
        None => request.set_target(url.path()),
    }
    if let Some(value) = basic_auth(url)
        && request.own & own::AUTHORIZATION == 0
    {
        request.set_header("Authorization", &[value.as_bytes()]);
    }
}
