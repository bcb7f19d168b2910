//! Signing in and out: for people a page and a cookie, for programs a token with each request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::auth::{self, Auth, Refusal, Shown, Visit};
use super::form::Form;
use super::page;
use super::reply::ApiError;
use super::server::Peer;
use super::site::Site;

/// Who sent a request, where that is asked.
#[derive(Clone, Debug)]
pub(super) struct SignedIn(pub(super) String);

/// Sign-in, and the cookie of its sessions.
pub(super) struct Gate {
    pub(super) auth: Arc<Auth>,
    /// Cookies know no ports: two workloads on one machine must not sign each other out.
    cookie: String,
    /// `Path` and, over TLS, `Secure`.
    scope: String,
}

impl Gate {
    pub(super) fn new(auth: Auth, port: u16, base_path: &str, is_secure: bool) -> Self {
        let secure = if is_secure { "; Secure" } else { "" };
        let scope = format!("Path={base_path}/; HttpOnly; SameSite=Lax{secure}");
        Self { auth: Arc::new(auth), cookie: format!("swarmer_{port}"), scope }
    }

    /// Who sent this.
    ///
    /// # Errors
    /// When nobody knows.
    pub(super) fn who(&self, peer: IpAddr, headers: &HeaderMap) -> Result<SignedIn, Refusal> {
        let shown = Shown { cookie: self.cookie_in(headers), token: token_in(headers) };
        self.auth.who(peer, shown, Instant::now()).map(SignedIn)
    }

    /// The session that a request belongs to; none when it shows a token instead.
    pub(super) fn visit(&self, headers: &HeaderMap) -> Option<Visit> {
        if token_in(headers).is_some() {
            return None;
        }
        self.cookie_in(headers).map(|cookie| self.auth.visit(cookie))
    }

    fn cookie_in<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let lines =
            headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        let mut pairs =
            lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.cookie).map(|(_, value)| value)
    }

    /// What makes a browser keep this session, or with an empty value forget it.
    fn set_cookie(&self, value: &str) -> Option<HeaderValue> {
        let ends = if value.is_empty() { "; Max-Age=0" } else { "" };
        HeaderValue::from_str(&format!("{}={value}; {}{ends}", self.cookie, self.scope)).ok()
    }
}

/// The token of `Authorization: Bearer TOKEN`.
fn token_in(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// What somebody is told whom nobody knows: people are led to the page to sign in, programs get a status.
pub(super) fn refuse(base_path: &str, request: &Request, refusal: Refusal) -> Response {
    let is_page = request.method() == Method::GET
        && request
            .headers()
            .get(header::ACCEPT)
            .and_then(|kinds| kinds.to_str().ok())
            .is_some_and(|kinds| kinds.contains("text/html"));
    match refusal {
        Refusal::Unknown if is_page => {
            let wanted = request.uri().path_and_query().map_or("/", |path| path.as_str());
            let next: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
            to(StatusCode::FOUND, &format!("{base_path}/login?next={next}"))
        }
        Refusal::Unknown => {
            let error = ApiError::new(
                StatusCode::UNAUTHORIZED,
                "sign in, or send Authorization: Bearer TOKEN",
            );
            ([(header::WWW_AUTHENTICATE, "Bearer realm=\"swarmer\"")], error).into_response()
        }
        Refusal::Wait(wait) => {
            let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, too_many(wait));
            (retry_after(wait), error).into_response()
        }
    }
}

fn too_many(wait: Duration) -> String {
    format!("Too many wrong tries from this address: try again in {} seconds.", wait.as_secs() + 1)
}

fn retry_after(wait: Duration) -> [(header::HeaderName, String); 1] {
    [(header::RETRY_AFTER, (wait.as_secs() + 1).to_string())]
}

fn to(status: StatusCode, location: &str) -> Response {
    // A path of our own, or one that was checked.
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    (status, [(header::LOCATION, location)]).into_response()
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    next: String,
}

/// `GET /login`
pub(super) async fn form(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    Query(Wanted { next }): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let home = format!("{}/", site.base_path);
    match &site.gate {
        None => to(StatusCode::FOUND, &home),
        Some(gate) if gate.who(peer.address.ip(), &headers).is_ok() => {
            to(StatusCode::FOUND, auth::landing(&next, &home))
        }
        Some(_) => show(&site, StatusCode::OK, None, &next),
    }
}

/// The page to sign in at.
fn show(site: &Site, status: StatusCode, error: Option<&str>, next: &str) -> Response {
    let data = json!({ "error": error, "next": next, "workload": site.about.workload });
    page::with_data(status, &[("swarmerLogin", data)])
}

/// `POST /login`
pub(super) async fn sign_in(
    State(site): State<Arc<Site>>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    form: Form,
) -> Response {
    let Some(gate) = &site.gate else {
        return to(StatusCode::SEE_OTHER, &format!("{}/", site.base_path));
    };
    let field = |name| form.get(name).unwrap_or_default().to_owned();
    let from_query = || {
        let query = uri.query().unwrap_or_default();
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == "next").map(|(_, next)| next.into_owned())
    };
    let next =
        Some(field("next")).filter(|next| !next.is_empty()).or_else(from_query).unwrap_or_default();
    match gate.auth.sign_in(peer.address.ip(), field("username"), field("password")).await {
        Ok(session) => {
            let home = format!("{}/", site.base_path);
            let mut response = to(StatusCode::SEE_OTHER, auth::landing(&next, &home));
            if let Some(cookie) = gate.set_cookie(&session) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(Refusal::Unknown) => {
            let error = "Name and password do not belong together.";
            show(&site, StatusCode::UNAUTHORIZED, Some(error), &next)
        }
        Err(Refusal::Wait(wait)) => {
            let page = show(&site, StatusCode::TOO_MANY_REQUESTS, Some(&too_many(wait)), &next);
            (retry_after(wait), page).into_response()
        }
    }
}

/// `POST /logout`
pub(super) async fn sign_out(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let mut response = to(StatusCode::SEE_OTHER, &format!("{}/login", site.base_path));
    if let Some(gate) = &site.gate {
        if let Some(cookie) = gate.cookie_in(&headers) {
            gate.auth.sign_out(cookie);
        }
        if let Some(cookie) = gate.set_cookie("") {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
    }
    response
}
