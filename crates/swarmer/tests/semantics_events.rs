//! Events, custom requests and metrics: SEMANTICS §5, and GAPS 18. On virtual time.
#![expect(clippy::unwrap_used, reason = "a failed test is the right answer to an error")]

mod semantics_support;

use std::time::Duration;

use semantics_support::*;
use swarmer::options::Options;
use swarmer::prelude::*;
use swarmer::report::{Console, CsvWriter};
use swarmer::stats::{MetricValue, Summary};
use swarmer::testing::{Script, ScriptedReply, run, steered};

#[test]
fn a_run_fires_its_events_in_order() {
    let diary = Diary::default();
    let note = |word: &'static str| {
        let diary = diary.clone();
        move || diary.write(word)
    };
    let (spawned, stopped) = (diary.clone(), diary.clone());
    let swarm = swarm(&diary)
        .scenario(writer().wait(constant(1.0)).task(1, "t", takes("t", 0.1)).on_stop(writes("bye")))
        .on_test_start(note("start"))
        .on_test_start(note("start too"))
        .on_spawning_complete(move |users| spawned.write(format!("spawned {users}")))
        .on_reset_stats(note("reset"))
        .on_test_stopping(note("stopping"))
        .on_test_stop(move |summary: &Summary| {
            stopped.write(format!("stopped with {}", summary.user_count()));
        });
    let options = Options { users: Some(2), spawn_rate: Some(100.0), ..Options::default() };
    steered(swarm, options, quick(), async |mut handle| {
        handle.until(|state| state == swarmer::testing::State::Running).await;
        handle.start(3, 100.0).unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        handle.reset();
    })
    .unwrap();
    let words = diary.words();
    let events: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| !["t", "/t"].contains(word)).collect();
    assert_eq!(
        events,
        [
            "start",
            "start too",
            "spawned 2",
            "spawned 3",
            "reset",
            "stopping",
            "bye",
            "bye",
            "bye",
            "stopped with 0"
        ],
        "a change of the number of users is no new start"
    );
}

