//! Both Dockerfiles, built for real by buildah on a Debian that debootstrap made, and run. No Docker engine is needed. What
//! is copied in are the binaries of this build, through the stage that exists for that; compiling in a container takes
//! longer than all other tests together.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{self, LOAD_TESTS, Process, eventually, free_port, signal, text};

/// Whether images can be built here. If not, that is said past the test runner, which swallows what passing tests print.
fn possible() -> bool {
    let skip = std::env::var("SWARMER_SKIP_IMAGES").is_ok_and(|value| value == "1");
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if root && !skip {
        for program in ["buildah", "debootstrap", "unshare", "nsenter"] {
            let found = Command::new("which").arg(program).output().unwrap().status.success();
            assert!(
                found,
                "{program} is missing. Run tools/install-test-tools, or set SWARMER_SKIP_IMAGES=1"
            );
        }
        return true;
    }
    let why = if skip {
        "SWARMER_SKIP_IMAGES=1"
    } else {
        "building needs root, and this is another user"
    };
    let _ = writeln!(std::io::stderr(), "NOT RUN: the images were not built: {why}");
    false
}

/// A place for images and containers that leaves nothing behind: its mounts live in a mount namespace of their own.
struct Store {
    folder: TempDir,
    namespace: Process,
    driver: &'static str,
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let namespace =
            Process::spawn(Command::new("unshare").args(["--mount", "sleep", "infinity"]));
        let mut store = Self { folder, namespace, driver: "overlay" };
        // Within a container there is often no overlay on an overlay; copies take longer and always work.
        if !store.buildah(&["info"]).status.success() {
            store.driver = "vfs";
        }
        store
    }

    fn command(&self, words: &[&str]) -> Command {
        let place = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let namespace = self.namespace.0.id().to_string();
        let mut command = Command::new("nsenter");
        let folder = format!("--wd={}", support::root().canonicalize().unwrap().display());
        command.args(["--mount", "--target", &namespace, &folder, "--", "buildah"]);
        command.args(["--root", &place("storage"), "--runroot", &place("run")]);
        command.args(["--storage-driver", self.driver]).args(words);
        command.env("BUILDAH_ISOLATION", "chroot");
        command
    }

    fn buildah(&self, words: &[&str]) -> Output {
        self.command(words).stdin(Stdio::null()).output().unwrap()
    }

    /// What a call that must work prints.
    fn done(&self, words: &[&str]) -> String {
        let output = self.buildah(words);
        let (said, complaint) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "buildah {words:?}: {said}{complaint}");
        said.trim().to_owned()
    }

    fn import_base(&self) -> String {
        let container = self.done(&["from", "scratch"]);
        self.done(&["add", "--quiet", &container, base().to_str().unwrap(), "/"]);
        self.done(&["commit", "--quiet", "--rm", &container, "localhost/base"]);
        "localhost/base".to_owned()
    }

    /// The image of the Dockerfile in `folder`, with binaries that are there already.
    fn build(&self, folder: &str, binary: &Path, base: &str) -> Image<'_> {
        let binaries = format!("binaries={}", binary.parent().unwrap().display());
        let (name, file) = (format!("localhost/{folder}"), format!("{folder}/Dockerfile"));
        let runtime = format!("RUNTIME_IMAGE={base}");
        self.done(&[
            "build",
            "--format",
            "docker",
            "--pull=never",
            "--platform",
            "linux/amd64",
            "--target",
            "prebuilt",
            "--build-context",
            &binaries,
            "--build-arg",
            &runtime,
            "--build-arg",
            "REVISION=0123abc",
            "--build-arg",
            "VERSION=9.8.7",
            "--tag",
            &name,
            "--file",
            &file,
            ".",
        ]);
        let inspected = self.done(&["inspect", "--type", "image", &name]);
        let inspected: Value = serde_json::from_str(&inspected).unwrap();
        Image { store: self, name, config: inspected["Docker"]["config"].clone() }
    }

    fn size(&self, image: &str) -> u64 {
        let images = self.done(&["images", "--json", image]);
        let images: Value = serde_json::from_str(&images).unwrap();
        // Such as `217 MB`.
        let size = images[0]["size"].as_str().unwrap();
        let (number, unit) = size.split_once(' ').unwrap();
        let unit = BTreeMap::from([("KB", 1e3), ("MB", 1e6), ("GB", 1e9)])[unit];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
        let bytes = (number.parse::<f64>().unwrap() * unit) as u64;
        bytes
    }
}

