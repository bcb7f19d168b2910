//! `compose.yaml`: valid, complete, and alive: the same topology as plain processes with the same environment values, each
//! started when what it depends on is as compose wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::postgres::Cluster;
use crate::support::{self, LOAD_TESTS, Process, eventually, free_port, text};

pub(crate) type Settings = BTreeMap<String, String>;

/// The file as compose reads it with these variables set.
pub(crate) fn read(variables: &[(&str, &str)]) -> Value {
    let file = std::fs::read_to_string(support::root().join("compose.yaml")).unwrap();
    let mut documents = support::python("read_yaml.py", &file, &[]);
    interpolate(&mut documents[0], &|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    });
    documents[0].take()
}

fn interpolate(value: &mut Value, variable: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => *text = filled(text, variable),
        Value::Array(values) => values.iter_mut().for_each(|value| interpolate(value, variable)),
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| interpolate(value, variable));
        }
        _ => {}
    }
}

/// `${NAME}`, `${NAME:-else}` and `${NAME:+then}`, also within each other.
fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> String {
    let Some(start) = text.find("${") else { return text.to_owned() };
    let mut depth = 0;
    let end = text[start..]
        .char_indices()
        .find(|(_, letter)| {
            depth += match letter {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0 && *letter == '}'
        })
        .unwrap_or_else(|| panic!("no end of ${{ in {text}"));
    let end = start + end.0;
    let inner = &text[start + 2..end];
    let (name, rest) = inner.split_at(inner.find(':').unwrap_or(inner.len()));
    let value = variable(name).filter(|value| !value.is_empty());
    let value = match (rest.get(..2), value) {
        (Some(":-"), None) | (Some(":+"), Some(_)) => filled(&rest[2..], variable),
        (Some(":+"), None) => String::new(),
        (_, value) => value.unwrap_or_default(),
    };
    format!("{}{value}{}", &text[..start], filled(&text[end + 1..], variable))
}

pub(crate) fn services(file: &Value) -> BTreeMap<&str, &Value> {
    file["services"].as_object().unwrap().iter().map(|(name, of)| (&**name, of)).collect()
}

pub(crate) fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map(|words| words.iter().map(|word| word.as_str().unwrap()).collect())
        .unwrap_or_default()
}

pub(crate) fn environment(service: &Value) -> Settings {
    let Some(fields) = service["environment"].as_object() else { return Settings::new() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // One without a value is handed on from the shell, which has none in these tests.
    let given = fields.iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.clone(), text(value))).collect()
}

/// What it waits for, and until when.
fn dependencies(service: &Value) -> BTreeMap<&str, &str> {
    let Some(fields) = service["depends_on"].as_object() else { return BTreeMap::new() };
    fields.iter().map(|(name, of)| (&**name, of["condition"].as_str().unwrap())).collect()
}

#[test]
fn it_is_valid_by_the_schema_of_the_specification() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/deployment/support/compose-spec.json");
    let file = std::fs::read_to_string(support::root().join("compose.yaml")).unwrap();
    let valid = support::python_output("check_compose.py", &file, &[schema]);
    assert!(valid.status.success(), "{}", text(&valid.stderr));
    // The check finds mistakes at all.
    for (right, wrong) in
        [("restart:", "restrat:"), ("condition: service_healthy", "condition: healthy")]
    {
        let broken =
            support::python_output("check_compose.py", &file.replacen(right, wrong, 1), &[schema]);
        assert_eq!(broken.status.code(), Some(1), "{wrong} goes unnoticed");
    }
}

