//! Redirects and cookies, between real servers.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod http_support;

use http_support::{Server, client, ok};
use swarmer::http::{Config, ErrorKind, Method, Request};

fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// Answers `/from/STATUS` with a redirect to `/to?x=1`, everything else with 200.
fn redirecting() -> Server {
    Server::replying(|request| {
        let target = request.split(' ').nth(1).unwrap();
        match target.strip_prefix("/from/") {
            Some(status) => redirect(status.parse().unwrap(), "/to?x=1#part"),
            None => ok("there"),
        }
    })
}

#[tokio::test]
async fn methods_and_bodies_change_as_in_browsers() {
    let server = redirecting();
    let mut client = server.client();
    let cases = [
        (Method::GET, 301, "GET"),
        (Method::GET, 303, "GET"),
        (Method::POST, 301, "GET"),
        (Method::POST, 302, "GET"),
        (Method::POST, 303, "GET"),
        (Method::POST, 307, "POST"),
        (Method::POST, 308, "POST"),
        (Method::PUT, 302, "PUT"),
        (Method::DELETE, 303, "GET"),
        (Method::PATCH, 307, "PATCH"),
    ];
    for (method, status, expected) in cases {
        let request = Request::new(method, &format!("/from/{status}")).header("X-Kept", "yes");
        let request = if method.as_str().starts_with('P') {
            request.body("payload", "text/plain")
        } else {
            request
        };
        let exchange = client.send(request).await;
        let response = exchange.result.unwrap();
        assert_eq!((response.status(), exchange.timings.redirects), (200, 1), "{method} {status}");
        assert_eq!(response.url(), format!("{}/to?x=1", server.url()));
        let arrived = server.requests().pop().unwrap();
        assert!(arrived.starts_with(&format!("{expected} /to?x=1 HTTP/1.1\r\n")), "{arrived}");
        assert!(arrived.contains("\r\nX-Kept: yes\r\n"));
        let keeps_body = expected.starts_with('P');
        assert_eq!(arrived.ends_with("Content-Length: 7\r\n\r\npayload"), keeps_body, "{arrived}");
        assert_eq!(arrived.contains("Content-Type"), keeps_body, "{arrived}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn some_redirects_are_not_followed() {
    let server = redirecting();
    let mut client = server.client();
    let stay = [
        Request::head("/from/301"),
        Request::get("/from/302").follow_redirects(false),
        Request::get("/from/304"),
        Request::get("/from/300"),
    ];
    for request in stay {
        let exchange = client.send(request).await;
        assert_eq!(exchange.timings.redirects, 0);
        assert!((300..400).contains(&exchange.result.unwrap().status()));
    }
    let server = Server::answering("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(server.client().send(Request::get("/")).await.result.unwrap().status(), 302);
}

#[tokio::test]
async fn endless_and_odd_redirects_fail() {
    let server = Server::replying(|_| redirect(302, "/again"));
    let error = server.client().send(Request::get("/")).await.result.unwrap_err();
    assert_eq!(error.repr(), "TooManyRedirects('more than 30 redirects')");
    assert_eq!(server.requests().len(), 31);
    for (location, text) in [
        ("ftp://elsewhere/", "redirect to something else than http or https"),
        ("http://", "redirect to a malformed URL"),
        ("http://a b/", "redirect to a malformed URL"),
    ] {
        let server = Server::replying(move |_| redirect(302, location));
        let error = server.client().send(Request::get("/")).await.result.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Protocol, text));
    }
}

#[tokio::test]
async fn the_time_limit_covers_all_redirects() {
    let server = Server::replying(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        redirect(302, "/again")
    });
    let mut client = server.client_with(http_support::impatient());
    let exchange = client.send(Request::get("/")).await;
    assert_eq!(exchange.result.unwrap_err().kind(), ErrorKind::Timeout);
    assert!((1..=3).contains(&exchange.timings.redirects));
}

