//! Conversations without a socket: what a server may say, what it must not, and what we say to it.

use proptest::prelude::*;

use super::frame::{self, mark};
use super::{own::Own, session, stream};
use crate::http::reply::Reply;
use crate::http::{Config, Error, ErrorKind, Shared};

const GET: &str = "GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n";
/// `:status: 200`, then a field in words.
const OK: &[u8] = b"\x88\x00\x01a\x01b";
const OK_TEXT: &str = "HTTP/1.1 200 OK\r\na: b\r\n\r\n";

fn frame(kind: u8, marks: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::push(&mut out, kind, marks, stream, &[payload]);
    out
}

fn greeting() -> Vec<u8> {
    frame(frame::SETTINGS, 0, 0, b"")
}

fn head(stream: u32, marks: u8) -> Vec<u8> {
    frame(frame::HEADERS, marks | mark::END_HEADERS, stream, OK)
}

fn data(stream: u32, marks: u8, text: &str) -> Vec<u8> {
    frame(frame::DATA, marks, stream, text.as_bytes())
}

/// Sends `wire`; what is written by that.
fn asking(own: &mut Own, wire: &str) -> Vec<u8> {
    let shared = Shared::new(Config::default());
    let origin = shared.base_url("http://a.test").unwrap().0.origin.clone();
    own.begin(wire.as_bytes(), &origin).unwrap();
    written(own)
}

fn written(own: &mut Own) -> Vec<u8> {
    let out = own.session.unwritten().to_vec();
    own.session.wrote(out.len());
    out
}