#[test]
fn variables_are_filled_in_as_compose_does() {
    let variable = |name: &str| match name {
        "SET" => Some("s".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    for (text, expected) in [
        ("a${SET}b${SET:-x}", "asbs"),
        ("${EMPTY:-e}${NONE:-n}${NONE}", "en"),
        ("${NONE:-${SET:+in http://x:1}}", "in http://x:1"),
        ("${NONE:+no}.${SET:+yes}", ".yes"),
    ] {
        assert_eq!(filled(text, &variable), expected, "{text}");
    }
}

#[test]
fn it_has_what_the_documents_promise() {
    let file = read(&[]);
    let services = services(&file);
    let always: Vec<_> =
        services.iter().filter(|(_, of)| of["profiles"].is_null()).map(|(name, _)| *name).collect();
    assert_eq!(
        always,
        [
            "api-gateway",
            "claims-service",
            "databases",
            "locust-master",
            "locust-worker",
            "policy-service",
            "postgres",
            "quotes-service",
            "user-service",
        ]
    );
    assert_eq!(words(&services["locust-master"]["ports"]), ["127.0.0.1:8089:8089"]);
    assert_eq!(words(&services["api-gateway"]["ports"]), ["127.0.0.1:3000:3000"]);
    // A worker can be scaled: it has neither a name nor a port of its own on this machine.
    let worker = services["locust-worker"];
    assert!(worker["container_name"].is_null() && worker["ports"].is_null());
    let everywhere = read(&[("PUBLISH_ADDRESS", "0.0.0.0")]);
    let published = everywhere["services"].as_object().unwrap().values();
    let published: Vec<_> = published.flat_map(|service| words(&service["ports"])).collect();
    assert!(published.iter().all(|port| port.starts_with("0.0.0.0:")), "{published:?}");
    assert!(everywhere["services"]["postgres"]["ports"].is_null());
}

#[test]
fn traces_go_to_the_collector_exactly_with_its_profile() {
    let endpoint = |variables: &[(&str, &str)]| {
        environment(&read(variables)["services"]["quotes-service"])["OTEL_EXPORTER_OTLP_ENDPOINT"]
            .clone()
    };
    assert_eq!(endpoint(&[]), "");
    assert_eq!(endpoint(&[("COMPOSE_PROFILES", "traces")]), "http://otel-collector:4318");
    let own =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://elsewhere:4318"), ("COMPOSE_PROFILES", "traces")];
    assert_eq!(endpoint(&own), "http://elsewhere:4318");

    let file = std::fs::read_to_string(support::root().join("deploy/otel-collector.yaml")).unwrap();
    let collector = support::python("read_yaml.py", &file, &[]);
    let collector = &collector[0];
    assert_eq!(collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"], "0.0.0.0:4318");
    // Every part that the pipeline names is there.
    for (place, kind) in ["receivers", "processors", "exporters"].iter().flat_map(|place| {
        words(&collector["service"]["pipelines"]["traces"][place])
            .into_iter()
            .map(move |kind| (place, kind))
    }) {
        assert!(collector[place][kind].is_object(), "{place}: {kind}");
    }
    let viewer = collector["exporters"]["otlp/jaeger"]["endpoint"].as_str().unwrap();
    assert!(read(&[])["services"][viewer.split(':').next().unwrap()].is_object());
}

#[test]
fn every_container_of_ours_can_do_little() {
    let file = read(&[]);
    for (name, service) in services(&file) {
        if service["build"].is_null() {
            continue;
        }
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(words(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(words(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        let dockerfile = support::root().join(service["build"]["dockerfile"].as_str().unwrap());
        assert!(dockerfile.exists(), "{name}: {}", dockerfile.display());
    }
}

/// Every variable set in the file is one that its program knows.
#[test]
fn every_setting_is_known_to_its_program() {
    let known = |program: &str, word: &str| {
        let help = Command::new(program).arg(word).output().unwrap();
        text(&help.stdout)
    };
    let options = known(LOAD_TESTS, "--help");
    let settings = known(support::dynaclaimz().to_str().unwrap(), "--help");
    let file = read(&[]);
    for (name, service) in services(&file) {
        let help = match service["build"]["dockerfile"].as_str() {
            Some("load-tests/Dockerfile") => &options,
            Some(_) => &settings,
            None => continue,
        };
        for variable in environment(service).keys() {
            let named =
                help.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
            assert!(named.clone().any(|word| word == variable), "{name}: nobody reads {variable}");
        }
    }
}

/// The containers as processes of this machine: each name and port of compose's network has one of this machine's.
struct Topology {
    file: Value,
    folder: TempDir,
    database: Cluster,
    ports: BTreeMap<(String, u16), u16>,
    running: BTreeMap<String, Process>,
    up: BTreeSet<String>,
}

impl Topology {
    fn new(database: Cluster) -> Self {
        let file = read(&[("BCRYPT_COST", "4"), ("RUST_LOG", "warn")]);
        let mut ports = BTreeMap::new();
        for (name, service) in services(&file) {
            if let Some(port) = environment(service).get("PORT") {
                ports.insert((name.to_owned(), port.parse().unwrap()), free_port());
            }
        }
        for port in [8089, 5557] {
            ports.insert(("locust-master".to_owned(), port), free_port());
        }
        let folder = tempfile::tempdir().unwrap();
        Self { file, folder, database, ports, running: BTreeMap::new(), up: BTreeSet::new() }
    }

    fn port(&self, name: &str, port: u16) -> u16 {
        self.ports[&(name.to_owned(), port)]
    }

    /// The service's environment in the file, its addresses replaced by those of this machine.
    fn environment(&self, name: &str) -> Settings {
        let mut settings = environment(&self.file["services"][name]);
        let server = self.database.url.rsplit('@').next().unwrap();
        for value in settings.values_mut() {
            // The database of a test lets everybody in as its one user.
            *value =
                value.replace("dynaclaimz:dynaclaimz@postgres:5432", &format!("postgres@{server}"));
            for ((name, port), here) in &self.ports {
                *value = value.replace(&format!("{name}:{port}"), &format!("127.0.0.1:{here}"));
            }
        }
        let mut here = |variable: &str, value: String| {
            settings.insert(variable.to_owned(), value);
        };
        if let Some(((_, port), _)) = self.ports.iter().find(|((known, _), _)| known == name) {
            if name.starts_with("locust") {
                here("LOCUST_WEB_PORT", self.port(name, 8089).to_string());
                here("LOCUST_MASTER_BIND_PORT", self.port(name, 5557).to_string());
            } else {
                here("PORT", self.port(name, *port).to_string());
            }
        }
        if name == "locust-worker" {
            here("LOCUST_MASTER_NODE_PORT", self.port("locust-master", 5557).to_string());
            here("LOCUST_MASTER_NODE_HOST", "127.0.0.1".to_owned());
        }
        if settings.contains_key("BIND_ADDRESS") {
            settings.insert("BIND_ADDRESS".to_owned(), "127.0.0.1".to_owned());
        }
        settings
    }

    fn command(&self, name: &str, words: &[&str]) -> Command {
        let program = match self.file["services"][name]["build"]["dockerfile"].as_str() {
            Some("load-tests/Dockerfile") => LOAD_TESTS.into(),
            _ => support::dynaclaimz(),
        };
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.environment(name))
            .args(words)
            .current_dir(self.folder.path());
        command
    }

    /// Starts what it needs and then itself, each as soon as what it depends on is as the file wants it.
    fn up(&mut self, name: &str) {
        // PostgreSQL comes from this machine.
        if name == "postgres" || !self.up.insert(name.to_owned()) {
            return;
        }
        let service = self.file["services"][name].clone();
        for (needed, condition) in dependencies(&service) {
            self.up(needed);
            match condition {
                _ if needed == "postgres" => {}
                "service_healthy" => self.until_healthy(needed),
                "service_completed_successfully" => {
                    let process = self.running.get_mut(needed).unwrap();
                    assert_eq!(process.ended(Duration::from_mins(1)), Some(0), "{needed}");
                }
                other => panic!("{name} waits for {needed} to be {other}"),
            }
        }
        let mut command = self.command(name, &words(&service["command"]));
        let log = std::fs::File::create(self.log_file(name)).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.running.insert(name.to_owned(), Process::spawn(&mut command));
    }

    /// An answer of the master's page to this question, as JSON.
    fn asked(&self, words: &[&str]) -> Option<Value> {
        let (path, rest) = words.split_first().unwrap();
        let url = format!("http://127.0.0.1:{}{path}", self.port("locust-master", 8089));
        let output = Command::new("curl").args(["-s", &url]).args(rest).output().unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }

    fn log_file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.log_file(name)).unwrap_or_default()
    }

    /// The service's health check, or that of its image, says that all is well.
    fn until_healthy(&self, name: &str) {
        let own = words(&self.file["services"][name]["healthcheck"]["test"]);
        let check = if own.is_empty() { vec!["CMD", "load-tests", "--health-check"] } else { own };
        assert_eq!(check[0], "CMD", "{name}");
        let healthy = || {
            let mut command = self.command(name, &check[2..]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
        };
        assert!(
            eventually(Duration::from_mins(1), healthy),
            "{name} is not healthy: {}",
            self.log(name)
        );
    }
}

#[test]
fn the_services_come_up_as_processes_and_agents_work_in_them() {
    let Some(database) = Cluster::start() else { return };
    let mut topology = Topology::new(database);
    topology.up("api-gateway");
    topology.until_healthy("api-gateway");
    // The workers' own environment, but alone: what is found wrong here is not the cluster's doing.
    let mut settings = topology.environment("locust-worker");
    settings.retain(|name, _| !name.contains("MASTER") && !name.contains("MODE"));
    let output = Command::new(LOAD_TESTS)
        .env_clear()
        .envs(settings)
        .args(["--headless", "-u", "20", "-r", "20", "-t", "8s", "--time-scale", "0.03"])
        .args(["--only-summary", "--csv", "run"])
        .current_dir(topology.folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stats = std::fs::read_to_string(topology.folder.path().join("run_stats.csv")).unwrap();
    for step in ["2. Convert to Policy", "2. File Claim", "POST,Login"] {
        assert!(stats.contains(step), "no `{step}` in\n{stats}");
    }
    // Stopped as compose stops them, they end by themselves, well within their time.
    for (name, mut process) in std::mem::take(&mut topology.running) {
        if name == "databases" {
            continue;
        }
        process.signal("TERM");
        assert_eq!(process.ended(Duration::from_secs(14)), Some(0), "{name}");
    }
}

/// The whole of it: a master whose page is asked as a person would, and a worker that does the work.
#[test]
fn master_and_worker_come_up_and_a_run_is_started_from_the_page() {
    let Some(database) = Cluster::start() else { return };
    let mut topology = Topology::new(database);
    topology.up("locust-worker");
    let state = |topology: &Topology, path: &str| topology.asked(&[path]).unwrap_or_default();
    let has_worker = || {
        let stats = state(&topology, "/stats/requests");
        stats["workers"].as_array().is_some_and(|workers| workers.len() == 1)
    };
    let logs = || format!("{}\n{}", topology.log("locust-master"), topology.log("locust-worker"));
    assert!(eventually(Duration::from_mins(1), has_worker), "{}", logs());
    let form = ["/swarm", "-d", "user_count=10&spawn_rate=10"];
    let started = topology.asked(&form).unwrap_or_default();
    assert_eq!(started["success"], true, "{started}\n{}", logs());
    assert_eq!(started["host"], topology.environment("locust-master")["LOCUST_HOST"], "{started}");
    let at_work = || {
        let stats = state(&topology, "/stats/requests");
        let total =
            stats["stats"].as_array().and_then(|rows| rows.last().cloned()).unwrap_or_default();
        total["num_requests"].as_u64() > Some(10) && total["num_failures"] == 0
    };
    assert!(eventually(Duration::from_mins(1), at_work), "{}", logs());
    let stopped = topology.asked(&["/stop", "-X", "POST"]).unwrap_or_default();
    assert_eq!(stopped["success"], true, "{stopped}");
    let is_over = || state(&topology, "/stats/requests")["state"] == "stopped";
    assert!(eventually(Duration::from_mins(1), is_over), "{}", logs());
    // As compose ends them: who depends on another one first.
    for name in ["locust-worker", "locust-master"] {
        let mut process = topology.running.remove(name).unwrap();
        process.signal("TERM");
        assert_eq!(
            process.ended(Duration::from_secs(44)),
            Some(0),
            "{name}: {}",
            topology.log(name)
        );
    }
}
