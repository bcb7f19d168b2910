//! Servers that are broken, slow or malicious: every one of them ends in an answer or a clear error, in time.

#![expect(clippy::unwrap_used, reason = "code of tests")]

mod http_support;

use std::time::Duration;

use http_support::{Peer, Server, impatient, ok};
use swarmer::http::{Config, Error, ErrorKind, Request};

const CHUNKED: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\
    Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n4;ext=\"1\"\r\nwiki\r\n5\r\npedia\r\n0\r\nX: y\r\n\r\n";

async fn outcome(answer: impl Into<Vec<u8>>) -> Result<String, Error> {
    let answer = answer.into();
    let server = Server::start(move |peer| {
        peer.request();
        peer.send(&answer);
    });
    let result = server.client_with(impatient()).send(Request::get("/")).await.result;
    result.map(|response| format!("{} {}", response.status(), response.text()))
}

async fn protocol_error(answer: impl Into<Vec<u8>>) -> String {
    let error = outcome(answer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    error.to_string()
}

#[tokio::test]
async fn an_answer_split_at_every_byte_is_the_same_answer() {
    let server = Server::start(|peer| {
        let mut cut = 0;
        while peer.request().is_some() {
            let (front, back) = CHUNKED.split_at(cut % CHUNKED.len());
            peer.send(front);
            std::thread::sleep(Duration::from_millis(2));
            peer.send(back);
            cut += 1;
        }
    });
    let mut client = server.client();
    for cut in 0..CHUNKED.len() {
        let response = client.send(Request::get("/")).await.result.unwrap();
        assert_eq!(response.text(), "wikipedia", "cut at {cut}");
        assert_eq!(response.header("trailer"), Some("X"));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_close_at_every_byte_is_an_error_until_the_last() {
    let server = Server::start(|peer| {
        peer.request();
        peer.send(&CHUNKED[..peer.number]);
    });
    let mut client = server.client();
    for cut in 0..CHUNKED.len() {
        let error = client.send(Request::get("/")).await.result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "cut at {cut}: {error}");
    }
    assert!(client.send(Request::get("/")).await.result.is_ok());
    assert_eq!(server.connections(), CHUNKED.len() + 1);
}

#[tokio::test]
async fn old_and_odd_answers_are_understood() {
    assert_eq!(outcome("HTTP/1.0 200 OK\r\n\r\nuntil close").await.unwrap(), "200 until close");
    assert_eq!(outcome("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi").await.unwrap(), "200 hi");
    assert_eq!(outcome("HTTP/1.1 999 X\nContent-Length: 0\n\n").await.unwrap(), "999 ");
    let both = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    assert_eq!(outcome(both).await.unwrap(), "200 x");
    let equal = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(outcome(equal).await.unwrap(), "200 x");
}

#[tokio::test]
async fn bodies_that_must_not_be_are_not_waited_for() {
    let server = Server::replying(|request| {
        let length = "Content-Length: 1000\r\n\r\n";
        match request.split(' ').next().unwrap() {
            "HEAD" => format!("HTTP/1.1 200 OK\r\n{length}"),
            "DELETE" => format!("HTTP/1.1 204 No Content\r\n{length}"),
            _ => format!("HTTP/1.1 304 Not Modified\r\n{length}"),
        }
    });
    let mut client = server.client_with(impatient());
    for request in [Request::head("/"), Request::delete("/"), Request::get("/"), Request::head("/")]
    {
        let response = client.send(request).await.result.unwrap();
        assert!(response.body().is_empty());
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn faulty_answers_are_refused_in_words() {
    assert_eq!(protocol_error("SSH-2.0-OpenSSH_9.2\r\n").await, "not HTTP/1.0 or HTTP/1.1");
    assert_eq!(protocol_error("HTTP/2 200\r\n\r\n").await, "not HTTP/1.0 or HTTP/1.1");
    assert_eq!(
        protocol_error("\r\nHTTP/1.1 200 OK\r\n\r\n").await,
        "an empty line before the status line"
    );
    let switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(protocol_error(switched).await, "switched protocols without being asked to");
    let lengths = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx";
    assert_eq!(protocol_error(lengths).await, "contradicting Content-Length fields");
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    assert_eq!(protocol_error(chunk).await, "malformed chunk size");
    let gzip = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
    assert_eq!(protocol_error(gzip).await, "malformed gzip body");
    let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(100);
    assert_eq!(protocol_error(interim).await, "more than 32 interim answers");
}

#[tokio::test]
async fn endless_heads_and_bodies_end() {
    let endless = |start: &'static str, more: &'static str| {
        Server::start(move |peer: &mut Peer| {
            use std::io::Write;
            peer.request();
            peer.send(start);
            while peer.stream.write_all(more.repeat(100).as_bytes()).is_ok() {}
        })
    };
    let config = || Config { max_response_body: 1 << 20, ..Config::default() };
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (start, more, text) in [
        ("HTTP/1.1 200 OK\r\n", "A: b\r\n", "more than 128 header fields"),
        ("HTTP/1.1 200 OK\r\nA: ", "bbbbbbbbbb", "a head of more than 64 KiB"),
        ("HTTP/1.1 200 OK\r\n\r\n", "xxxxxxxxxx", "an answer larger than the limit"),
        (chunked, "1\r\nx\r\n", "a chunk larger than the limit"),
        (chunked, "0000000", "chunk size of more than 16 digits"),
        (chunked, "1;aaaaaaaaa", "more than 16 KiB of chunk extensions and trailers"),
    ] {
        let server = endless(start, more);
        let error = server.client_with(config()).send(Request::get("/")).await.result.unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let huge = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n";
    let error = outcome(huge).await.unwrap_err();
    assert_eq!(error.repr(), "ResponseTooLarge('a chunk larger than the limit')");
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n";
    assert_eq!(outcome(long).await.unwrap_err().kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn slow_drips_run_into_the_time_limit() {
    let forever = |start: &'static str| {
        Server::start(move |peer| {
            use std::io::Write;
            peer.request();
            peer.send(start);
            while peer.stream.write_all(b"1").is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
        })
    };
    for start in [
        "HTTP/1.1 200 OK\r\nA: ",
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let server = forever(start);
        let error =
            server.client_with(impatient()).send(Request::get("/")).await.result.unwrap_err();
        assert_eq!(error.repr(), "Timeout('no complete answer within 0.3 s')");
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_is_told() {
    let server = Server::start(|peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        std::thread::sleep(Duration::from_millis(20));
        peer.reset();
    });
    let error = server.client().send(Request::get("/")).await.result.unwrap_err();
    assert_eq!(error.repr(), "ConnectionResetError(104, 'Connection reset by peer')");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn bombs_do_not_go_off() {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 50 << 20]).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let server = Server::answering([head.into_bytes(), body].concat());
    let config = Config { max_response_body: 10 << 20, ..Config::default() };
    let error = server.client_with(config).send(Request::get("/")).await.result.unwrap_err();
    assert_eq!(error.repr(), "ResponseTooLarge('a decoded body larger than the limit')");
}

#[tokio::test]
async fn encoded_bodies_come_out_plain() {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use std::io::Write;
    let plain = "plain text, ".repeat(5000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(plain.as_bytes()).unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(plain.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let twice = zstd::encode_all(&gzip[..], 3).unwrap();
    for (name, body) in [
        ("gzip", gzip),
        ("deflate", zlib.finish().unwrap()),
        ("zstd", zstd::encode_all(plain.as_bytes(), 3).unwrap()),
        ("gzip, zstd", twice),
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        let chunks = body
            .chunks(1000)
            .map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        let answer =
            [head.into_bytes(), chunks.collect::<Vec<_>>().concat(), b"0\r\n\r\n".to_vec()]
                .concat();
        let server = Server::answering(answer);
        let mut client = server.client();
        for _ in 0..2 {
            let exchange = client.send(Request::get("/")).await;
            assert!(exchange.result.unwrap().body() == plain.as_bytes(), "{name}");
            assert!(exchange.timings.bytes_received < plain.len() as u64);
        }
        assert_eq!(server.connections(), 1);
    }
    // `hello hello hello hello` by the reference encoder.
    let brotli = b"\x1b\x16\x00\x00$@j\x10e\xea\xf0\x9c>";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: {}\r\n\r\n",
        brotli.len()
    );
    assert_eq!(
        outcome([head.as_bytes(), brotli].concat()).await.unwrap(),
        "200 hello hello hello hello"
    );
    let unknown = "HTTP/1.1 200 OK\r\nContent-Encoding: compress\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(outcome(unknown).await.unwrap(), "200 x");
    // Nobody asks for encodings where that is switched off.
    let server = Server::answering(ok(""));
    let config = Config { accept_encoding: false, ..Config::default() };
    server.client_with(config).send(Request::get("/")).await.result.unwrap();
    assert!(!server.requests()[0].contains("Accept-Encoding"));
}