/// A minimal Debian of this machine's release, made once and kept beside what cargo builds.
fn base() -> PathBuf {
    let release = fs::read_to_string("/etc/os-release").unwrap();
    let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(format!("base-{suite}"));
    if !folder.join("ready").exists() {
        let _ = fs::remove_dir_all(&folder);
        let output = Command::new("debootstrap")
            .args(["--variant=minbase", suite, folder.join("root").to_str().unwrap()])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "debootstrap: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        fs::write(folder.join("ready"), "").unwrap();
    }
    folder.join("root")
}

struct Image<'a> {
    store: &'a Store,
    name: String,
    config: Value,
}

impl Image<'_> {
    fn words(&self, field: &str) -> Vec<String> {
        let words =
            self.config[field].as_array().unwrap_or_else(|| panic!("no {field}: {}", self.config));
        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    }

    /// What every image of ours has.
    fn check(&self, program: &str, health: &[&str]) {
        let config = &self.config;
        assert_eq!(config["User"], "10001:10001", "{}", self.name);
        // Words, not a line for a shell: the program itself is process 1 and gets the signals.
        assert_eq!(self.words("Entrypoint"), [program]);
        assert_eq!(config["StopSignal"], "SIGTERM");
        let test: Vec<&str> = config["Healthcheck"]["Test"]
            .as_array()
            .unwrap()
            .iter()
            .map(|w| w.as_str().unwrap())
            .collect();
        assert_eq!(test, [&["CMD"], health].concat());
        let labels = &config["Labels"];
        assert_eq!(labels["org.opencontainers.image.title"], program);
        assert_eq!(labels["org.opencontainers.image.revision"], "0123abc");
        assert_eq!(labels["org.opencontainers.image.version"], "9.8.7");
        assert_eq!(labels["org.opencontainers.image.licenses"], "MIT OR Apache-2.0");
    }

    fn container(&self) -> String {
        self.store.done(&["from", "--pull=never", &self.name])
    }

    /// A command in a container, with these variables.
    fn run(&self, container: &str, variables: &[(&str, &str)], words: &[&str]) -> Command {
        let variables: Vec<String> =
            variables.iter().map(|(name, value)| format!("--env={name}={value}")).collect();
        let mut line = vec!["run"];
        line.extend(variables.iter().map(String::as_str));
        line.extend([container, "--"]);
        line.extend(words);
        self.store.command(&line)
    }

    fn said(&self, container: &str, words: &[&str]) -> String {
        let output = self.run(container, &[], words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }
}

/// The process of this name below another one.
fn below(ancestor: u32, name: &str) -> Option<u32> {
    let processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let stats: BTreeMap<u32, (String, u32)> = processes
        .filter_map(|id: u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let (head, rest) = stat.rsplit_once(')')?;
            let parent = rest.split_whitespace().nth(1)?.parse().ok()?;
            Some((id, (head.split_once('(')?.1.to_owned(), parent)))
        })
        .collect();
    let is_below = |mut id: u32| {
        while let Some((_, parent)) = stats.get(&id) {
            if *parent == ancestor {
                return true;
            }
            id = *parent;
        }
        false
    };
    stats.iter().find(|(id, (known, _))| known == name && is_below(**id)).map(|(id, _)| *id)
}

