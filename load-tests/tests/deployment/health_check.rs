//! `--health-check`, which containers run, against a page of a few lines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;

use crate::support::{LOAD_TESTS, free_port, text};

/// A page that answers every request with this status, and tells what it was asked.
fn page(status: &'static str) -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
            stream.write_all(answer.as_bytes()).unwrap();
            let _ = tell.send(line.trim_end().to_owned());
        }
    });
    (port, told)
}

fn ask(words: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(LOAD_TESTS)
        .env_clear()
        .envs(settings.iter().copied())
        .arg("--health-check")
        .args(words)
        .output()
        .unwrap();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
fn the_page_is_asked_where_the_options_put_it() {
    let (port, told) = page("200 OK");
    let port = port.to_string();
    assert_eq!(ask(&["--web-port", &port], &[]).0, Some(0));
    assert_eq!(told.recv().unwrap(), "GET /health HTTP/1.1");
    let settings = [("LOCUST_WEB_PORT", &*port), ("LOCUST_WEB_BASE_PATH", "/swarm")];
    assert_eq!(ask(&["--web-host", "0.0.0.0"], &settings).0, Some(0));
    assert_eq!(told.recv().unwrap(), "GET /swarm/health HTTP/1.1");
}

#[test]
fn a_page_that_is_not_well_or_not_there_is_told() {
    let (port, _told) = page("503 Service Unavailable");
    let (code, said) = ask(&["--web-port", &port.to_string()], &[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("not well: http://127.0.0.1:") && said.contains("status 503"), "{said}");
    let (code, said) = ask(&["--web-port", &free_port().to_string()], &[]);
    assert!(code == Some(1) && said.contains("not well"), "{said}");
}

#[test]
fn workers_and_headless_masters_are_known_by_their_connections() {
    let master = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = master.local_addr().unwrap().port().to_string();
    let settings = [("LOCUST_MODE_MASTER", "true"), ("LOCUST_MASTER_BIND_PORT", &*port)];
    let (code, said) = ask(&["--headless"], &settings);
    assert!(code == Some(0) && said.contains("a master listens at"), "{said}");

    let worker = ["--worker", "--master-port", &port];
    let (code, said) = ask(&worker, &[]);
    assert!(code == Some(1) && said.contains("without a connection"), "{said}");
    let connection = std::net::TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    let accepted = master.accept().unwrap();
    let (code, said) = ask(&worker, &[]);
    assert!(code == Some(0) && said.contains("connected"), "{said}");
    drop((connection, accepted, master));
    let (code, said) = ask(&["--headless"], &settings);
    assert!(code == Some(1) && said.contains("no master listens"), "{said}");

    let (code, said) = ask(&["--headless"], &[]);
    assert!(code == Some(1) && said.contains("watch its process"), "{said}");
}
