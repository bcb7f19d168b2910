//! What a workload gets to see of an answer.

use std::borrow::Cow;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::buffer::Buf;
use super::head::{self, Head};
use super::origin::Origin;
use super::request::Request;

/// A complete answer. Its buffers return to the thread's pool when it is dropped, so drop it before waiting.
#[derive(Debug)]
pub struct Response {
    status: u16,
    /// Head and body as they came, the body unframed.
    raw: Buf,
    head_length: usize,
    /// The body without its content encoding, where it had one.
    decoded: Option<Buf>,
    origin: Rc<Origin>,
    /// The request's buffer, which begins with the target.
    sent: Buf,
    target_end: usize,
}

impl Response {
    /// Takes from the request what it was, which leaves it empty.
    pub(super) fn new(
        head: &Head,
        raw: Buf,
        decoded: Option<Buf>,
        origin: Rc<Origin>,
        request: &mut Request,
    ) -> Self {
        let Head { status, length: head_length, .. } = *head;
        let (sent, target_end) = (std::mem::take(&mut request.buf), request.target_end);
        Self { status, raw, head_length, decoded, origin, sent, target_end }
    }

    /// The status code, 200 to 999.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase that the server sent after the status; empty if it sent none, or none in UTF-8.
    pub fn reason(&self) -> &str {
        let line = self.raw.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let reason = line.splitn(3, |&byte| byte == b' ').nth(2).unwrap_or_default();
        str::from_utf8(reason.trim_ascii()).unwrap_or_default()
    }

    /// The value of the first header field of this name, whatever its case; `None` as well if it is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| str::from_utf8(value).ok())
    }

    /// All header fields, name and value, in their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        head::fields(&self.raw[..self.head_length])
    }

    /// The body, decoded.
    pub fn body(&self) -> &[u8] {
        self.decoded.as_deref().map_or(&self.raw[self.head_length..], Vec::as_slice)
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.body())
    }

    /// The body read as JSON; `T` must own its data.
    ///
    /// # Errors
    /// If the body is not JSON or not of the shape of `T`; the error names line and column.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.body())
    }

    /// The URL that gave this answer, the last one after redirects.
    pub fn url(&self) -> String {
        let target = str::from_utf8(&self.sent[..self.target_end]).unwrap_or_default();
        format!("{}{target}", self.origin.url())
    }
}
