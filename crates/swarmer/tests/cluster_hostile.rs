//! Peers that mean harm, or are broken: nothing they send may crash, hang or grow the master.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use swarmer::cluster::zmtp::{self, BindOptions, ConnectOptions, Token};
use swarmer::cluster::{
    Counters, Envelope, Event, Identity, Problem, Sent, Socket, ToMaster, ToWorker, limits,
};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

#[expect(clippy::unnecessary_wraps, reason = "options take an option")]
fn token(text: &str) -> Option<Token> {
    Some(Token::new(text).unwrap())
}

fn bind(options: BindOptions) -> (Socket, SocketAddr) {
    zmtp::bind("127.0.0.1", 0, options).unwrap()
}

fn connect(address: SocketAddr, identity: &str, token: Option<Token>) -> Socket {
    let identity = Identity::new(identity).unwrap();
    zmtp::connect("127.0.0.1", address.port(), &identity, ConnectOptions { token }).unwrap()
}

/// The next message; other events are passed over.
async fn message(socket: &mut Socket) -> (String, Vec<u8>) {
    let next = async {
        loop {
            if let Event::Message { from, payload } = socket.receive().await.unwrap() {
                return (from.to_string(), payload.to_vec());
            }
        }
    };
    timeout(SOON, next).await.expect("a message in time")
}

/// A worker that came through all this is served as ever.
async fn still_serves(master: &mut Socket, address: SocketAddr) {
    let mut honest = connect(address, "host_honest", None);
    honest.send(&Identity::master(), b"hello".to_vec());
    loop {
        let (from, payload) = message(master).await;
        if from == "host_honest" {
            assert_eq!(payload, b"hello");
            break;
        }
    }
    master.send(&Identity::new("host_honest").unwrap(), b"welcome".to_vec());
    assert_eq!(message(&mut honest).await.1, b"welcome");
    honest.close(Duration::from_secs(2)).await;
}

fn greeting() -> Vec<u8> {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1];
    bytes.extend(b"NULL");
    bytes.resize(64, 0);
    bytes
}

fn ready(socket_type: &str, identity: &[u8]) -> Vec<u8> {
    let mut body = b"\x05READY\x0bSocket-Type".to_vec();
    body.extend(u32::try_from(socket_type.len()).unwrap().to_be_bytes());
    body.extend(socket_type.as_bytes());
    body.extend(b"\x08Identity");
    body.extend(u32::try_from(identity.len()).unwrap().to_be_bytes());
    body.extend(identity);
    let mut frame = vec![6];
    frame.extend((body.len() as u64).to_be_bytes());
    frame.extend(body);
    frame
}

/// A plain connection that has said this so far.
fn said(address: SocketAddr, parts: &[&[u8]]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // The other side may hang up in the middle.
    let _ = stream.write_all(&parts.concat());
    stream
}

/// Whether the other side hangs up, before or after it has said something.
fn is_hung_up_on(mut stream: TcpStream) -> bool {
    let mut rest = [0; 4096];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(e) => return e.kind() == ErrorKind::ConnectionReset,
        }
    }
}

fn counters(socket: &Socket) -> Counters {
    socket.transport().counters()
}

/// Bytes of memory that this process uses.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn what_is_no_worker_is_hung_up_on() {
    let (mut master, address) = bind(BindOptions::default());
    let hello = greeting();
    let worker = ready("DEALER", b"host_x");
    let introduced = [&hello[..], &worker].concat();
    let old = [&hello[..10], &[1][..]].concat();
    let mut curve = hello.clone();
    curve[12..17].copy_from_slice(b"CURVE");
    let long = b"host_".repeat(60);
    let claim = [&[2][..], &(100_u64 << 20).to_be_bytes()].concat();
    let endless = [&[2][..], &u64::MAX.to_be_bytes()].concat();
    for (what, parts) in [
        ("HTTP", vec![&b"GET / HTTP/1.1\r\n\r\n"[..]]),
        ("half a signature", vec![b"\xff\0\0\0\0\0\0\0\x01\x7e"]),
        ("ZMTP 2", vec![&old]),
        ("an unknown mechanism", vec![&curve]),
        ("a PUB socket", vec![&hello, &ready("PUB", b"host_x")]),
        ("no identity", vec![&hello, &ready("DEALER", b"")]),
        ("a long identity", vec![&hello, &ready("DEALER", &long)]),
        ("an identity of other bytes", vec![&hello, &ready("DEALER", b"\xff\xfe")]),
        ("a forged log line", vec![&hello, &ready("DEALER", b"host\n[2026] INFO")]),
        ("a message too early", vec![&hello, b"\0\x01x"]),
        ("a READY that ends early", vec![&hello, b"\x04\x08\x05READY\x0bS"]),
        ("a large command", vec![&hello, b"\x06\0\0\0\0\0\x10\0\0"]),
        ("another command", vec![&hello, b"\x04\x06\x05HELLO"]),
        ("unknown flags", vec![&introduced, b"\x88\x01x"]),
        ("100 MB", vec![&introduced, &claim]),
        ("more than there is", vec![&introduced, &endless]),
        ("a long command", vec![&introduced, b"\x06\0\0\0\0\x7f\xff\xff\xff"]),
        ("an empty command", vec![&introduced, b"\x04\0"]),
        ("an error", vec![&introduced, b"\x04\x0a\x05ERROR\x03bad"]),
    ] {
        assert!(is_hung_up_on(said(address, &parts)), "{what}");
    }
    assert!(counters(&master).refused >= 19, "{:?}", counters(&master));
    still_serves(&mut master, address).await;
}

