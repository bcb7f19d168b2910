//! What holds whatever bytes a server or another node of a cluster sends. A fuzzer looks for bytes with which it does not
//! (`make fuzz`), beginning with those in `fuzz/corpus`.

use std::rc::Rc;

use swarmer::cluster::{Envelope, Message, ToMaster, ToWorker};
use swarmer::http::{Client, Config, ErrorKind, Http2, Method, Request, Response, Shared};
use swarmer::testing::{ScriptedReply, ScriptedRequest};

/// Bytes that an answer's body may have here.
const LIMIT: usize = 100_000;

/// The only fields that our requests here may have; another one would have been smuggled in.
const FIELDS: [&str; 6] =
    ["Host", "User-Agent", "Accept-Encoding", "Cookie", "Authorization", "Content-Length"];

/// An answer to a request, and to the one after it: three bytes say how it is asked and cut, the others are the answer.
///
/// # Panics
/// If what should hold does not.
pub(crate) fn answer(data: &[u8]) {
    same_however_cut(Http2::Off, data);
}

/// The same for what a server sends over a connection in HTTP/2, from its settings on; each request has its own.
///
/// # Panics
/// If what should hold does not.
pub(crate) fn frames(data: &[u8]) {
    same_however_cut(Http2::Own, data);
}

fn same_however_cut(http2: Http2, data: &[u8]) {
    let Some((&[method, first, second], wire)) = data.split_first_chunk() else { return };
    let method = [Method::GET, Method::HEAD, Method::POST][usize::from(method) % 3];
    let asked = |pieces: &[&[u8]]| asked_twice(http2, method, pieces);
    let whole = asked(&[wire]);
    let cut = |at: u8| wire.len() * usize::from(at) / 255;
    let (from, to) = (cut(first.min(second)), cut(first.max(second)));
    assert_eq!(asked(&[&wire[..from], &wire[from..to], &wire[to..]]), whole);
    if wire.len() < 300 {
        assert_eq!(asked(&wire.chunks(1).collect::<Vec<_>>()), whole);
    }
}

/// What the workload gets to see.
#[derive(Debug, PartialEq)]
enum Seen {
    Answer { status: u16, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>, url: String },
    Failure(ErrorKind),
}

/// Sends two requests that are answered like that, since an answer may set cookies for the next one.
fn asked_twice(http2: Http2, method: Method, pieces: &[&[u8]]) -> [Seen; 2] {
    let config = Config { http2, max_redirects: 3, max_response_body: LIMIT, ..Config::default() };
    let shared = Shared::new(config);
    let base = shared.base_url("http://api.test/").expect("a base URL");
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    let script = move |request: &ScriptedRequest| {
        check_request(request);
        ScriptedReply::reads(pieces.clone())
    };
    let mut client = Client::scripted(&shared, Some(&base), Rc::new(script));
    let mut ask = async || {
        let exchange = client.send(Request::new(method, "/a/b?c=d")).await;
        exchange.result.map_or_else(|error| Seen::Failure(error.kind()), |answer| seen(&answer))
    };
    RUNTIME.with(|runtime| runtime.block_on(async { [ask().await, ask().await] }))
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O");
}

fn check_request(request: &ScriptedRequest) {
    assert!(request.target.starts_with('/'), "{request:?}");
    assert!(request.target.bytes().all(|byte| byte.is_ascii_graphic()), "{request:?}");
    for (name, value) in &request.headers {
        assert!(FIELDS.contains(&name.as_str()), "{request:?}");
        assert!(!value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t'), "{request:?}");
    }
    assert!(request.body.is_empty(), "{request:?}");
}

fn seen(answer: &Response) -> Seen {
    assert!((200..1000).contains(&answer.status()), "{}", answer.status());
    assert!(answer.body().len() <= LIMIT, "{}", answer.body().len());
    let lines = |text: &[u8]| text.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    assert!(!lines(answer.reason().as_bytes()), "{:?}", answer.reason());
    let _ = (answer.text(), answer.json::<serde_json::Value>());
    let headers: Vec<_> =
        answer.headers().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    for (name, value) in &headers {
        assert!(!name.is_empty() && !lines(value), "{name}: {value:?}");
        let first = headers.iter().find(|(first, _)| first.eq_ignore_ascii_case(name));
        let first = first.and_then(|(_, value)| str::from_utf8(value).ok());
        assert_eq!(answer.header(name), first, "{name}");
    }
    Seen::Answer {
        status: answer.status(),
        headers,
        body: answer.body().to_vec(),
        url: answer.url(),
    }
}

/// A message to a master and to a worker: what is understood can be written down, and is understood again as the same.
///
/// # Panics
/// If what should hold does not.
pub(crate) fn message(data: &[u8]) {
    understood::<ToMaster>(data);
    understood::<ToWorker>(data);
}

fn understood<M: Message + std::fmt::Debug>(data: &[u8]) {
    let Ok(envelope) = Envelope::<M>::decode(data) else { return };
    let written = envelope.encode();
    let again = Envelope::<M>::decode(&written);
    let again = again.unwrap_or_else(|error| panic!("{error}: {envelope:?} as {written:x?}"));
    // The bytes, not the messages: a number may be none, which equals nothing.
    assert_eq!(again.encode(), written, "{envelope:?}");
}