/// The frames of what was written, of any size: kind, marks, stream, payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u8, u32, Vec<u8>)> {
    bytes = bytes.strip_prefix(frame::PREFACE).unwrap_or(bytes);
    let mut frames = Vec::new();
    while let [a, b, c, kind, marks, s0, s1, s2, s3, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let stream = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
        frames.push((*kind, *marks, stream, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty(), "{}", bytes.escape_ascii());
    frames
}

fn hear(own: &mut Own, reply: &mut Reply, bytes: &[u8]) -> Result<bool, Error> {
    own.room().extend_from_slice(bytes);
    own.received(reply)
}

fn text(reply: Reply) -> String {
    let (_, buf) = reply.into_parts().expect("a complete answer");
    String::from_utf8(buf.to_vec()).unwrap()
}

/// The answer that these frames come to.
fn answer(bytes: &[u8]) -> Result<String, Error> {
    let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
    asking(&mut own, GET);
    if hear(&mut own, &mut reply, bytes)? { Ok(text(reply)) } else { Err(own.closed(&reply)) }
}

fn refusal(frames: &[Vec<u8>]) -> String {
    answer(&[greeting(), frames.concat()].concat()).unwrap_err().to_string()
}

fn conversation() -> Vec<u8> {
    [
        frame(frame::SETTINGS, 0, 0, b"\0\x03\0\0\0\x0a\0\x04\0\0\x10\0"),
        frame(frame::SETTINGS, mark::ACK, 0, b""),
        frame(frame::HEADERS, mark::END_HEADERS, 1, b"\x08\x03103"),
        frame(frame::HEADERS, mark::PRIORITY | mark::PADDED, 1, b"\x02\0\0\0\0\x10\x88\x00\0\0"),
        frame(frame::CONTINUATION, 0, 1, b"\x01a"),
        frame(frame::CONTINUATION, mark::END_HEADERS, 1, b"\x01b"),
        frame(frame::PING, 0, 0, b"question"),
        frame(frame::DATA, mark::PADDED, 1, b"\x03wiki\0\0\0"),
        frame(99, 0xff, 7, b"unknown"),
        frame(frame::WINDOW_UPDATE, 0, 1, b"\0\0\x01\0"),
        data(1, 0, ""),
        data(1, 0, "pedia"),
        frame(frame::HEADERS, mark::END_HEADERS | mark::END_STREAM, 1, b"\x00\x01t\x01u"),
    ]
    .concat()
}

#[test]
fn all_that_a_server_may_say_comes_to_an_answer() {
    assert_eq!(answer(&conversation()).unwrap(), format!("{OK_TEXT}wikipedia"));
    let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
    asking(&mut own, GET);
    assert!(hear(&mut own, &mut reply, &conversation()).unwrap());
    let said = frames(&written(&mut own));
    let settled = (frame::SETTINGS, mark::ACK, 0, Vec::new());
    assert_eq!(said, [settled, (frame::PING, mark::ACK, 0, b"question".to_vec())]);
}

#[test]
fn a_conversation_split_anywhere_is_the_same() {
    let wire = conversation();
    let expected = format!("{OK_TEXT}wikipedia");
    let pieces = |cuts: &[usize]| {
        let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
        asking(&mut own, GET);
        let mut from = 0;
        for &to in cuts.iter().chain([&wire.len()]) {
            if hear(&mut own, &mut reply, &wire[from..to]).unwrap() {
                assert_eq!(to, wire.len());
            }
            from = to;
        }
        text(reply)
    };
    for first in 0..=wire.len() {
        for second in first..=wire.len() {
            assert_eq!(pieces(&[first, second]), expected, "{first} {second}");
        }
    }
    assert_eq!(pieces(&(0..wire.len()).collect::<Vec<_>>()), expected);
}

#[test]
fn a_close_anywhere_is_an_error_until_the_last_byte() {
    let wire = conversation();
    for cut in 0..wire.len() {
        let error = answer(&wire[..cut]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{cut}: {error}");
    }
}

#[test]
fn frames_that_must_not_be_are_told_apart() {
    for (said, error) in [
        (vec![head(3, mark::END_STREAM)], "HTTP/2: a frame on a stream that it cannot be on"),
        (vec![head(2, mark::END_STREAM)], "HTTP/2: a frame on a stream that it cannot be on"),
        (vec![data(0, 0, "x")], "HTTP/2: a frame on a stream that it cannot be on"),
        (
            vec![frame(frame::PING, 0, 1, b"question")],
            "HTTP/2: a frame on a stream that it cannot be on",
        ),
        (vec![frame(frame::PING, 0, 0, b"short")], "HTTP/2: a frame of a wrong length"),
        (vec![frame(frame::SETTINGS, 0, 0, b"12345")], "HTTP/2: a frame of a wrong length"),
        (
            vec![frame(frame::SETTINGS, mark::ACK, 0, b"123456")],
            "HTTP/2: a frame of a wrong length",
        ),
        (vec![frame(frame::RST_STREAM, 0, 1, b"123")], "HTTP/2: a frame of a wrong length"),
        (vec![frame(frame::GOAWAY, 0, 0, b"1234567")], "HTTP/2: a frame of a wrong length"),
        (
            vec![frame(frame::HEADERS, mark::PRIORITY, 1, b"1234")],
            "HTTP/2: a frame of a wrong length",
        ),
        (vec![frame(frame::WINDOW_UPDATE, 0, 1, b"\0\0\0\0")], "HTTP/2: flow control is not kept"),
        (
            vec![frame(frame::WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")],
            "HTTP/2: flow control is not kept",
        ),
        (
            vec![frame(frame::SETTINGS, 0, 0, b"\0\x04\x80\0\0\0")],
            "HTTP/2: flow control is not kept",
        ),
        (
            vec![frame(frame::SETTINGS, 0, 0, b"\0\x05\0\0\0\x01")],
            "HTTP/2: a size of frames that is not allowed",
        ),
        (
            vec![frame(frame::PUSH_PROMISE, 4, 1, b"\0\0\0\x02")],
            "HTTP/2: a push, which nobody asked for",
        ),
        (vec![frame(frame::CONTINUATION, 4, 1, b"")], "HTTP/2: a continuation of nothing"),
        (
            vec![frame(frame::HEADERS, 0, 1, OK), data(1, 0, "x")],
            "HTTP/2: a head that is not continued",
        ),
        (
            vec![frame(frame::HEADERS, 0, 1, OK), frame(frame::CONTINUATION, 0, 1, b"")],
            "HTTP/2: a continuation without a byte",
        ),
        (
            vec![frame(frame::HEADERS, 0, 1, &[0; 16_000])]
                .into_iter()
                .chain((0..4).map(|_| frame(frame::CONTINUATION, 0, 1, &[0; 16_000])))
                .collect(),
            "a head of more than 64 KiB",
        ),
        (vec![b"\0\x40\x01\0\0\0\0\0\x01".to_vec()], "HTTP/2: a frame larger than agreed"),
    ] {
        assert_eq!(refusal(&said), error);
    }
    let without_greeting = answer(&head(1, mark::END_STREAM)).unwrap_err();
    assert_eq!(without_greeting.to_string(), "HTTP/2: the server does not begin with its settings");
}

/// What is wrong with one answer is nothing to the connection; the server is told that nobody listens any more.
#[test]
fn answers_that_must_not_be_are_told_apart() {
    let close = mark::END_STREAM;
    let too_long = "x".repeat(1001);
    for (said, error) in [
        (vec![data(1, close, "early")], "HTTP/2: a body before its head"),
        (vec![head(1, 0), frame(frame::HEADERS, 4, 1, b"\x00\x01a\x01b")], "HTTP/2: a second head"),
        (vec![head(1, 0), head(1, close)], "HTTP/2: a pseudo-header after the body"),
        (
            vec![frame(frame::HEADERS, close | 4, 1, b"\x08\x03103")],
            "HTTP/2: nothing but an interim answer",
        ),
        (
            vec![frame(frame::HEADERS, 4, 1, b"\x08\x03101")],
            "switched protocols without being asked to",
        ),
        (vec![frame(frame::HEADERS, 4, 1, b"\x08\x03103"); 33], "more than 32 interim answers"),
        (
            vec![frame(frame::HEADERS, close | 4, 1, b"\x88\x0f\x0d\x015")],
            "HTTP/2: a body shorter than its length",
        ),
        (
            vec![frame(frame::HEADERS, 4, 1, b"\x88\x0f\x0d\x011"), data(1, close, "22")],
            "HTTP/2: a body longer than its length",
        ),
        (
            vec![frame(frame::HEADERS, 4, 1, b"\x88\x0f\x0d\x041001")],
            "a Content-Length larger than the limit",
        ),
        (vec![head(1, 0), data(1, 0, &too_long)], "an answer larger than the limit"),
        (vec![frame(frame::DATA, mark::PADDED, 1, b"\x05x")], "HTTP/2: a body before its head"),
        (
            vec![head(1, 0), frame(frame::DATA, mark::PADDED, 1, b"\x05x")],
            "HTTP/2: more padding than there are bytes",
        ),
    ] {
        let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
        asking(&mut own, GET);
        let said = [greeting(), said.concat()].concat();
        assert_eq!(hear(&mut own, &mut reply, &said).unwrap_err().to_string(), error);
        assert!(own.session.takes_more());
        let last = frames(&written(&mut own)).pop().unwrap();
        assert_eq!(last, (frame::RST_STREAM, 0, 1, vec![0, 0, 0, 1]), "{error}");
    }
}

#[test]
fn a_server_that_gives_up_says_why() {
    for (said, error) in [
        (
            vec![frame(frame::RST_STREAM, 0, 1, b"\0\0\0\x02")],
            "HTTP/2: server gave up the request: INTERNAL_ERROR",
        ),
        (
            vec![frame(frame::GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\x0b")],
            "HTTP/2: server gave up the connection: ENHANCE_YOUR_CALM",
        ),
        (
            vec![frame(frame::GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\x0b")],
            "HTTP/2: server gave up the connection: ENHANCE_YOUR_CALM",
        ),
        (
            vec![frame(frame::GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0")],
            "connection closed before an answer",
        ),
    ] {
        assert_eq!(refusal(&said), error);
    }
}

#[test]
fn a_server_that_asks_and_does_not_listen_is_left() {
    let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
    asking(&mut own, GET);
    hear(&mut own, &mut reply, &greeting()).unwrap();
    let questions = frame(frame::PING, 0, 0, b"question").repeat(1000);
    let error = (0..20).find_map(|_| hear(&mut own, &mut reply, &questions).err());
    assert_eq!(error.unwrap().to_string(), "HTTP/2: the server asks and does not read the answers");
}

#[test]
fn a_body_is_sent_as_far_as_the_server_takes_it() {
    let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
    let body = "x".repeat(100_000);
    let wire = format!("POST /a HTTP/1.1\r\nHost: a.test\r\n\r\n{body}");
    let first = frames(&asking(&mut own, &wire));
    let sizes = |frames: &[(u8, u8, u32, Vec<u8>)]| -> Vec<(u8, usize)> {
        let data = frames.iter().filter(|frame| frame.0 == frame::DATA);
        data.map(|frame| (frame.1, frame.3.len())).collect()
    };
    assert_eq!(sizes(&first), [(0, 16_384), (0, 16_384), (0, 16_384), (0, 16_383)]);
    assert!(!own.stream.is_framed);
    // More for the request alone is of no use, nor is more for the connection alone.
    let grant =
        |stream: u32, more: u32| frame(frame::WINDOW_UPDATE, 0, stream, &more.to_be_bytes());
    hear(&mut own, &mut reply, &[greeting(), grant(1, 50_000)].concat()).unwrap();
    own.session.frame_body(&mut own.stream, wire.as_bytes());
    assert_eq!(sizes(&frames(&written(&mut own))), []);
    // Larger frames, and less than there is to send.
    let larger = frame(frame::SETTINGS, 0, 0, b"\0\x05\0\0\x80\0");
    hear(&mut own, &mut reply, &[larger, grant(0, 30_000)].concat()).unwrap();
    own.session.frame_body(&mut own.stream, wire.as_bytes());
    assert_eq!(sizes(&frames(&written(&mut own))), [(0, 30_000)]);
    // A smaller first window takes back what was granted (RFC 9113, section 6.9.2).
    let smaller = frame(frame::SETTINGS, 0, 0, b"\0\x04\0\0\0\0");
    hear(&mut own, &mut reply, &[smaller, grant(0, 30_000)].concat()).unwrap();
    own.session.frame_body(&mut own.stream, wire.as_bytes());
    assert_eq!(sizes(&frames(&written(&mut own))), []);
    hear(&mut own, &mut reply, &grant(1, 100_000)).unwrap();
    own.session.frame_body(&mut own.stream, wire.as_bytes());
    assert_eq!(sizes(&frames(&written(&mut own))), [(mark::END_STREAM, 4_465)]);
    assert!(own.stream.is_framed);
}

#[test]
fn windows_are_opened_before_they_are_used_up() {
    let (mut own, mut reply) = (Own::new(), Reply::new(false, 100_000_000));
    asking(&mut own, GET);
    hear(&mut own, &mut reply, &[greeting(), head(1, 0)].concat()).unwrap();
    written(&mut own);
    let piece = data(1, 0, &"x".repeat(16_384));
    let mut granted = [0; 2];
    for _ in 0..1_000 {
        hear(&mut own, &mut reply, &piece).unwrap();
        for (kind, _, stream, more) in frames(&written(&mut own)) {
            assert_eq!(kind, frame::WINDOW_UPDATE);
            granted[stream as usize] += u32::from_be_bytes(more.try_into().unwrap());
        }
    }
    let all = 1_000 * 16_384;
    assert!(
        all - granted[0] < session::WINDOW / 2 && all - granted[1] < stream::WINDOW / 2,
        "{granted:?}"
    );
}

#[test]
fn a_head_too_long_for_a_frame_is_continued() {
    let mut own = Own::new();
    let long = "y".repeat(40_000);
    let wire = format!("GET /a HTTP/1.1\r\nHost: a.test\r\nX: {long}\r\n\r\n");
    let mut said = frames(&asking(&mut own, &wire)).split_off(2);
    let shapes: Vec<_> =
        said.iter().map(|frame| (frame.0, frame.1, frame.2, frame.3.len())).collect();
    let rest = said.pop().unwrap().3.len();
    assert_eq!(
        shapes,
        [
            (frame::HEADERS, mark::END_STREAM, 1, 16_384),
            (frame::CONTINUATION, 0, 1, 16_384),
            (frame::CONTINUATION, mark::END_HEADERS, 1, rest),
        ]
    );
}

#[test]
fn a_request_given_up_disturbs_none_after_it() {
    let mut own = Own::new();
    asking(&mut own, GET);
    let mut reply = Reply::new(false, 1000);
    hear(&mut own, &mut reply, &greeting()).unwrap();
    written(&mut own);
    own.session.cancel(&mut own.stream);
    own.session.cancel(&mut own.stream);
    let said = frames(&written(&mut own));
    assert_eq!(said, [(frame::RST_STREAM, 0, 1, vec![0, 0, 0, 8])]);
    asking(&mut own, GET);
    let mut reply = Reply::new(false, 1000);
    // What comes for the first one is passed over, but what it says of fields is remembered.
    let late = frame(frame::HEADERS, mark::END_HEADERS, 1, b"\x88\x40\x01c\x01d");
    let late =
        [late, data(1, mark::END_STREAM, "late"), frame(frame::RST_STREAM, 0, 1, b"\0\0\0\x08")];
    assert!(!hear(&mut own, &mut reply, &late.concat()).unwrap());
    let answer = frame(frame::HEADERS, mark::END_HEADERS | mark::END_STREAM, 3, b"\x88\xbe");
    assert!(hear(&mut own, &mut reply, &answer).unwrap());
    assert_eq!(text(reply), "HTTP/1.1 200 OK\r\nc: d\r\n\r\n");
    assert!(own.session.takes_more());
}

#[test]
fn what_the_server_did_not_look_at_is_known() {
    for (said, refused) in [
        (frame(frame::RST_STREAM, 0, 1, b"\0\0\0\x07"), true),
        (frame(frame::RST_STREAM, 0, 1, b"\0\0\0\x08"), false),
        (frame(frame::GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\0"), true),
        (frame(frame::GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0"), false),
    ] {
        let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
        asking(&mut own, GET);
        let _ = hear(&mut own, &mut reply, &[greeting(), said.clone()].concat());
        assert_eq!(own.stream.was_refused, refused, "{said:?}");
    }
}

/// A conversation whose request was answered by a read that ended with `surplus`.
fn answered(surplus: &[u8]) -> Own {
    let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
    asking(&mut own, GET);
    let read = [greeting(), head(1, mark::END_STREAM), surplus.to_vec()].concat();
    assert!(hear(&mut own, &mut reply, &read).unwrap());
    assert_eq!(text(reply), OK_TEXT);
    own
}

#[test]
fn what_is_wrong_behind_an_answer_costs_the_connection_only() {
    for wrong in [
        frame(frame::PING, 0, 1, b"question"),
        frame(frame::HEADERS, mark::END_HEADERS, 3, b"\x88"),
        frame(frame::HEADERS, mark::END_HEADERS, 1, b"\xff\xff\xff\xff\xff"),
        b"\0\x40\x01\0\0\0\0\0\x01".to_vec(),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        frame(frame::PING, 0, 0, b"question").repeat(20_000),
    ] {
        assert!(!answered(&wrong).session.takes_more(), "{}", wrong.escape_ascii());
    }
}

#[test]
fn what_is_right_behind_an_answer_is_heard_at_once() {
    let goodbye = frame(frame::GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0");
    assert!(!answered(&goodbye).session.takes_more());
    let question = frame(frame::PING, 0, 0, b"question");
    for cut in 0..=question.len() {
        let mut own = answered(&question[..cut]);
        own.room().extend_from_slice(&question[cut..]);
        assert!(!own.received(&mut Reply::new(false, 0)).unwrap());
        assert!(
            own.session.takes_more() && own.session.unwritten().ends_with(b"question"),
            "{cut}"
        );
    }
    let own = answered(&frame(frame::RST_STREAM, 0, 1, b"\0\0\0\x05"));
    assert!(own.session.takes_more() && !own.stream.was_refused);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_bytes_are_trouble(
        pieces in prop::collection::vec((0u8..12, any::<u8>(), 0u32..4, prop::collection::vec(any::<u8>(), 0..40)), 0..20),
    ) {
        let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
        asking(&mut own, GET);
        hear(&mut own, &mut reply, &greeting()).unwrap();
        for (kind, marks, stream, payload) in pieces {
            if hear(&mut own, &mut reply, &frame(kind, marks, stream, &payload)).is_err() {
                break;
            }
        }
    }
}