#[tokio::test]
async fn a_thousand_silent_peers_keep_nobody_out() {
    let (mut master, address) = bind(BindOptions::default());
    let hello = greeting();
    let before = resident();
    let silent: Vec<TcpStream> = (0..1_000)
        .map(|number| match number % 3 {
            0 => said(address, &[]),
            1 => said(address, &[&hello[..20]]),
            _ => said(address, &[&hello]),
        })
        .collect();
    still_serves(&mut master, address).await;
    // Most had to make room for others, which is counted; none lives longer than an introduction may take.
    let pushed_out = u64::try_from(silent.len() - limits::STRANGERS).unwrap();
    assert!(counters(&master).refused >= pushed_out, "{:?}", counters(&master));
    assert!(resident() < before + (64 << 20));
    let begun = Instant::now();
    assert!(is_hung_up_on(silent.into_iter().next_back().unwrap()));
    assert!(begun.elapsed() < SOON);
}

#[tokio::test]
async fn parts_that_never_become_a_message_cost_little_and_block_nobody() {
    let (mut master, address) = bind(BindOptions::default());
    let hello = greeting();
    let head = [&[2][..], &(limits::FRAME as u64).to_be_bytes()].concat();
    let before = resident();
    let part = vec![0; 512 << 10];
    let dripping: Vec<TcpStream> = (0..40)
        .map(|number| {
            let identity = format!("host_drip{number}");
            said(address, &[&hello, &ready("DEALER", identity.as_bytes()), &head, &part])
        })
        .collect();
    still_serves(&mut master, address).await;
    let grown = resident().saturating_sub(before);
    assert!(grown < limits::INCOMING_BYTES, "{grown} bytes");
    drop(dripping);
    still_serves(&mut master, address).await;
}

#[tokio::test]
async fn a_worker_that_does_not_read_fills_only_its_own_queue() {
    let (mut master, address) = bind(BindOptions::default());
    let stream = said(address, &[&greeting(), &ready("DEALER", b"host_deaf")]);
    let deaf = Identity::new("host_deaf").unwrap();
    while !matches!(timeout(SOON, master.receive()).await.unwrap(), Some(Event::Connected(_))) {}
    let outcomes: Vec<Sent> = (0..300).map(|_| master.send(&deaf, vec![7; 1 << 20])).collect();
    assert_eq!(outcomes[0], Sent::Queued);
    assert_eq!(outcomes.last(), Some(&Sent::Full));
    assert_eq!(master.send(&deaf, vec![0; limits::FRAME + 1]), Sent::TooLarge);
    let full = outcomes.iter().filter(|sent| **sent == Sent::Full).count() as u64;
    assert_eq!(counters(&master).dropped, full + 1);
    // A flood of PINGs, whose answers it does not read either.
    let mut stream = stream;
    let pings = b"\x04\x07\x04PING\0\0".repeat(20_000);
    stream.write_all(&pings).unwrap();
    still_serves(&mut master, address).await;
    // It ends with its connection, and what it never read is counted.
    drop(stream);
    while !matches!(timeout(SOON, master.receive()).await.unwrap(), Some(Event::Disconnected(who)) if who == deaf)
    {
    }
    assert!(counters(&master).lost > 0);
}