#[test]
fn every_request_is_told_with_its_fields() {
    let diary = Diary::default();
    let told = diary.clone();
    let scenario =
        writer().wait(constant(60.0)).task(1, "t", async |_: &mut Writer, user: &mut User| {
            user.set_context("tenant", "acme");
            let _ = user.get("/a?x=1").name("A").context("step", "1").send().await;
            let _ = user.get("/b").context("tenant", "other").expect(201).send().await;
            user.record(CustomRequest::new("MQTT", "beat"));
            Ok(())
        });
    let swarm = swarm(&diary).scenario(scenario).on_request(move |request| {
        let context: Vec<_> = request.context.iter().map(|(k, v)| format!("{k}={v}")).collect();
        told.write(format!(
            "{} {} {:?} {}B {:?} {:?} {:?} tenant={:?} {} u{}",
            request.method,
            request.name,
            request.response_time,
            request.response_length,
            request.failure,
            request.url,
            request.response.map(swarmer::http::Response::status),
            request.context.get("tenant"),
            context.join(","),
            request.user,
        ));
        assert!(request.start_time > 1.0e9);
    });
    let script =
        Script::new(|_| ScriptedReply::new(200).body("hi").after(Duration::from_millis(10)));
    let summary = run(swarm, alone(2.0), script).unwrap();
    insta::assert_snapshot!(diary.words().join("\n"), @r#"
    GET A Some(10ms) 2B None Some("/a?x=1") Some(200) tenant=Some("acme") step=1,tenant=acme u0
    GET /b Some(10ms) 2B Some("CatchResponseError('expected status 201, got 200')") Some("/b") Some(200) tenant=Some("other") tenant=other,tenant=acme u0
    MQTT beat None 0B None None None tenant=Some("acme") tenant=acme u0
    "#);
    assert_eq!(summary.total.figures.requests, 3);
}

#[test]
fn a_user_error_is_told_once_for_each_exception_and_panic() {
    let diary = Diary::default();
    let told = diary.clone();
    let set = TaskSet::sequential("s")
        .task(1, "error", ends("e", || TaskError::message("oh")))
        .task(1, "panic", async |_: &mut Writer, _: &mut User| panic!("no luck"))
        .task(1, "end", ends("fine", TaskError::end_task));
    let swarm = swarm(&diary)
        .scenario(writer().wait(constant(1.0)).set(1, set))
        .on_user_error(move |error| told.write(format!("{}: {}", error.scenario, error.message)));
    run(swarm, alone(2.5), quick()).unwrap();
    assert_eq!(diary.words(), ["e", "Writer: oh", "Writer: panicked: no luck", "fine"]);
}

#[test]
fn a_hook_that_fails_does_not_keep_the_others_from_running() {
    let diary = Diary::default();
    let (a, b) = (diary.clone(), diary.clone());
    let swarm = swarm(&diary)
        .scenario(writer().wait(constant(1.0)).task(1, "t", writes("t")))
        .on_test_start(|| -> Result<(), String> { Err("broken".into()) })
        .on_test_start(|| -> () { panic!("worse") })
        .on_test_start(move || a.write("still here"))
        .on_test_stop(move |_: &Summary| b.write("and here"));
    run(swarm, alone(0.5), quick()).unwrap();
    assert_eq!(diary.words(), ["still here", "t", "and here"]);
}

#[test]
fn custom_requests_count_with_and_without_a_time() {
    let scenario =
        writer().wait(constant(60.0)).task(1, "t", async |_: &mut Writer, user: &mut User| {
            let time = Duration::from_millis(120);
            user.record(CustomRequest::new("MQTT", "price").response_time(time).bytes(80));
            user.record(CustomRequest::new("MQTT", "price"));
            user.record(CustomRequest::new("MQTT", "price").failure("lost"));
            Ok(())
        });
    let (_, summary) = lived(scenario, 2.0);
    let row = summary.requests().next().unwrap();
    let figures = &row.figures;
    assert_eq!((&*row.method, &*row.name), ("MQTT", "price"));
    assert_eq!((figures.requests, figures.untimed, figures.failures, figures.bytes), (3, 2, 1, 80));
    assert!((figures.max - 120.0).abs() < f64::EPSILON && (figures.median - 120.0).abs() < 0.2);
    assert_eq!(&*summary.errors[0].error, "lost");
}

#[test]
fn measure_times_a_block_and_its_error_is_the_failure_and_no_exception() {
    let scenario =
        writer().wait(constant(60.0)).task(1, "t", async |writer: &mut Writer, user: &mut User| {
            let seven = user
                .measure("TX", "good", async |user| {
                    user.get("/inner").send().await?;
                    user.think(constant(0.2)).await;
                    Ok(7)
                })
                .await?;
            assert_eq!(seven, 7);
            let ended =
                user.measure("TX", "ended", async |_| Err::<(), _>(TaskError::end_task())).await;
            assert_eq!(ended.unwrap_err().to_string(), "the task ended early");
            writer.diary.write("on");
            user.measure("TX", "bad", async |_| Ok("x".parse::<u8>()?)).await?;
            writer.diary.write("never");
            Ok(())
        });
    let (diary, summary) = lived(scenario, 2.0);
    assert_eq!(diary.text(), "on");
    assert_eq!(messages(&summary), [""; 0]);
    let rows: Vec<_> = summary
        .requests()
        .map(|row| {
            format!("{} {} {} {:.0}", row.method, row.name, row.figures.failures, row.figures.max)
        })
        .collect();
    assert_eq!(rows, ["GET /inner 0 10", "TX bad 1 0", "TX ended 0 0", "TX good 0 210"]);
    assert_eq!(&*summary.errors[0].error, "invalid digit found in string");
}

#[test]
fn a_measured_block_may_end_when_the_user_stops_and_counts_as_aborted_if_there_is_no_time() {
    for (seconds, counted, aborted) in [(3.0, 1, 0), (60.0, 0, 1)] {
        let scenario = writer().task(1, "t", async move |_: &mut Writer, user: &mut User| {
            user.measure("TX", "long", async |user| {
                user.think(constant(seconds)).await;
                Ok(())
            })
            .await
        });
        let (_, summary) = lived(scenario, 1.0);
        assert_eq!((summary.total.figures.requests, summary.aborted), (counted, aborted));
    }
}

/// Three users with metrics of every type.
fn measured() -> Summary {
    let scenario =
        writer().wait(constant(1.0)).task(1, "t", async |writer: &mut Writer, user: &mut User| {
            writer.done += 1;
            user.count("orders", 2);
            user.gauge("queue, length", f64::from(writer.done));
            user.timing("render", Duration::from_millis(u64::from(writer.done) * 10));
            Ok(())
        });
    let options = Options { users: Some(3), spawn_rate: Some(1000.0), ..alone(9.5) };
    let diary = Diary::default();
    run(swarm(&diary).scenario(scenario), options, quick()).unwrap()
}

#[test]
fn metrics_are_merged_over_users_and_shown_in_the_summary() {
    let summary = measured();
    let [orders, queue, render] = &summary.metrics[..] else { panic!("{:?}", summary.metrics) };
    let MetricValue::Counter { total, per_second } = orders.value else { panic!("{orders:?}") };
    assert_eq!(total, 60);
    assert!((5.5..7.0).contains(&per_second), "{per_second}");
    let MetricValue::Gauge { last, min, mean, max, samples, .. } = queue.value else {
        panic!("{queue:?}")
    };
    assert_eq!((last, min, mean, max, samples), (10.0, 1.0, 5.5, 10.0, 30));
    let MetricValue::Timing { samples, min, mean, median, max, .. } = render.value else {
        panic!("{render:?}")
    };
    assert_eq!((samples, min, mean, max), (30, 10.0, 55.0, 100.0));
    assert!((median - 60.0).abs() < 0.1, "{median}");
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["metrics"][0]["type"], "counter");
    assert_eq!(json["metrics"][0]["total"], 60);
}