#[tokio::test]
async fn secrets_stay_with_their_origin() {
    let other = Server::answering(ok("other"));
    let target = other.url();
    let server = Server::replying(move |request| {
        if request.starts_with("GET /away") {
            redirect(307, &target)
        } else {
            redirect(307, "/away")
        }
    });
    let mut client = server.client();
    let request = Request::get("/near")
        .bearer("secret")
        .header("Cookie", "a=secret")
        .header("Host", "virtual.test")
        .header("X-Public", "1");
    let response = client.send(request).await.result.unwrap();
    assert_eq!((response.text().as_ref(), response.url()), ("other", format!("{}/", other.url())));
    let near = &server.requests()[1];
    assert!(
        near.contains("Bearer secret")
            && near.contains("a=secret")
            && near.contains("virtual.test")
    );
    let away = &other.requests()[0];
    assert!(!away.contains("secret") && away.contains(&format!("\r\nHost: {}\r\n", other.address)));
    assert!(away.contains("X-Public: 1"));
}

#[tokio::test]
async fn credentials_of_the_base_url_stay_with_it() {
    let other = Server::answering(ok("other"));
    let target = other.url();
    let server = Server::replying(move |_| redirect(302, &target));
    let (_, mut client) = client(Config::default(), &format!("http://me:pw@{}", server.address));
    client.send(Request::get("/")).await.result.unwrap();
    assert!(server.requests()[0].contains("Authorization: Basic bWU6cHc="));
    assert!(!other.requests()[0].contains("Authorization"));
}

#[tokio::test]
async fn cookies_come_back_to_those_who_set_them() {
    let other = Server::answering(ok(""));
    let server = Server::replying(|request| {
        if request.starts_with("POST /login") {
            return "HTTP/1.1 303 See Other\r\nSet-Cookie: sid=abc; Path=/; HttpOnly\r\n\
                    Set-Cookie: area=51; Path=/deep\r\nLocation: /home\r\nContent-Length: 0\r\n\r\n"
                .to_owned();
        }
        if request.starts_with("GET /logout") {
            return "HTTP/1.1 200 OK\r\nSet-Cookie: sid=; Max-Age=0; Path=/\r\nContent-Length: 0\r\n\r\n".to_owned();
        }
        ok("")
    });
    let mut client = server.client();
    for request in [
        Request::get("/before"),
        Request::post("/login"),
        Request::get("/deep/x"),
        Request::get("/own").header("Cookie", "mine=1"),
        Request::get("/logout"),
        Request::get("/after"),
        Request::get(&format!("{}/", other.url().replace("127.0.0.1", "localhost"))),
    ] {
        client.send(request).await.result.unwrap();
    }
    let sent: Vec<String> = server
        .requests()
        .iter()
        .map(|request| {
            let cookie = request.lines().find_map(|line| line.strip_prefix("Cookie: "));
            let mut parts: Vec<_> = cookie.unwrap_or_default().split("; ").collect();
            parts.sort_unstable();
            format!("{} {}", request.split(' ').nth(1).unwrap(), parts.join("; "))
        })
        .collect();
    let expected = [
        "/before ",
        "/login ",
        "/home sid=abc",
        "/deep/x area=51; sid=abc",
        "/own mine=1",
        "/logout sid=abc",
        "/after ",
    ];
    assert_eq!(sent, expected);
    assert!(!other.requests()[0].contains("Cookie"));
}

#[tokio::test]
async fn a_forgetful_client_is_a_new_user() {
    let server =
        Server::answering("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n");
    let mut client = server.client();
    client.send(Request::get("/")).await.result.unwrap();
    client.send(Request::get("/")).await.result.unwrap();
    client.forget();
    client.send(Request::get("/")).await.result.unwrap();
    let cookies: Vec<bool> =
        server.requests().iter().map(|request| request.contains("Cookie: a=1")).collect();
    assert_eq!(cookies, [false, true, false]);
    assert_eq!(server.connections(), 2);
}