#[tokio::test]
async fn a_token_keeps_strangers_out_and_its_holders_together() {
    let secret = || token("correct horse battery staple");
    let (mut master, address) = bind(BindOptions { token: secret() });
    let mut friend = connect(address, "host_friend", secret());
    let long = vec![3; 1_000_000];
    friend.send(&Identity::master(), b"hello".to_vec());
    friend.send(&Identity::master(), long.clone());
    assert_eq!(message(&mut master).await, ("host_friend".to_owned(), b"hello".to_vec()));
    assert_eq!(message(&mut master).await.1, long);
    master.send(&Identity::new("host_friend").unwrap(), long.clone());
    assert_eq!(message(&mut friend).await.1, long);

    let refused = counters(&master).refused;
    let strangers = [
        connect(address, "host_plain", None),
        connect(address, "host_wrong", token("another secret, as long as that")),
    ];
    for stranger in &strangers {
        stranger.send(&Identity::master(), b"let me in".to_vec());
    }
    assert!(is_hung_up_on(said(address, &[&greeting(), &ready("DEALER", b"host_plain")])));
    let quiet = timeout(Duration::from_secs(1), master.receive()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert!(counters(&master).refused >= refused + 3);
    assert_eq!(strangers.each_ref().map(|stranger| counters(stranger).connections), [0, 0]);

    // The other way round: a master without the token learns nothing.
    let (mut fake, address) = bind(BindOptions::default());
    let worker = connect(address, "host_friend", secret());
    worker.send(&Identity::master(), b"figures".to_vec());
    assert!(timeout(Duration::from_secs(1), fake.receive()).await.is_err());
}

/// Who records a whole connection and plays it again gets nowhere, and neither does who changes a byte.
#[tokio::test]
async fn nothing_recorded_can_be_played_again() {
    let secret = || token("correct horse battery staple");
    let (mut master, address) = bind(BindOptions { token: secret() });
    let recorder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let between = recorder.local_addr().unwrap();
    let mut worker = connect(between, "host_friend", secret());
    let up = std::thread::spawn(move || {
        let (mut near, _) = recorder.accept().unwrap();
        let mut far = TcpStream::connect(address).unwrap();
        let (mut near_in, mut far_in) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let down = std::thread::spawn(move || std::io::copy(&mut far_in, &mut near_in));
        let mut all = Vec::new();
        let mut part = [0; 4096];
        // Ends when the worker closes.
        while let Ok(length @ 1..) = near.read(&mut part) {
            all.extend_from_slice(&part[..length]);
            far.write_all(&part[..length]).unwrap();
        }
        far.shutdown(std::net::Shutdown::Both).unwrap();
        let _ = down.join();
        all
    });
    worker.send(&Identity::master(), b"a secret figure".to_vec());
    assert_eq!(message(&mut master).await.1, b"a secret figure");
    while !matches!(worker.try_receive(), Some(Event::Connected(_))) {}
    worker.close(Duration::from_secs(2)).await;
    let recorded = up.join().unwrap();
    for secret in [&b"a secret figure"[..], b"host_friend", b"READY"] {
        assert!(!recorded.windows(secret.len()).any(|part| part == secret), "it can be read");
    }
    assert!(matches!(timeout(SOON, master.receive()).await.unwrap(), Some(Event::Disconnected(_))));
    assert!(is_hung_up_on(said(address, &[&recorded])));
    assert!(timeout(Duration::from_millis(300), master.receive()).await.is_err());
}

#[test]
fn a_token_must_not_be_short_and_is_never_shown() {
    assert!(Token::new("short").unwrap_err().to_string().contains("at least 16"));
    assert_eq!(format!("{:?}", token("correct horse battery staple").unwrap()), "Token(secret)");
}

/// Random and half-right bytes to a real listener, from a seed.
#[tokio::test]
async fn bytes_at_random_do_no_harm() {
    let (mut master, address) = bind(BindOptions::default());
    let mut random = StdRng::seed_from_u64(7);
    let before = resident();
    let end = Instant::now() + Duration::from_secs(4);
    let mut open = std::collections::VecDeque::new();
    let mut rounds = 0;
    while Instant::now() < end {
        let mut noise = vec![0; random.random_range(0..4_000)];
        random.fill_bytes(&mut noise);
        let mut bytes = greeting();
        if random.random_bool(0.8) {
            bytes.extend(ready("DEALER", format!("host_{}", rounds % 50).as_bytes()));
        }
        for _ in 0..random.random_range(0..4) {
            bytes.extend([random.random_range(0..8), random.random()]);
        }
        bytes.extend(noise);
        for _ in 0..random.random_range(0..3) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        open.push_back(said(address, &[&bytes]));
        if open.len() > 100 {
            open.pop_front();
        }
        // What is received is dropped, as a master does that cannot read it.
        while let Some(event) = master.try_receive() {
            if let Event::Message { payload, .. } = event {
                let _ = Envelope::<ToMaster>::decode(&payload);
            }
        }
        rounds += 1;
        tokio::task::yield_now().await;
    }
    drop(open);
    assert!(rounds > 50);
    still_serves(&mut master, address).await;
    assert!(resident() < before + (200 << 20));
}

fn wrapped(kind: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x93, 0xa0 | u8::try_from(kind.len()).unwrap()];
    bytes.extend(kind.as_bytes());
    bytes.extend(data);
    bytes.push(0xc0);
    bytes
}

