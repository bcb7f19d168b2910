//! Every address of the interface, in one table that the guard reads as well.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::guard::{self, Guard};
use super::site::Site;
use super::{api, assets, locust, login, metrics, packed, page, reply};

/// Forms are small.
pub(super) const MOST_BYTES: usize = 256 * 1024;

/// One address with one method.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) method: Way,
    /// It changes something: nobody's browser may be tricked into it.
    pub(super) changes: bool,
    /// Anybody may have it, signed in or not.
    pub(super) is_open: bool,
    /// It may take as long as users take to stop.
    pub(super) takes_time: bool,
    serve: fn() -> MethodRouter<Arc<Site>>,
}

/// The methods there are; HEAD comes with GET.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Get,
    Post,
}

const fn read(path: &'static str, serve: fn() -> MethodRouter<Arc<Site>>) -> Route {
    Route { path, method: Way::Get, changes: false, is_open: false, takes_time: false, serve }
}

const fn change(path: &'static str, serve: fn() -> MethodRouter<Arc<Site>>) -> Route {
    Route { path, method: Way::Post, changes: true, is_open: false, takes_time: false, serve }
}

impl Route {
    const fn open(self) -> Self {
        Self { is_open: true, ..self }
    }

    const fn slow(self) -> Self {
        Self { takes_time: true, ..self }
    }
}

/// The table.
pub(super) const ROUTES: &[Route] = &[
    read("/", || get(page::index)),
    read("/assets/{*path}", || get(assets::asset)).open(),
    read("/health", || get(api::health)).open(),
    read("/login", || get(login::form)).open(),
    change("/login", || post(login::sign_in)).open(),
    change("/logout", || post(login::sign_out)).open(),
    read("/metrics", || get(metrics::metrics)),
    // Locust's.
    change("/swarm", || post(locust::swarm)).slow(),
    change("/stop", || post(locust::stop)).slow(),
    change("/stats/reset", || post(locust::reset)),
    read("/stats/requests", || get(locust::requests)),
    read("/stats/requests/csv", || get(locust::requests_csv)),
    read("/stats/failures/csv", || get(locust::failures_csv)),
    read("/exceptions/csv", || get(locust::exceptions_csv)),
    read("/stats/requests_full_history/csv", || get(locust::history_csv)),
    read("/stats/report", || get(locust::report)),
    read("/exceptions", || get(locust::exceptions)),
    read("/tasks", || get(locust::tasks)),
    read("/logs", || get(locust::logs)),
    read("/worker-count", || get(locust::worker_count)),
    change("/user", || post(locust::user)),
    // Ours.
    read("/api/v1/state", || get(api::state)),
    read("/api/v1/summary", || get(api::summary)),
    read("/api/v1/history", || get(api::history)),
    read("/api/v1/rows/history", || get(api::row_history)),
    read("/api/v1/logs", || get(api::logs)),
    read("/api/v1/tasks", || get(locust::tasks)),
    read("/api/v1/events", || get(api::events)),
    read("/api/v1/openapi.json", || get(api::document)).open(),
    read("/api/v1/report", || get(locust::report)),
    read("/api/v1/csv/requests", || get(locust::requests_csv)),
    read("/api/v1/csv/failures", || get(locust::failures_csv)),
    read("/api/v1/csv/exceptions", || get(locust::exceptions_csv)),
    read("/api/v1/csv/history", || get(locust::history_csv)),
    change("/api/v1/start", || post(api::start)).slow(),
    change("/api/v1/edit", || post(api::edit)),
    change("/api/v1/stop", || post(api::stop)).slow(),
    change("/api/v1/reset", || post(api::reset)),
    Route { changes: false, ..change("/api/v1/plan", || post(api::plan)) },
];

/// What old clients of Locust do by GET, where it is allowed.
const BY_GET: &[Route] = &[
    Route { changes: true, ..read("/stop", || get(locust::stop)) }.slow(),
    Route { changes: true, ..read("/stats/reset", || get(locust::reset)) },
];

/// The routes there are with these options.
pub(super) fn table(allow_get: bool) -> Vec<Route> {
    let by_get = if allow_get { BY_GET } else { &[] };
    [ROUTES, by_get].concat()
}

/// Everything that is served.
pub(super) fn router(site: &Arc<Site>, allow_get: bool, cors: Option<&str>) -> Router {
    let (base, table) = (&site.base_path, table(allow_get));
    let mut router = Router::new();
    let mut paths: Vec<&str> = table.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let of_path = table.iter().filter(|route| route.path == path);
        let methods =
            of_path.clone().fold(MethodRouter::new(), |all, route| all.merge((route.serve)()));
        let allow = allow(of_path);
        let other = move |method: Method| async move { other_method(&method, allow) };
        router = router.route(&format!("{base}{path}"), methods.fallback(other));
    }
    if !base.is_empty() {
        let home = format!("{base}/");
        let to_home = move || async move {
            let permanent = StatusCode::PERMANENT_REDIRECT;
            (permanent, [(header::LOCATION, home)]).into_response()
        };
        router = router.route(base, get(to_home));
    }
    let guard = Arc::new(Guard::new(Arc::clone(site), table, cors));
    router
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn_with_state(guard, guard::guard))
        .layer(middleware::from_fn(packed::layer))
        .with_state(Arc::clone(site))
}

/// The value of `Allow` for a path.
fn allow<'a>(routes: impl Iterator<Item = &'a Route>) -> &'static str {
    let ways: Vec<Way> = routes.map(|route| route.method).collect();
    let has = |way| ways.contains(&way);
    match (has(Way::Get), has(Way::Post)) {
        (true, true) => "GET, HEAD, OPTIONS, POST",
        (false, true) => "OPTIONS, POST",
        _ => "GET, HEAD, OPTIONS",
    }
}

/// OPTIONS, or a method that the address does not have.
fn other_method(method: &Method, allow: &'static str) -> Response {
    let mut response = if method == Method::OPTIONS {
        reply::html(StatusCode::OK, "")
    } else {
        let text = "The method is not allowed for the requested URL.";
        reply::error_page(StatusCode::METHOD_NOT_ALLOWED, text)
    };
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

async fn not_found() -> Response {
    let text = "The requested URL was not found on the server. If you entered the URL manually please check your \
                spelling and try again.";
    reply::error_page(StatusCode::NOT_FOUND, text)
}
