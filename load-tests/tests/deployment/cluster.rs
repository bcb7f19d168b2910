//! Master and workers as processes, with the pods' own words, variables and signals: a worker that is told to go drains
//! within its grace period, and nothing that it did is lost.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::kubernetes::{self, Manifests};
use crate::support::{self, LOAD_TESTS, Process, eventually, free_port, text};

/// DynaClaimz on free ports of this machine, with data of its own.
struct Target {
    port: u16,
    _running: Process,
}

impl Target {
    fn start(folder: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new(support::dynaclaimz());
        command.args(["all", "--demo"]).env_clear().env("PORT", port.to_string());
        command.env("DATA_DIR", folder.join("data")).env("RUST_LOG", "warn");
        for name in ["USER_PORT", "QUOTES_PORT", "POLICY_PORT", "CLAIMS_PORT"] {
            command.env(name, free_port().to_string());
        }
        let target = Self { port, _running: Process::spawn(&mut command) };
        let ready = || {
            let mut check = Command::new(support::dynaclaimz());
            let check = check.args(["health", "--ready"]).env("PORT", port.to_string());
            check.output().unwrap().status.success()
        };
        assert!(eventually(Duration::from_mins(1), ready), "DynaClaimz does not start");
        target
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests that its gateway answered, without the two lists that set-up reads.
    fn requests(&self) -> u64 {
        let output = Command::new("curl").args(["-s", &format!("{}/metrics", self.url())]).output();
        let metrics = text(&output.unwrap().stdout);
        let counts = metrics.lines().filter(|line| {
            line.starts_with("http_server_request_duration_seconds_count{service=\"api-gateway\"")
                && ["organizations", "users"]
                    .iter()
                    .all(|list| !line.contains(&format!("method=\"GET\",route=\"/api/v1/{list}\"")))
                && line.contains("route=\"/api/v1/")
        });
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }
}

/// A process as the pod of this deployment is, the cluster's addresses replaced by this machine's.
fn pod(
    manifests: &Manifests,
    deployment: &str,
    target: &Target,
    port: u16,
    folder: &Path,
) -> Command {
    let workload = manifests.workload(deployment);
    let container = &kubernetes::pod(workload)["containers"][0];
    let mut settings = manifests.environment("load-testing", container);
    settings.insert("LOCUST_HOST".to_owned(), target.url());
    settings.insert("SWARMER_TIME_SCALE".to_owned(), "0.1".to_owned());
    if let Some(journal) = settings.get_mut("SWARMER_JOURNAL") {
        *journal = folder.join("journal").display().to_string();
    }
    let here = port.to_string();
    let mut command = Command::new(LOAD_TESTS);
    command.env_clear().envs(settings).current_dir(folder);
    command.args(kubernetes::arguments(container).into_iter().map(|word| match word {
        "locust-master" => "127.0.0.1",
        "5557" => &here,
        other => other,
    }));
    command
}

fn logged(command: &mut Command, file: &Path) -> Process {
    let log = fs::File::create(file).unwrap();
    Process::spawn(command.stdout(log.try_clone().unwrap()).stderr(log))
}

#[test]
fn workers_drain_on_sigterm_within_their_grace_period_and_lose_nothing() {
    let Some(manifests) = kubernetes::manifests("demo") else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let log = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let target = Target::start(folder);
    let port = free_port();

    let mut master = pod(&manifests, "locust-master", &target, port, folder);
    master.args(["--master-bind-port", &port.to_string(), "--headless", "--expect-workers", "2"]);
    master.args(["-u", "30", "-r", "30", "-t", "15s", "--csv", "run", "--only-summary"]);
    let mut master = logged(&mut master, &folder.join("master"));
    let mut workers: Vec<Process> = (0..2)
        .map(|number| {
            let mut worker = pod(&manifests, "locust-worker", &target, port, folder);
            logged(&mut worker, &folder.join(format!("worker{number}")))
        })
        .collect();

    // The pods' readiness probe.
    let ready = || {
        let mut check = pod(&manifests, "locust-worker", &target, port, folder);
        check.arg("--health-check").output().unwrap().status.success()
    };
    assert!(eventually(Duration::from_secs(30), ready), "{}{}", log("master"), log("worker0"));
    let at_work = || target.requests() > 100;
    assert!(eventually(Duration::from_secs(30), at_work), "{}{}", log("master"), log("worker0"));

    // What the kubelet does to a pod that must go.
    let grace =
        &kubernetes::pod(manifests.workload("locust-worker"))["terminationGracePeriodSeconds"];
    let grace = Duration::from_secs(grace.as_u64().unwrap());
    workers[0].signal("TERM");
    let code = workers[0].ended(grace);
    assert_eq!(code, Some(0), "the worker: {}\nthe master: {}", log("worker0"), log("master"));

    let code = master.ended(Duration::from_mins(2));
    assert_eq!(code, Some(0), "{}", log("master"));
    assert_eq!(workers[1].ended(grace), Some(0), "{}", log("worker1"));
    let stats = fs::read_to_string(folder.join("run_stats.csv")).unwrap();
    let total: Vec<&str> = stats.lines().last().unwrap().split(',').collect();
    assert_eq!((total[1], total[3]), ("Aggregated", "0"), "{stats}");
    // Every request that the target answered is in the figures, those of the worker that left, too.
    assert_eq!(
        total[2],
        target.requests().to_string(),
        "{}\n{}\n{stats}",
        log("master"),
        log("worker0")
    );
}