#[test]
fn messages_that_cannot_be_are_refused_with_their_place() {
    let refused = |bytes: &[u8]| Envelope::<ToMaster>::decode(bytes).unwrap_err().to_string();
    let deep = [vec![0x91; 100_000], vec![0xc0]].concat();
    assert!(refused(&wrapped("custom", &deep)).contains("32 levels"));
    assert!(refused(&wrapped("quit", &deep)).contains("32 levels"));
    let many = [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &[0xc0; 1000]].concat();
    assert!(refused(&wrapped("custom", &many)).contains("ends in the middle"));
    let zeros = [&[0xdd][..], &3_000_000_u32.to_be_bytes(), &vec![0; 3_000_000]].concat();
    assert!(refused(&wrapped("custom", &zeros)).contains("2000000 values"));
    assert!(refused(&[0x92, 0xa1, b'x', 0xc0]).contains("a message of 2 parts"));
    assert!(refused(&[]).contains("ends in the middle"));
    assert!(refused(&[wrapped("quit", &[0xc0]), vec![0]].concat()).contains("1 bytes follow"));
    assert!(refused(&wrapped("x", &[0xa1, 0xff])).contains("not UTF-8"));
    assert!(refused(&wrapped("x", &[0xc1])).contains("reserved"));
    assert!(refused(&wrapped("heartbeat", &[0x80])).contains("state: it is missing"));
    let minus = b"\x82\xb2user_classes_count\x81\xa1A\xff\xaauser_count\x01";
    let said = refused(&wrapped("spawning_complete", minus));
    assert_eq!(said, "spawning_complete.user_classes_count.A: -1 is not possible here");
    let nan = [&b"\x82\xa5state\xa5ready\xb1current_cpu_usage\xcb"[..], &f64::NAN.to_be_bytes()];
    assert!(refused(&wrapped("heartbeat", &nan.concat())).contains("NaN is not possible"));
    let entry = |body: &[u8]| {
        let data = [b"\x82\xa5stats\x91", body, b"\xabstats_total\x80"].concat();
        refused(&wrapped("stats", &data))
    };
    let text_key = entry(b"\x82\xacnum_requests\x01\xaeresponse_times\x81\xa15\x01");
    assert_eq!(text_key, "stats.stats[0].response_times: expected a whole number, found a text");
    assert!(entry(b"\x81\xacnum_requests\xff").contains("num_requests: -1"));
    assert!(entry(b"\x81\xaeresponse_times\x81\x05\x07").contains("response_times: 7"));
    let forged = wrapped("stats", b"\x81\xa5stats\x91\x81\xa9\nERROR: x\x91\xc1");
    assert!(!refused(&forged).contains('\n'));
}

#[test]
fn what_is_unknown_is_passed_over() {
    let read = |bytes: &[u8]| Envelope::<ToMaster>::decode(bytes).unwrap().message;
    let known = read(&wrapped("heartbeat", b"\x81\xa5state\xa5ready"));
    let more = b"\x84\xa5state\xa5ready\xa3new\x93\x01\x02\x80\x07\xc0\x92\x01\x02\xc3";
    assert_eq!(read(&wrapped("heartbeat", more)), known);
    assert!(matches!(read(&wrapped("telepathy", b"\x01")), ToMaster::Custom(_)));
    // The word of the additional part may mean something else to a script.
    let word = b"\x82\xa5state\xa5ready\xa7swarmer\x01";
    assert_eq!(read(&wrapped("heartbeat", word)), known);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn decoders_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Envelope::<ToMaster>::decode(&bytes);
        let _ = Envelope::<ToWorker>::decode(&bytes);
        for kind in ["stats", "spawn", "client_ready", "logs", "locustfile", "ack", "exception"] {
            let _ = Envelope::<ToMaster>::decode(&wrapped(kind, &bytes));
            let _ = Envelope::<ToWorker>::decode(&wrapped(kind, &bytes));
        }
    }

    /// A recorded report with some bytes changed is read or refused; what is read can be written and read again.
    #[test]
    fn decoders_take_damaged_messages(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let recorded = include_str!("data/locust/frames.jsonl").lines().nth(65).unwrap();
        let frame: serde_json::Value = serde_json::from_str(recorded).unwrap();
        let hex = frame["frames_hex"][1].as_str().unwrap();
        let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let mut bytes: Vec<u8> = (0..hex.len()).step_by(2).map(digits).collect();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = Envelope::<ToMaster>::decode(&bytes) {
            let again = Envelope::<ToMaster>::decode(&read.encode()).unwrap();
            prop_assert_eq!(format!("{:?}", again), format!("{:?}", read));
        }
    }
}

#[test]
fn problems_are_values() {
    let error = Envelope::<ToMaster>::decode(&[0xc0]).unwrap_err();
    assert_eq!(error.problem, Problem::Type { expected: "a list", found: "nil" });
}
