//! The server side: one span per request, and the scope for everything the request does.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::{HeaderMap, Method, header};

use super::context::Context;
use super::ids::{TRACESTATE, TraceContext};
use super::span::{Kind, Span};
use super::tail::{Ending, at_end};
use super::tracer::Tracer;

/// Wraps every route of a service with trace context and, where a collector is set, a server span.
pub fn instrument(router: Router, tracer: &Tracer) -> Router {
    router.layer(from_fn_with_state(tracer.clone(), serve))
}

/// Routes for the machinery around a service (probes, scrapes, administration): not traced, never disturbed on
/// purpose.
pub(crate) fn is_operational(path: &str) -> bool {
    matches!(path, "/health" | "/ready" | "/metrics") || path.starts_with("/admin/")
}

async fn serve(State(tracer): State<Tracer>, request: Request, next: Next) -> Response {
    let span = start(&tracer, &request);
    let context = Context::new(&tracer, request.headers(), span.as_ref());
    let response = context.clone().scope(next.run(request)).await;
    let Some(mut span) = span else { return response };
    span.extend(context.take_server_attributes());
    let status = response.status();
    span.set("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.fail(status.as_u16().to_string());
    }
    at_end(response, move |ending| {
        if ending == Ending::Complete {
            span.end();
        }
    })
}

fn start(tracer: &Tracer, request: &Request) -> Option<Span> {
    if tracer.is_off() || is_operational(request.uri().path()) {
        return None;
    }
    let parent = TraceContext::from_headers(request.headers());
    let context = tracer.sample(parent)?;
    let (method, original) = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let name = match &route {
        Some(route) => format!("{method} {route}").into(),
        None => std::borrow::Cow::Borrowed(method),
    };
    let mut span = tracer.start(Kind::Server, name, context, parent)?;
    span.set("http.request.method", method);
    if let Some(original) = original {
        span.set("http.request.method_original", original);
    }
    if let Some(route) = route {
        span.set("http.route", route);
    }
    span.set("url.scheme", "http");
    span.set("url.path", request.uri().path().to_owned());
    if let Some(query) = request.uri().query() {
        span.set("url.query", query.to_owned());
    }
    span.set("network.protocol.version", protocol_version(request.version()));
    describe_addresses(&mut span, request);
    describe_client(&mut span, request.headers());
    if parent.is_some() {
        let states = request.headers().get_all(TRACESTATE).iter();
        let states: Vec<&str> = states.filter_map(|state| state.to_str().ok()).collect();
        span.set_trace_state(states.join(","));
    }
    Some(span)
}

fn describe_addresses(span: &mut Span, request: &Request) {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if let Some(host) = host.and_then(|host| host.parse::<http::uri::Authority>().ok()) {
        span.set("server.address", host.host().trim_matches(['[', ']']).to_owned());
        span.set("server.port", host.port_u16().unwrap_or(80));
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    let forwarded = request.headers().get("x-forwarded-for").and_then(|list| list.to_str().ok());
    let first = forwarded.and_then(|list| list.split(',').next()).map(str::trim);
    let client = first.filter(|first| !first.is_empty()).map(str::to_owned);
    if let Some(client) = client.or_else(|| peer.map(|peer| peer.ip().to_string())) {
        span.set("client.address", client);
    }
    if let Some(peer) = peer {
        span.set("network.peer.address", peer.ip().to_string());
        span.set("network.peer.port", peer.port());
    }
}

fn describe_client(span: &mut Span, headers: &HeaderMap) {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    if let Some(agent) = agent {
        span.set("user_agent.original", agent.to_owned());
        if let Some(group) = client_group(agent) {
            span.set("client.group", group);
        }
    }
}

/// The group of clients that a User-Agent names: `A` for `DynaClaimz-API-Client/2.1.0 (Group-A)`, likewise `B`.
pub fn client_group(user_agent: &str) -> Option<&'static str> {
    let comments = user_agent.split('(').skip(1).filter_map(|rest| rest.split(')').next());
    comments.flat_map(|comment| comment.split(';')).find_map(|part| match part.trim() {
        "Group-A" => Some("A"),
        "Group-B" => Some("B"),
        _ => None,
    })
}

/// The method's name as the conventions want it: known methods as they are, any other as `_OTHER` beside its original.
pub(super) fn method_name(method: &Method) -> (&'static str, Option<String>) {
    let known = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => return ("_OTHER", Some(method.to_string())),
    };
    (known, None)
}

fn protocol_version(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "1.0",
        http::Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_read_from_the_comment_only() {
        assert_eq!(client_group("DynaClaimz-API-Client/2.1.0 (Group-A)"), Some("A"));
        assert_eq!(client_group("DynaClaimz-API-Client/2.1.0 (Group-B)"), Some("B"));
        assert_eq!(client_group("x/1 (linux; Group-B) y/2"), Some("B"));
        for none in
            ["", "Group-A", "x (Group-C)", "x (group-a)", "curl/8.0", "x (Group-AB)", "x (((("]
        {
            assert_eq!(client_group(none), None, "{none}");
        }
    }
}