#[test]
fn metrics_have_a_table_and_a_file_of_their_own_only_when_there_are_any() {
    let folder = tempfile::tempdir().unwrap();
    let (_, without) = lived(writer().wait(constant(1.0)).task(1, "t", writes("t")), 1.5);
    let mut with = measured();
    for metric in &mut with.metrics {
        if let MetricValue::Counter { per_second, .. } = &mut metric.value {
            *per_second = 6.25;
        }
    }
    for (name, summary, expected) in [("without", &without, false), ("with", &with, true)] {
        let prefix = folder.path().join(name);
        CsvWriter::create(&prefix, false).unwrap().finish(summary).unwrap();
        let mut text = Vec::new();
        Console::new(Some(110)).end_of_run(&mut text, summary).unwrap();
        assert_eq!(String::from_utf8(text).unwrap().contains("Metrics"), expected);
        assert_eq!(folder.path().join(format!("{name}_metrics.csv")).exists(), expected);
    }
    let mut text = Vec::new();
    Console::new(Some(110)).metrics(&mut text, &with).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @"
    Metrics (timings in ms)
    Type     Name                             Samples     Value     per s       Min      Mean       Med       95%       99%       Max
    --------|------------------------------|---------|---------|---------|---------|---------|---------|---------|---------|---------
    counter  orders                                          60      6.25                                                            
    gauge    queue, length                         30        10                   1       5.5                                      10
    timing   render                                30                            10        55    59.998    99.942       100       100
    --------|------------------------------|---------|---------|---------|---------|---------|---------|---------|---------|---------
    ");
    let file = std::fs::read_to_string(folder.path().join("with_metrics.csv")).unwrap();
    insta::assert_snapshot!(file.replace("\r\n", "\n"), @r#"
    Type,Name,Samples,Value,per s,Min,Mean,Med,95%,99%,Max
    counter,orders,,60,6.25,,,,,,
    gauge,"queue, length",30,10,,1,5.5,,,,10
    timing,render,30,,,10,55,59.998,99.942,100,100
    "#);
}
