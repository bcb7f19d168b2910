//! The example commands of the document that this workload comes from, word for word, `locust` replaced by our program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use swarmer::options::{Options, Surroundings, parse};

fn read(command: &str) -> Options {
    let words = command.split_whitespace().skip(1).filter(|word| *word != "\\");
    let options = parse(&load_tests::swarm().program(), words, &Surroundings::none());
    options.unwrap_or_else(|exit| panic!("{command}: {}", exit.stderr))
}

#[test]
fn headless_with_users_rate_and_time() {
    let options = read(
        "locust --host=http://localhost:3000 \
         --headless \
         --users 50 \
         --spawn-rate 5 \
         --run-time 5m",
    );
    assert_eq!(options.host.as_deref(), Some("http://localhost:3000"));
    assert!(options.headless);
    assert_eq!((options.users, options.spawn_rate), (Some(50), Some(5.0)));
    assert_eq!(options.run_time, Some(Duration::from_mins(5)));
    assert_eq!(options.notices, [] as [String; 0]);
}

#[test]
fn with_an_html_report() {
    let options = read(
        "locust --host=http://localhost:3000 --headless --users 100 --spawn-rate 10 --run-time 10m --html=report.html",
    );
    assert_eq!(options.html.as_deref(), Some(std::path::Path::new("report.html")));
    assert_eq!(options.run_time, Some(Duration::from_mins(10)));
}

#[test]
fn with_csv_output() {
    let options = read(
        "locust --host=http://localhost:3000 --headless --users 50 --spawn-rate 5 --run-time 5m --csv=results",
    );
    assert_eq!(options.csv.as_deref(), Some(std::path::Path::new("results")));
}

/// Without `--headless` the page waits at its port, as the document says, and nothing runs yet.
#[test]
fn without_headless_the_page_is_served() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_load-tests"))
        .args(["--host=http://localhost:3000", "--web-host=127.0.0.1", "--web-port=0"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let said = BufReader::new(program.stderr.take().expect("its stderr")).lines();
    let mut lines = said.map_while(Result::ok);
    let line = lines.find(|line| line.contains("Starting web interface at http://"));
    let line = line.expect("it says where the page is");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next());
    let mut stream = TcpStream::connect(address.expect("an address")).expect("somebody listens");
    stream
        .write_all(b"GET /stats/requests HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("it answers");
    assert!(
        reply.contains("\"state\": \"ready\"") && reply.contains("\"user_count\": 0"),
        "{reply}"
    );
    let id = program.id().to_string();
    assert!(Command::new("kill").arg(&id).status().expect("kill").success());
    assert_eq!(program.wait().expect("it ends").code(), Some(0));
}
