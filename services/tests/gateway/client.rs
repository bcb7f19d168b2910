//! A client that says exactly what it is told to say.

use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the connection ended before the body did.
    pub(crate) cut: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"));
        value.to_str().unwrap()
    }

    pub(crate) fn message(&self) -> String {
        let json = self.json();
        assert_eq!(json["success"], false);
        json["message"].as_str().unwrap().to_owned()
    }
}

/// A connection to the gateway.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// More bytes; `false` at the end.
    async fn more(&mut self) -> bool {
        let read = timeout(Duration::from_secs(20), self.stream.read_buf(&mut self.read)).await;
        read.expect("the gateway says nothing for 20 s").is_ok_and(|count| count > 0)
    }

    async fn head(&mut self) -> Option<(u16, HeaderMap)> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        Some((status, headers))
    }

    /// The next answer; `None` if the connection ends before its head.
    pub(crate) async fn answer(&mut self, to_head_request: bool) -> Option<Answer> {
        let (status, headers) = self.head().await?;
        let bodiless = to_head_request || status == 204 || status == 304 || status < 200;
        let length = headers.get("content-length").map(|v| v.to_str().unwrap().parse().unwrap());
        let (body, cut) = if bodiless {
            (Vec::new(), false)
        } else if headers.contains_key("transfer-encoding") {
            self.chunks().await
        } else {
            self.exactly(length.unwrap_or(0)).await
        };
        Some(Answer { status, headers, body, cut })
    }

    async fn exactly(&mut self, length: usize) -> (Vec<u8>, bool) {
        while self.read.len() < length {
            if !self.more().await {
                return (std::mem::take(&mut self.read), true);
            }
        }
        (self.read.drain(..length).collect(), false)
    }

    async fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = self.read.windows(2).position(|two| two == b"\r\n") {
                    break at;
                }
                if !self.more().await {
                    return (body, true);
                }
            };
            let line: Vec<u8> = self.read.drain(..end + 2).collect();
            let size =
                usize::from_str_radix(std::str::from_utf8(&line[..end]).unwrap(), 16).unwrap();
            let (mut chunk, cut) = self.exactly(size + 2).await;
            if cut {
                body.append(&mut chunk);
                return (body, true);
            }
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return (body, false);
            }
        }
    }
}

/// One request on a connection of its own, as text; `HEAD` is recognised.
pub(crate) async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let request = request.as_ref();
    let mut connection = Connection::open(address).await;
    connection.write(request).await;
    connection.answer(request.starts_with(b"HEAD")).await.expect("an answer")
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, format!("GET {path} HTTP/1.1\r\nhost: api.test\r\n\r\n")).await
}

pub(crate) async fn post(address: SocketAddr, path: &str, body: &[u8]) -> Answer {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: api.test\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    ask(address, request).await
}
