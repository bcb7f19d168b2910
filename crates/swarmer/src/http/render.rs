//! Writing a request down as HTTP/1.1: a few copies of bytes that are ready.

use super::buffer::Buf;
use super::origin::Origin;
use super::request::{Request, own};

/// The bytes of `request` to `origin`, with the cookies given.
pub(super) fn render(request: &Request, origin: &Origin, cookies: Option<&str>) -> Buf {
    let mut wire = Buf::small();
    wire.reserve(request.buf.len() + origin.prelude.all().len() + 128);
    wire.extend_from_slice(request.method.as_str().as_bytes());
    wire.push(b' ');
    wire.extend_from_slice(&request.buf[..request.target_end]);
    wire.extend_from_slice(b" HTTP/1.1\r\n");
    if request.own & own::PRELUDE == 0 {
        wire.extend_from_slice(origin.prelude.all());
    } else {
        partial_prelude(&mut wire, request, origin);
    }
    if let Some(cookies) = cookies {
        wire.extend_from_slice(b"Cookie: ");
        wire.extend_from_slice(cookies.as_bytes());
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(request.header_lines());
    let body = request.body_bytes();
    if request.has_body || request.method.expects_body() {
        wire.extend_from_slice(b"Content-Length: ");
        push_decimal(&mut wire, body.len());
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"\r\n");
    wire.extend_from_slice(body);
    wire
}

#[cold]
fn partial_prelude(wire: &mut Buf, request: &Request, origin: &Origin) {
    let prelude = &origin.prelude;
    for (field, line) in [
        (own::HOST, prelude.host()),
        (own::USER_AGENT, prelude.user_agent()),
        (own::ACCEPT_ENCODING, prelude.accept_encoding()),
    ] {
        if request.own & field == 0 {
            wire.extend_from_slice(line);
        }
    }
}

fn push_decimal(out: &mut Vec<u8>, mut number: usize) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of ten")]
        let digit = (number % 10) as u8;
        digits[at] = b'0' + digit;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use insta::assert_snapshot;

    use super::*;
    use crate::http::{Config, Method, Shared};

    fn origin() -> Rc<Origin> {
        let config = Config { user_agent: "test/1".into(), ..Config::default() };
        let shared = Shared::new(config);
        Rc::clone(&shared.base_url("http://api.test:8080/").unwrap().0.origin)
    }

    fn text(request: &Request) -> String {
        assert_eq!(request.error, None);
        String::from_utf8(render(request, &origin(), None).to_vec()).unwrap().replace('\r', "")
    }

    #[test]
    fn a_get_is_lean() {
        assert_snapshot!(text(&Request::get("/a?b=c").query("d", 1).bearer("tok")), @r"
        GET /a?b=c&d=1 HTTP/1.1
        Host: api.test:8080
        User-Agent: test/1
        Accept-Encoding: gzip, deflate, br, zstd
        Authorization: Bearer tok
        ");
    }

    #[test]
    fn parts_may_come_in_any_order() {
        let request = Request::post("/a")
            .json(&[1, 2])
            .header("X-One", "1")
            .query("q", "ä b")
            .header("content-type", "application/vnd.test+json")
            .bearer("first")
            .bearer("second")
            .header("Host", "other.test")
            .query("r", true);
        assert_snapshot!(text(&request), @r"
        POST /a?q=%C3%A4%20b&r=true HTTP/1.1
        User-Agent: test/1
        Accept-Encoding: gzip, deflate, br, zstd
        X-One: 1
        content-type: application/vnd.test+json
        Authorization: Bearer second
        Host: other.test
        Content-Length: 5

        [1,2]
        ");
    }

    #[test]
    fn bodies_state_their_length() {
        let form = Request::put("/f").body("old", "text/plain").form([("a b", "c&d"), ("e", "é")]);
        assert!(
            text(&form).ends_with("Content-Length: 18\n\na+b=c%26d&e=%C3%A9"),
            "{}",
            text(&form)
        );
        assert!(text(&Request::post("/")).ends_with("\nContent-Length: 0\n\n"));
        assert!(!text(&Request::delete("/")).contains("Content-Length"));
        let mut emptied = Request::post("/x").json("abc");
        emptied.remove_body();
        assert!(text(&emptied).ends_with("zstd\nContent-Length: 0\n\n"));
    }

    #[test]
    fn injections_are_refused() {
        let evil = [
            Request::get("/a\r\nX: y"),
            Request::get("/a").header("X", "a\r\nY: b"),
            Request::get("/a").header("X\r\nY", "a"),
            Request::get("/a").header("", "a"),
            Request::get("/a").bearer("a\nb"),
            Request::get("/a").header("Content-Length", "5"),
            Request::post("/a").header("transfer-encoding", "chunked"),
            Request::post("/a").body("", "text/plain\r\nX: y"),
            Request::new(Method::new("GET /x"), "/a"),
        ];
        for request in evil {
            assert!(request.error.as_ref().is_some_and(|error| error.is_invalid()), "{request:?}");
        }
    }
}