#[test]
fn both_images_are_built_and_agents_of_one_work_in_the_other() {
    if !possible() {
        return;
    }
    let store = Store::new();
    let base = store.import_base();
    let dynaclaimz_binary = support::dynaclaimz();
    let services = store.build("services", &dynaclaimz_binary, &base);
    services.check("dynaclaimz", &["dynaclaimz", "health"]);
    let load_tests = store.build("load-tests", Path::new(LOAD_TESTS), &base);
    load_tests.check("load-tests", &["load-tests", "--health-check"]);
    assert!(load_tests.config["ExposedPorts"]["8089/tcp"].is_object());

    // Nothing is in an image but its base, its binary and a few hundred kilobytes of documents.
    for (image, binary) in [(&services, &*dynaclaimz_binary), (&load_tests, Path::new(LOAD_TESTS))]
    {
        let allowed = store.size(&base) + fs::metadata(binary).unwrap().len() + 3_000_000;
        let size = store.size(&image.name);
        assert!(size <= allowed, "{} has {size} bytes, more than {allowed}", image.name);
    }

    let system = services.container();
    assert_eq!(services.said(&system, &["id", "-u"]), "10001");
    assert_eq!(services.said(&system, &["id", "-g"]), "10001");
    // What scanners read.
    let lists = ["/var/lib/dpkg/status", "/usr/share/doc/dynaclaimz/Cargo.lock"];
    for list in lists {
        assert!(!services.said(&system, &["head", "-c", "100", list]).is_empty(), "{list}");
    }

    // Its own entry point and its own words, on free ports of this machine: there is no network of its own here.
    let names = ["PORT", "USER_PORT", "QUOTES_PORT", "POLICY_PORT", "CLAIMS_PORT"];
    let ports: Vec<String> = names.iter().map(|_| free_port().to_string()).collect();
    let mut variables: Vec<(&str, &str)> =
        names.into_iter().zip(ports.iter().map(String::as_str)).collect();
    variables.push(("BIND_ADDRESS", "127.0.0.1"));
    let line = [services.words("Entrypoint"), services.words("Cmd")].concat();
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    assert_eq!(line, ["dynaclaimz", "all", "--demo"]);
    let log = store.folder.path().join("services.log");
    let file = fs::File::create(&log).unwrap();
    let mut command = services.run(&system, &variables, &line);
    let mut running = Process::spawn(command.stdout(file.try_clone().unwrap()).stderr(file));
    let healthy = || {
        let mut check = services.run(&system, &variables, &["dynaclaimz", "health", "--ready"]);
        check.output().unwrap().status.success()
    };
    assert!(eventually(Duration::from_mins(1), healthy), "{}", fs::read_to_string(&log).unwrap());

    let agents = load_tests.container();
    let host = format!("http://127.0.0.1:{}", ports[0]);
    let words = [
        "load-tests",
        "--headless",
        "-u",
        "5",
        "-r",
        "5",
        "-t",
        "4s",
        "--time-scale",
        "0.05",
        "--csv",
        "run",
    ];
    let output = load_tests.run(&agents, &[("LOCUST_HOST", &host)], &words).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // Files named without a folder went where the user may write.
    let stats = load_tests.said(&agents, &["cat", "/tmp/run_stats.csv"]);
    assert!(stats.contains("POST,Login") && stats.contains("Aggregated"), "{stats}");

    let inside = below(running.0.id(), "dynaclaimz").expect("the program runs");
    signal(inside, "TERM");
    let code = running.ended(Duration::from_secs(20));
    assert_eq!(code, Some(0), "{}", fs::read_to_string(&log).unwrap());
}

/// As process 1 a program gets no signal that it does not handle: it must end cleanly on SIGTERM there, too, and its health
/// check must find out what it was started with.
#[test]
fn the_workload_is_a_good_process_1() {
    if !possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", LOAD_TESTS]);
    command.args([
        "--demo",
        "--headless",
        "-u",
        "5",
        "-r",
        "5",
        "--time-scale",
        "0.05",
        "--only-summary",
    ]);
    command.args(["--stop-timeout", "10", "--csv", "run"]).current_dir(folder.path());
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let mut running = Process::spawn(command.stdout(log.try_clone().unwrap()).stderr(log));
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(
        eventually(Duration::from_mins(1), || log().contains("All users spawned")),
        "{}",
        log()
    );
    let inside = below(running.0.id(), "load-tests").expect("the program runs");

    let check = Command::new("nsenter")
        .args([
            "--pid",
            "--mount",
            "--target",
            &inside.to_string(),
            "--",
            LOAD_TESTS,
            "--health-check",
        ])
        .output()
        .unwrap();
    // Without the words of process 1 it would look for a page.
    assert_eq!(text(&check.stdout), "well: a headless run, and its process is there\n");
    assert!(check.status.success());

    signal(inside, "TERM");
    assert_eq!(running.ended(Duration::from_secs(30)), Some(0), "{}", log());
    let stats = fs::read_to_string(folder.path().join("run_stats.csv")).unwrap();
    let requests = stats.lines().last().unwrap().split(',').nth(2).unwrap();
    assert!(log().contains(&format!("statistics hold {requests}, ")), "{}\n{stats}", log());
    assert!(log().contains("0 were cut off at the end"), "{}", log());
}
