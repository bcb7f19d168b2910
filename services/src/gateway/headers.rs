//! Header rules of a proxy (RFC 9110, section 7.6), and the headers that harden browsers.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Meant for one connection only, whether `Connection` names them or not.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];

/// Removes what is not to be forwarded, in either direction.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let lists: Vec<HeaderValue> = headers.get_all(header::CONNECTION).iter().cloned().collect();
        let names =
            lists.iter().filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(','));
        for name in names {
            // The body's length is the message's, not the connection's: without it a body would lose its framing.
            if let Ok(name) = name.trim().parse::<HeaderName>()
                && name != header::CONTENT_LENGTH
            {
                headers.remove(name);
            }
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// HTTP/2 has the host in the request's address instead of a header.
pub(super) fn name_host(headers: &mut HeaderMap, uri: &Uri) {
    if let Some(authority) = uri.authority()
        && let Ok(host) = HeaderValue::try_from(authority.as_str())
    {
        headers.entry(header::HOST).or_insert(host);
    }
}

/// Makes a client's headers those of the request to a service.
pub(super) fn prepare_request(headers: &mut HeaderMap, client: Option<IpAddr>) {
    remove_hop_by_hop(headers);
    // The server in front has already said `100 Continue`.
    headers.remove(header::EXPECT);
    if let Some(client) = client {
        let client = client.to_canonical().to_string();
        let before: Vec<_> =
            headers.get_all(FORWARDED_FOR).iter().filter_map(|v| v.to_str().ok()).collect();
        let all =
            if before.is_empty() { client } else { format!("{}, {client}", before.join(", ")) };
        if let Ok(all) = HeaderValue::try_from(all) {
            headers.insert(FORWARDED_FOR, all);
        }
    }
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
    // The client sets `Host` anew, by the service's address.
    if let Some(host) = headers.remove(header::HOST) {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
}

/// What Helmet sets by default, but for `upgrade-insecure-requests`: it would break the documentation page of a
/// gateway that is reached by plain HTTP.
const SECURITY: [(HeaderName, &str); 12] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';\
         frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';\
         script-src-attr 'none';style-src 'self' https: 'unsafe-inline'",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("origin-agent-cluster"), "?1"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_DNS_PREFETCH_CONTROL, "off"),
    (HeaderName::from_static("x-download-options"), "noopen"),
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    (header::X_XSS_PROTECTION, "0"),
];

pub(super) async fn secure(request: Request, next: Next) -> Response {
    let asks_for_options = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if asks_for_options && response.status() == StatusCode::OK {
        // A preflight's answer has no body, and says so, as Express's `cors` does.
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let headers = response.headers_mut();
    for (name, value) in &SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn connection_names_more_headers_that_stay_behind() {
        let mut all = headers(&[
            ("connection", "keep-alive, X-Secret"),
            ("keep-alive", "timeout=5"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("authorization", "Bearer y"),
            ("traceparent", "z"),
        ]);
        all.append("connection", HeaderValue::from_static("x-other,, not a name"));
        all.insert("x-other", HeaderValue::from_static("2"));
        remove_hop_by_hop(&mut all);
        assert_eq!(all, headers(&[("authorization", "Bearer y"), ("traceparent", "z")]));
    }

    #[test]
    fn the_host_of_an_http2_request_is_that_of_its_address() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let mut all = headers(&[]);
        name_host(&mut all, &uri("/api/v1/claims"));
        assert!(all.is_empty(), "HTTP/1.1 says it in a header");
        name_host(&mut all, &uri("http://api.example.com/api/v1/claims"));
        name_host(&mut all, &uri("http://other/"));
        assert_eq!(all, headers(&[("host", "api.example.com")]));
    }

    #[test]
    fn connection_cannot_take_the_length_or_the_clients_address_away() {
        let mut all = headers(&[
            ("connection", "content-length, x-forwarded-for"),
            ("content-length", "3"),
            ("x-forwarded-for", "1.2.3.4"),
            ("host", "api.example.com"),
            ("expect", "100-continue"),
        ]);
        prepare_request(&mut all, Some("::ffff:9.9.9.9".parse().unwrap()));
        let wanted = headers(&[
            ("content-length", "3"),
            ("x-forwarded-for", "9.9.9.9"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "api.example.com"),
        ]);
        assert_eq!(all, wanted);
    }

    #[test]
    fn a_chain_of_proxies_is_continued() {
        let mut all = headers(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https")]);
        all.append("x-forwarded-for", HeaderValue::from_static("2.2.2.2"));
        prepare_request(&mut all, Some("3.3.3.3".parse().unwrap()));
        assert_eq!(all["x-forwarded-for"], "1.1.1.1, 2.2.2.2, 3.3.3.3");
        assert_eq!(all["x-forwarded-proto"], "https");
    }
}
