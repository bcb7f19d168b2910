//! The client side of a call between services.

use std::borrow::Cow;

use http::{Method, Request, Response, Uri, header};

use super::context::Context;
use super::error_type::ErrorType;
use super::server::method_name;
use super::span::Span;

/// Put into a request's extensions, names the call by its route (`/api/quotes/{id}`) on the client span.
#[derive(Clone, Copy, Debug)]
pub struct UrlTemplate(pub &'static str);

/// Sends a request to another service: `send` gets the request with the trace context of the running task in its
/// headers, inside a client span. The span ends when the answer's head is there, or with `send`'s error.
///
/// # Errors
/// Those of `send`.
pub async fn outgoing<B, R, E, F>(
    mut request: Request<B>,
    send: impl FnOnce(Request<B>) -> F,
) -> Result<Response<R>, E>
where
    E: ErrorType,
    F: Future<Output = Result<Response<R>, E>>,
{
    let context = Context::current();
    let span = start(&context, &request);
    context.inject(request.headers_mut(), span.as_ref());
    let outcome = send(request).await;
    if let Some(mut span) = span {
        match &outcome {
            Ok(response) => {
                let status = response.status();
                span.set("http.response.status_code", status.as_u16());
                if status.is_client_error() || status.is_server_error() {
                    span.fail(status.as_u16().to_string());
                }
            }
            Err(error) => span.fail(error.error_type()),
        }
        span.end();
    }
    outcome
}

fn start<B>(context: &Context, request: &Request<B>) -> Option<Span> {
    let (method, _) = method_name(request.method());
    let template = request.extensions().get::<UrlTemplate>().map(|template| template.0);
    let mut span = context.client_span(|| match template {
        Some(template) => Cow::Owned(format!("{method} {template}")),
        None => Cow::Borrowed(method),
    })?;
    describe(&mut span, request.method(), request.uri());
    if let Some(template) = template {
        span.set("url.template", template);
    }
    if let Some(agent) =
        request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok())
    {
        span.set("user_agent.original", agent.to_owned());
    }
    Some(span)
}

fn describe(span: &mut Span, method: &Method, uri: &Uri) {
    let (name, original) = method_name(method);
    span.set("http.request.method", name);
    if let Some(original) = original {
        span.set("http.request.method_original", original);
    }
    if let Some(host) = uri.host() {
        span.set("server.address", host.trim_matches(['[', ']']).to_owned());
    }
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    span.set("server.port", uri.port_u16().unwrap_or(default_port));
    // Without a user name and password, should the URL carry them.
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    span.set("url.full", format!("{scheme}://{address}{path}"));
    span.set("network.protocol.version", "1.1");
}
