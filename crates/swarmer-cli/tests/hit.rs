//! `swarmer hit` against a real server.

mod support;

use support::{Server, output};

#[test]
fn sends_what_was_asked_for_and_counts_it() {
    let server = Server::start();
    let url = format!("{}/orders?kind=a,b", server.url);
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("out").to_str().unwrap().to_owned();
    let output = output(&[
        "hit",
        &url,
        "-X",
        "PUT",
        "-H",
        "X-Kind: a, b",
        "-H",
        "Accept: text/plain",
        "-d",
        "{\"sku\": 7}",
        "-u",
        "2",
        "-t",
        "2",
        "--json",
        "--csv",
        &prefix,
    ]);

    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let seen = server.seen();
    let first = &seen[0];
    assert_eq!(first.line, "PUT /orders?kind=a,b HTTP/1.1");
    let has = |line: &str| first.headers.iter().any(|header| header.eq_ignore_ascii_case(line));
    for line in ["X-Kind: a, b", "Accept: text/plain", "Content-Type: application/json"] {
        assert!(has(line), "{line} in {:?}", first.headers);
    }
    assert_eq!(first.body, b"{\"sku\": 7}");

    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let counted = figures[0]["num_requests"].as_u64().unwrap();
    let served = seen.len() as u64;
    assert!(counted > 10 && served - counted <= 2, "counted {counted}, served {served}");
    assert_eq!(figures[0]["name"], "/orders?kind=a,b");

    let csv = std::fs::read_to_string(format!("{prefix}_stats.csv")).unwrap();
    assert!(csv.contains(&format!("PUT,\"/orders?kind=a,b\",{counted},0,")), "{csv}");
}

#[test]
fn off_a_terminal_only_plain_text_is_written() {
    let server = Server::start();
    let output = output(&["hit", &format!("{}/", server.url), "-u", "1", "-t", "1"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.stdout.is_empty());
    assert!(stderr.starts_with("Type     Name"), "{stderr}");
    assert!(!stderr.contains('\u{1b}') && !stderr.contains('\r'), "{stderr:?}");
}

#[test]
fn failures_and_a_server_that_is_not_there_give_code_1() {
    let server = Server::start();
    let bad = output(&["hit", &format!("{}/bad", server.url), "-u", "1", "-t", "1"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("500 Server Error: Broken"));

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = output(&["hit", &format!("http://{nobody}/"), "-t", "1"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("nobody answers at"));
}

#[test]
fn a_body_from_a_file_makes_it_a_post() {
    let server = Server::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"two\nlines").unwrap();
    let url = format!("{}/", server.url);
    let body = file.path().to_str().unwrap();
    let output = output(&["hit", &url, "--body-file", body, "-u", "1", "-t", "1"]);
    assert_eq!(output.status.code(), Some(0));
    let first = &server.seen()[0];
    assert_eq!((first.line.as_str(), &first.body[..]), ("POST / HTTP/1.1", &b"two\nlines"[..]));
}

#[test]
fn a_number_of_requests_is_kept_exactly() {
    let server = Server::start();
    let url = format!("{}/", server.url);
    let output = output(&["hit", &url, "-n", "57", "-u", "4", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures[0]["num_requests"], 57);
    assert_eq!(server.seen().len(), 57);
}

#[test]
fn a_rate_is_kept_whatever_the_number_of_users() {
    let server = Server::start();
    let url = format!("{}/", server.url);
    let output = output(&["hit", &url, "--rate", "50/s", "-t", "2"]);
    assert_eq!(output.status.code(), Some(0));
    let served = server.seen().len();
    assert!((50..=100).contains(&served), "{served} requests in 2 s at 50/s");
    assert!(String::from_utf8_lossy(&output.stderr).contains("from the moment due"));
}
