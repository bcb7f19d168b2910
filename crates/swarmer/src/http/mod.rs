//! The HTTP client of one user: connections, requests, responses, timings.
//!
//! A [`Request`] is built straight into a pooled buffer, [`Client::send`] gives an [`Exchange`] of answer and
//! [`Timings`]. What the clients of a thread have in common is in [`Shared`]; nothing here crosses threads.
//!
//! HTTP is spoken by this module itself, on tokio's sockets, because the cost of a request is what the project exists
//! for: one write, one read, no allocation, and in HTTP/1.1 no copy of the answer. How the parts fit, from the bytes up:
//!
//! | part | task |
//! |---|---|
//! | `buffer` | buffers that circulate within the thread |
//! | `encode`, `request`, `render`, `wire` | a request, from the builder to bytes, and taken apart again for HTTP/2 |
//! | `usual`, `head`, `body`, `reply` | an answer, from bytes to head and unframed body, without I/O |
//! | `decode` | content encodings |
//! | `origin`, `resolve`, `tls`, `connect` | from a URL to a connection |
//! | `conn`, `arrival` | one exchange over one connection, and when its bytes came |
//! | `protocol`, `http2` | HTTP/2, in the same forms of request and answer |
//! | `timer` | time limits |
//! | `client`, `redirect`, `cookies` | which connection, how often, where to |
//! | `tap` | where transcripts look on |
//!
//! A server is not trusted: every size has a limit, every wait a deadline, every byte a place in the grammar.

mod allow;
mod arrival;
mod body;
mod buffer;
mod client;
mod config;
mod conn;
mod connect;
mod cookies;
mod decode;
mod encode;
mod error;
mod head;
mod http2;
mod origin;
mod protocol;
mod redirect;
mod render;
mod reply;
mod request;
mod resolve;
mod response;
#[cfg(any(test, feature = "testing"))]
mod script;
mod shared;
mod tap;
mod timer;
mod timings;
mod tls;
mod usual;
mod wire;

pub use allow::AllowList;
pub use client::{Client, Exchange};
pub use config::{Config, TlsSessions};
pub use error::{Error, ErrorKind};
pub use origin::BaseUrl;
pub use protocol::Http2;
pub use request::{Method, Request};
pub use response::Response;
#[cfg(any(test, feature = "testing"))]
pub use script::{ScriptedReply, ScriptedRequest};
pub use shared::{Counters, Shared};
pub(crate) use tap::Tap;
pub use timings::{ConnectTimings, Timings};
