//! Metrics pushed to an OpenTelemetry collector by a whole process; the collector is a little server that decodes with
//! the official definitions.

#![expect(clippy::unwrap_used, reason = "code of tests")]

#[path = "run_support/process.rs"]
mod process;
mod run_support;
#[path = "run_support/workload.rs"]
mod workload;

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::http::HeaderMap;
use libtest_mimic::{Arguments, Trial};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use process::{AS_WORKLOAD, Workload};
use run_support::Target;

fn main() -> ExitCode {
    if std::env::var_os(AS_WORKLOAD).is_some() {
        return workload::main();
    }
    let tests: [(&str, fn()); 3] = [
        ("a_collector_gets_the_figures", a_collector_gets_the_figures),
        ("a_run_goes_on_without_its_collector", a_run_goes_on_without_its_collector),
        ("a_wrong_variable_is_told_before_the_run", a_wrong_variable_is_told_before_the_run),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

/// What came: the header of our own, and the message.
type Pushed = Arc<Mutex<Vec<(String, ExportMetricsServiceRequest)>>>;

fn collector() -> (SocketAddr, Pushed) {
    let pushed = Pushed::default();
    let (record, listener) = (Arc::clone(&pushed), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let take = |headers: HeaderMap, Json(message): Json<ExportMetricsServiceRequest>| async move {
                let key = headers["api-key"].to_str().unwrap().to_owned();
                record.lock().unwrap().push((key, message));
                Json(serde_json::json!({}))
            };
            let app = axum::Router::new().route("/v1/metrics", axum::routing::post(take));
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await.unwrap();
        });
    });
    (address, pushed)
}

/// A run of two seconds, with these variables.
fn run(target: &Target, variables: &[(&str, &str)]) -> Workload {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.envs(variables.iter().copied());
    let host = target.url();
    Workload::through(command, &format!("--host {host} --headless -u 2 -r 10 -t 2 --csv run Fast"))
}

/// The sum over all points of a metric.
fn sum(message: &ExportMetricsServiceRequest, name: &str) -> f64 {
    let metrics = &message.resource_metrics[0].scope_metrics[0].metrics;
    let metric = metrics.iter().find(|metric| metric.name == name);
    let Some(Data::Sum(sum)) = metric.and_then(|metric| metric.data.as_ref()) else { return 0.0 };
    let value = |value: &Option<Value>| match value {
        Some(Value::AsDouble(value)) => *value,
        other => panic!("a float, not {other:?}"),
    };
    sum.data_points.iter().map(|point| value(&point.value)).sum()
}

fn a_collector_gets_the_figures() {
    let (target, (address, pushed)) = (Target::start(), collector());
    let endpoint = format!("http://{address}");
    let ended = run(
        &target,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "300"),
            ("OTEL_SERVICE_NAME", "nightly"),
        ],
    )
    .run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let pushed = pushed.lock().unwrap();
    assert!(pushed.len() >= 3, "{} pushes in two seconds", pushed.len());
    assert!(pushed.iter().all(|(key, _)| key == "a b"));
    let counts: Vec<f64> = pushed.iter().map(|(_, m)| sum(m, "swarmer.requests")).collect();
    assert!(counts.is_sorted(), "{counts:?}");
    #[expect(clippy::cast_precision_loss, reason = "requests of two seconds")]
    let in_csv = ended.requests_in_csv("run") as f64;
    assert!((counts.last().unwrap() - in_csv).abs() < 0.5, "{counts:?}, {in_csv} in the CSV");
    let resource = pushed[0].1.resource_metrics[0].resource.as_ref().unwrap();
    assert!(format!("{resource:?}").contains("nightly"), "{resource:?}");
}

fn a_run_goes_on_without_its_collector() {
    let target = Target::start();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{nobody}");
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_METRIC_EXPORT_INTERVAL", "200")];
    let ended = run(&target, &variables).run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told = ended.stderr.matches("Metrics could not be pushed to").count();
    assert_eq!(told, 1, "told once, not with every attempt:\n{}", ended.stderr);
}

fn a_wrong_variable_is_told_before_the_run() {
    let target = Target::start();
    let ended = run(&target, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]).run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{}", ended.stderr);
    assert_eq!(target.requests(), 0);
}
