//! A plain HTTP client: a connection for each request, so that nothing is hidden.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The body as it came.
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Site {
    /// The one whose address a log tells.
    pub(crate) fn announced(log: &str) -> Self {
        let url = log.split("Starting web interface at http://").nth(1).unwrap();
        Self { address: url.split([',', '/']).next().unwrap().parse().unwrap() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.call("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, kind: &str, body: &str) -> Reply {
        self.call("POST", path, &[("Content-Type", kind)], body)
    }

    /// A JSON order of `/api/v1`.
    pub(crate) fn order(&self, name: &str, body: &Value) -> Reply {
        self.post(&format!("/api/v1/{name}"), "application/json", &body.to_string())
    }

    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        Self::read(self.send(method, path, headers, body))
    }

    /// Posts a body whose length is not announced; `chunks` are as they travel.
    pub(crate) fn chunked(&self, path: &str, kind: &str, chunks: &str) -> Reply {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nTransfer-Encoding: \
             chunked\r\n\r\n",
            self.address
        );
        Self::read(self.write(&head, chunks))
    }

    fn read(mut stream: TcpStream) -> Reply {
        let mut bytes = Vec::new();
        // Who refuses a body resets the connection; what was said before counts.
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let bytes = bytes.split_off(end + 4);
        let body = String::from_utf8_lossy(&bytes).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pair = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        Reply { status, headers: lines.map(pair).collect(), body, bytes }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let lines: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let lines = lines.concat();
        let (host, length) = (self.address, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n"
        );
        self.write(&head, body)
    }

    fn write(&self, head: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        // A server that refuses a body may close before it has all of it.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        stream
    }

    /// Polls the statistics until they are as wanted.
    pub(crate) fn until(&self, wanted: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        loop {
            let stats = self.get("/stats/requests").json();
            if wanted(&stats) {
                return;
            }
            assert!(start.elapsed() < Duration::from_mins(1), "never: {stats}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn until_it_answers(&self) {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(start.elapsed() < Duration::from_mins(1), "nobody listens");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The first event of the stream in which users run: its id and data.
    pub(crate) fn tick(&self, last: Option<u64>) -> (u64, Value) {
        let last = last.map(|last| last.to_string()).unwrap_or_default();
        let headers = [("Last-Event-ID", last.as_str())];
        let headers = if last.is_empty() { &[][..] } else { &headers[..] };
        let stream = BufReader::new(self.send("GET", "/api/v1/events", headers, ""));
        let mut id = 0;
        for line in stream.lines() {
            let line = line.unwrap();
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().unwrap();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                let tick: Value = serde_json::from_str(data).unwrap();
                if tick["state"] == "running" {
                    return (id, tick);
                }
            }
        }
        panic!("the stream ended");
    }

    /// Opens an event stream.
    pub(crate) fn events(&self, headers: &[(&str, &str)]) -> Events {
        Events(BufReader::new(self.send("GET", "/api/v1/events", headers, "")).lines())
    }
}

/// An event stream.
pub(crate) struct Events(Lines<BufReader<TcpStream>>);

impl Events {
    /// The id of the next event; `None` when the stream has ended.
    pub(crate) fn next_id(&mut self) -> Option<u64> {
        let mut lines = self.0.by_ref().map(Result::unwrap);
        lines.find_map(|line| line.strip_prefix("id: ").map(|id| id.parse().unwrap()))
    }
}
