//! Scripted answers on virtual time.

#![cfg(feature = "testing")]
#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use swarmer::http::{
    Client, Config, ErrorKind, Http2, Method, Request, ScriptedReply, ScriptedRequest, Shared,
};

fn scripted(script: impl Fn(&ScriptedRequest) -> ScriptedReply + 'static) -> Client {
    scripted_with(Http2::Off, script)
}

fn scripted_with(
    http2: Http2,
    script: impl Fn(&ScriptedRequest) -> ScriptedReply + 'static,
) -> Client {
    let shared = Shared::new(Config { http2, ..Config::default() });
    let base = shared.base_url("http://scripted.test/api").unwrap();
    Client::scripted(&shared, Some(&base), Rc::new(script))
}

#[tokio::test(start_paused = true)]
async fn delays_are_exact_on_virtual_time() {
    let mut client =
        scripted(|_| ScriptedReply::new(200).after(Duration::from_secs(45)).body("late"));
    for _ in 0..80 {
        let exchange = client.send(Request::get("/")).await;
        assert_eq!(exchange.timings.total, Duration::from_secs(45));
        assert_eq!(exchange.timings.first_byte, Some(Duration::from_secs(45)));
        assert_eq!(exchange.result.unwrap().text(), "late");
    }
}

#[tokio::test(start_paused = true)]
async fn time_limits_hold() {
    let mut client = scripted(|_| ScriptedReply::new(200).after(Duration::from_mins(2)));
    let exchange = client.send(Request::get("/")).await;
    assert_eq!(exchange.timings.total, Duration::from_mins(1));
    assert_eq!(exchange.result.unwrap_err().repr(), "Timeout('no answer within 60 s')");
}

#[tokio::test]
async fn any_bytes_may_come_read_by_read() {
    let whole = ["HTTP/1.1 200 OK\r\nContent-", "", "Length: 4\r\n\r\nwh", "ole", "not read"];
    let mut client = scripted(move |_| ScriptedReply::reads(whole));
    assert_eq!(client.send(Request::get("/")).await.result.unwrap().text(), "whol");
    let mut client = scripted(move |_| ScriptedReply::reads([whole[0], whole[2]]));
    let error = client.send(Request::get("/")).await.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn any_bytes_may_be_http2() {
    // Settings, a head without a field but the status, a body in two frames.
    let whole: [&[u8]; 4] = [
        b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x04",
        b"\0\0\0\x01\x88\0\0\x02\0\0\0\0\0\x01wh",
        b"\0\0\x02\0\x01\0\0\0\x01ol",
        b"not read",
    ];
    let mut client = scripted_with(Http2::Own, move |_| ScriptedReply::reads(whole));
    for _ in 0..2 {
        let exchange = client.send(Request::get("/")).await;
        assert_eq!(exchange.result.unwrap().text(), "whol");
        assert_eq!(exchange.timings.bytes_received, 41);
    }
    let mut client = scripted_with(Http2::Own, move |_| ScriptedReply::reads([whole[0], whole[1]]));
    let error = client.send(Request::get("/")).await.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    let mut client = scripted_with(Http2::Own, |_| ScriptedReply::new(204));
    assert_eq!(client.send(Request::get("/")).await.result.unwrap().status(), 204);
}

#[tokio::test]
async fn the_script_sees_the_whole_request_and_its_answer_is_a_real_one() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    let mut client = scripted(move |request| {
        log.borrow_mut().push(request.clone());
        match request.target.as_str() {
            "/api/login?a=b" => ScriptedReply::new(302)
                .header("Location", "/home")
                .header("Set-Cookie", "sid=1; Path=/"),
            "/home" => {
                ScriptedReply::new(200).header("Content-Type", "application/json").body("{\"a\":1}")
            }
            _ => ScriptedReply::error(ErrorKind::Closed, "scripted failure"),
        }
    });
    let exchange = client.send(Request::post("/login").query("a", "b").bearer("t").json("x")).await;
    assert_eq!(exchange.timings.redirects, 1);
    let response = exchange.result.unwrap();
    assert_eq!(response.json::<serde_json::Value>().unwrap()["a"], 1);
    assert_eq!(response.url(), "http://scripted.test/home");
    let seen_before = seen.borrow().clone();
    assert_eq!(seen_before[0].method, Method::POST);
    assert_eq!(seen_before[0].header("authorization"), Some("Bearer t"));
    assert_eq!(seen_before[0].body, b"\"x\"");
    assert_eq!(seen_before[1].method, Method::GET);
    assert_eq!(seen_before[1].header("Cookie"), Some("sid=1"));
    let error = client.send(Request::get("/other")).await.result.unwrap_err();
    assert_eq!(error.repr(), "ConnectionClosed('scripted failure')");
}
