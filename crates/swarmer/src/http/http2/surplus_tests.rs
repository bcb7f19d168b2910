//! What a server sends behind an answer, in the same read.

use super::frame::{self, mark};
use super::own::Own;
use crate::http::reply::Reply;
use crate::http::{Config, Shared};

/// A own whose request was answered by a read that ended with `surplus`.
fn answered(surplus: &[u8]) -> Own {
    let (mut own, mut reply) = (Own::new(), Reply::new(false, 1000));
    let shared = Shared::new(Config::default());
    let origin = shared.base_url("http://a.test").unwrap().0.origin.clone();
    own.begin(b"GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n", &origin).unwrap();
    own.session.wrote(own.session.unwritten().len());
    let room = own.room();
    frame::push(room, frame::SETTINGS, 0, 0, &[]);
    frame::push(room, frame::HEADERS, mark::END_HEADERS | mark::END_STREAM, 1, &[b"\x88"]);
    room.extend_from_slice(surplus);
    assert!(own.received(&mut reply).unwrap());
    assert_eq!(reply.so_far(), b"HTTP/1.1 200 OK\r\n\r\n");
    own
}

fn frame(kind: u8, marks: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::push(&mut out, kind, marks, stream, &[payload]);
    out
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
