//! What people read at the end of a headless run.

use std::time::{Duration, Instant};

use swarmer::clock::Anchor;
use swarmer::report::{Console, Rates};
use swarmer::stats::{
    Class, Collector, Kind, Recorder, RecorderOptions, Sample, Segment, Summary, Users,
};

fn summary() -> Summary {
    let anchor = Anchor::now();
    let start = Instant::now();
    let mut recorder = Recorder::new(anchor, RecorderOptions::default());
    let mut collector = Collector::new(anchor, start);
    let samples: [(&str, &str, u64, Option<&str>); 6] = [
        ("POST", "1. Calculate Premium", 12_700, None),
        ("POST", "1. Calculate Premium", 16_900, None),
        ("GET", "Login", 179_800, Some("CatchResponseError('no token in \"body\"')")),
        ("GET", "Login", 200, Some("HTTPError('500 Server Error for url: Login')")),
        ("GET", "Login", 300, Some("HTTPError('500 Server Error for url: Login')")),
        ("GET", "\u{1b}[31mred", 90_000, None),
    ];
    for (seconds, (method, name, micros, failure)) in (1..).zip(samples) {
        recorder.record(&Sample {
            kind: Kind::Request,
            method,
            name,
            segment: Segment::NONE,
            class: Class::NONE,
            detail: None,
            response_time: Some(Duration::from_micros(micros)),
            bytes: 100,
            failure: failure.as_ref().map(|text| text as _),
            completed: start + Duration::from_secs(seconds),
        });
    }
    let detail: Vec<_> = (1..=10).map(|line| format!("  caused by {line}")).collect();
    let detail = detail.join("\n");
    recorder.exception("QuoteAgent", &"no quote to convert", &detail);
    recorder.exception("ClaimsAgent", &"panicked at claims.rs:7", &"");
    recorder.aborted();
    collector.merge(recorder.take());
    collector.note("TLS certificates were not verified (--insecure).");
    collector.note("TLS certificates were not verified (--insecure).");
    collector.summary(start + Duration::from_secs(7), Users::new())
}

fn printed(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn the_end_of_a_run() {
    let text = printed(|out| Console::new(Some(105)).end_of_run(out, &summary()));
    insta::assert_snapshot!(text, @r#"
    Type     Name                   # reqs      # fails |    Avg     Min     Max    Med |   req/s  failures/s
    --------|---------------------|-------|-------------|-------|-------|-------|-------|--------|-----------
    GET      \u{1b}[31mred               1     0(0.00%) |     90      90      90     90 |    0.17        0.00
    POST     1. Calculate Premium        2     0(0.00%) |     14      12      16     16 |    0.33        0.00
    GET      Login                       3   3(100.00%) |     60       0     179      0 |    0.50        0.50
    --------|---------------------|-------|-------------|-------|-------|-------|-------|--------|-----------
             Aggregated                  6    3(50.00%) |     49       0     179     17 |    1.00        0.50

    Response time percentiles (approximated)
    Type     Name                           50%    66%    75%    80%    90%    95%    98%    99%  99.9% 99.99%   100% # reqs
    --------|-------------------------|--------|------|------|------|------|------|------|------|------|------|------|------
    GET      \u{1b}[31mred                   90     90     90     90     90     90     90     90     90     90     90      1
    POST     1. Calculate Premium            16     16     16     16     16     16     16     16     16     16     16      2
    GET      Login                            0      0    179    179    179    179    179    179    179    179    179      3
    --------|-------------------------|--------|------|------|------|------|------|------|------|------|------|------|------
             Aggregated                      17     17     90     90    179    179    179    179    179    179    179      6

    Error report
    # occurrences      Error                                                                                               
    ------------------|--------------------------------------------------------------------------------------
    1                  GET Login: no token in "body"                                                                       
    2                  GET Login: HTTPError('500 Server Error for url: Login')                                             
    ------------------|--------------------------------------------------------------------------------------

    Exception report
    # occurrences      Exception
    ------------------|--------------------------------------------------------------------------------------
    1                  QuoteAgent: no quote to convert
                           caused by 1
                           caused by 2
                           caused by 3
                           caused by 4
                           caused by 5
                           caused by 6
                           caused by 7
                           caused by 8
                         … and 2 more lines
    1                  ClaimsAgent: panicked at claims.rs:7
    ------------------|--------------------------------------------------------------------------------------

    Notes
    ---------------------------------------------------------------------------------------------------------
    TLS certificates were not verified (--insecure).
    1 request was cut off by the end of the run and was not counted.

    With 95 % confidence: 50% 0.200 to 180 ms, 95% at least 16.9 ms, 99% at least 90.0 ms, 99.9% at least 180 ms (6 requests are too few to say more)
    "#);
}

#[test]
fn during_the_run_rates_are_current() {
    let text = printed(|out| Console::new(Some(100)).requests(out, &summary(), Rates::Current));
    insta::assert_snapshot!(text, @r#"
    Type     Name              # reqs      # fails |    Avg     Min     Max    Med |   req/s  failures/s
    --------|----------------|-------|-------------|-------|-------|-------|-------|--------|-----------
    GET      \u{1b}[31mred          1     0(0.00%) |     90      90      90     90 |    0.00        0.00
    POST     1. Calculate Premium       2     0(0.00%) |     14      12      16     16 |    0.40        0.00
    GET      Login                  3   3(100.00%) |     60       0     179      0 |    0.40        0.40
    --------|----------------|-------|-------------|-------|-------|-------|-------|--------|-----------
             Aggregated             6    3(50.00%) |     49       0     179     17 |    0.80        0.40
    "#);
}

#[test]
fn nothing_has_happened_yet() {
    let (anchor, now) = (Anchor::now(), Instant::now());
    let empty = Collector::new(anchor, now).summary(now, Users::new());
    let text = printed(|out| Console::new(Some(100)).end_of_run(out, &empty));
    insta::assert_snapshot!(text, @r#"
    Type     Name              # reqs      # fails |    Avg     Min     Max    Med |   req/s  failures/s
    --------|----------------|-------|-------------|-------|-------|-------|-------|--------|-----------
    --------|----------------|-------|-------------|-------|-------|-------|-------|--------|-----------
             Aggregated             0     0(0.00%) |      0       0       0      0 |    0.00        0.00

    Response time percentiles (approximated)
    Type     Name                      50%    66%    75%    80%    90%    95%    98%    99%  99.9% 99.99%   100% # reqs
    --------|--------------------|--------|------|------|------|------|------|------|------|------|------|------|------
    --------|--------------------|--------|------|------|------|------|------|------|------|------|------|------|------
    "#);
}

/// Widths as Locust prints them on a narrow terminal (seen at 80, 82 and 90 columns).
#[test]
fn narrow_terminals_get_locusts_widths() {
    let first = |columns| {
        let text =
            printed(|out| Console::new(Some(columns)).requests(out, &summary(), Rates::WholeRun));
        text.lines().take(2).map(|line| line[..24].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(first(80), ["Type     Name  # reqs   ", "--------||-------|------"]);
    assert_eq!(first(82), ["Type     Name  # reqs   ", "--------||-------|------"]);
    assert_eq!(first(90), ["Type     Name    # reqs ", "--------|------|-------|"]);
    let wide = |columns| {
        let table = printed(|out| Console::new(columns).requests(out, &summary(), Rates::WholeRun));
        table.lines().next().map(str::len)
    };
    assert_eq!(wide(None), Some(160));
    assert_eq!(wide(Some(500)), Some(160));
}
