//! Frames, the pieces that everything in HTTP/2 is sent in (RFC 9113, sections 4 and 6).

use crate::http::error::Error;

/// What a client says before anything else.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of the head of a frame.
pub(super) const HEAD: usize = 9;
/// The largest payload that every receiver takes, and the most that we take.
pub(super) const PAYLOAD: usize = 16_384;
/// The largest payload that a receiver can ask for.
pub(super) const LARGEST_PAYLOAD: usize = (1 << 24) - 1;
/// What may be sent before more is granted, unless the receiver says otherwise.
pub(super) const WINDOW: u32 = 65_535;
/// The largest window and the last number of a stream.
pub(super) const LARGEST: u32 = (1 << 31) - 1;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// Marks of frames: what they mean depends on the kind.
pub(super) mod mark {
    /// Nothing comes after it on this stream.
    pub(in super::super) const END_STREAM: u8 = 0x01;
    /// It answers one of ours.
    pub(in super::super) const ACK: u8 = 0x01;
    /// The block of fields ends with it.
    pub(in super::super) const END_HEADERS: u8 = 0x04;
    /// Bytes without a meaning follow.
    pub(in super::super) const PADDED: u8 = 0x08;
    /// It begins with a priority.
    pub(in super::super) const PRIORITY: u8 = 0x20;
}

/// Numbers of settings.
pub(super) mod setting {
    pub(in super::super) const HEADER_TABLE_SIZE: u16 = 1;
    pub(in super::super) const ENABLE_PUSH: u16 = 2;
    pub(in super::super) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(in super::super) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(in super::super) const MAX_FRAME_SIZE: u16 = 5;
    pub(in super::super) const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// Why somebody gives up (RFC 9113, section 7).
pub(super) mod reason {
    pub(in super::super) const NO_ERROR: u32 = 0;
    pub(in super::super) const PROTOCOL_ERROR: u32 = 1;
    pub(in super::super) const REFUSED_STREAM: u32 = 7;
    pub(in super::super) const CANCEL: u32 = 8;

    /// As the standard calls it.
    pub(in super::super) fn name(code: u32) -> &'static str {
        match code {
            NO_ERROR => "NO_ERROR",
            PROTOCOL_ERROR => "PROTOCOL_ERROR",
            2 => "INTERNAL_ERROR",
            3 => "FLOW_CONTROL_ERROR",
            4 => "SETTINGS_TIMEOUT",
            5 => "STREAM_CLOSED",
            6 => "FRAME_SIZE_ERROR",
            REFUSED_STREAM => "REFUSED_STREAM",
            CANCEL => "CANCEL",
            9 => "COMPRESSION_ERROR",
            10 => "CONNECT_ERROR",
            11 => "ENHANCE_YOUR_CALM",
            12 => "INADEQUATE_SECURITY",
            13 => "HTTP_1_1_REQUIRED",
            _ => "a reason that the standard does not know",
        }
    }
}

/// A frame that has come whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'b> {
    pub(super) kind: u8,
    pub(super) marks: u8,
    pub(super) stream: u32,
    pub(super) payload: &'b [u8],
}

impl<'b> Frame<'b> {
    /// The frame at the front of `bytes`, if it is whole.
    ///
    /// # Errors
    /// If it is larger than we take.
    pub(super) fn first(bytes: &'b [u8]) -> Result<Option<Self>, Error> {
        let Some((&[a, b, c, kind, marks, s0, s1, s2, s3], rest)) =
            bytes.split_first_chunk::<HEAD>()
        else {
            return Ok(None);
        };
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if length > PAYLOAD {
            return Err(Error::protocol("HTTP/2: a frame larger than agreed"));
        }
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & LARGEST;
        Ok(rest.get(..length).map(|payload| Self { kind, marks, stream, payload }))
    }

    pub(super) fn is_marked(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    /// Its bytes, with its head.
    pub(super) fn length(&self) -> usize {
        HEAD + self.payload.len()
    }

    /// The payload without padding.
    pub(super) fn content(&self) -> Result<&'b [u8], Error> {
        if !self.is_marked(mark::PADDED) {
            return Ok(self.payload);
        }
        let content = self
            .payload
            .split_first()
            .and_then(|(padding, rest)| rest.get(..rest.len().checked_sub(usize::from(*padding))?));
        content.ok_or_else(|| Error::protocol("HTTP/2: more padding than there are bytes"))
    }
}

/// Appends a frame.
pub(super) fn push(out: &mut Vec<u8>, kind: u8, marks: u8, stream: u32, payload: &[&[u8]]) {
    let start = begin(out, kind, marks, stream);
    for part in payload {
        out.extend_from_slice(part);
    }
    end(out, start);
}

/// Appends the head of a frame, of which the payload is to follow; where it begins.
pub(super) fn begin(out: &mut Vec<u8>, kind: u8, marks: u8, stream: u32) -> usize {
    let start = out.len();
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    out.extend_from_slice(&[0, 0, 0, kind, marks, s0, s1, s2, s3]);
    start
}

/// The payload of the frame that began at `start`, no larger than a frame can be, ends here.
pub(super) fn end(out: &mut [u8], start: usize) {
    let length = out.len() - start - HEAD;
    debug_assert!(length <= LARGEST_PAYLOAD, "{length}");
    #[expect(clippy::cast_possible_truncation, reason = "the largest frame has 24 bits")]
    out[start..start + 3].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_are_written() {
        let mut out = Vec::new();
        push(&mut out, DATA, mark::END_STREAM, 7, &[b"hel", b"lo"]);
        push(&mut out, PING, 0, 0, &[&[1; 8]]);
        assert_eq!(out[..14], *b"\0\0\x05\0\x01\0\0\0\x07hello");
        for end in 0..14 {
            assert!(Frame::first(&out[..end]).unwrap().is_none());
        }
        let frame = Frame::first(&out).unwrap().unwrap();
        assert_eq!((frame.kind, frame.stream, frame.payload), (DATA, 7, &b"hello"[..]));
        assert!(frame.is_marked(mark::END_STREAM) && !frame.is_marked(mark::PADDED));
        let next = Frame::first(&out[frame.length()..]).unwrap().unwrap();
        assert_eq!((next.kind, next.payload), (PING, &[1; 8][..]));
        // The first bit of a stream's number is reserved.
        let reserved = Frame::first(b"\0\0\0\0\0\xff\xff\xff\xff").unwrap().unwrap();
        assert_eq!(reserved.stream, LARGEST);
        assert!(Frame::first(b"\0\x40\x01\0\0\0\0\0\0").is_err());
    }

    #[test]
    fn padding_is_left_out() {
        let content = |payload: &[u8]| {
            let frame = Frame { kind: DATA, marks: mark::PADDED, stream: 1, payload };
            frame.content().map(<[u8]>::to_vec).ok()
        };
        assert_eq!(content(b"\x02hi\0\0"), Some(b"hi".to_vec()));
        assert_eq!(content(b"\x00"), Some(Vec::new()));
        assert_eq!([content(b""), content(b"\x01"), content(b"\x03ab")], [None, None, None]);
    }
}
