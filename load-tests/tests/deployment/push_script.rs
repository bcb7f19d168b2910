//! `build-and-push.sh`, with stand-ins for aws, docker and kubectl on the PATH that write down what they are asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{self, text};

/// Writes its call, and what it is told on stdin at a sign-in, into a file; fails when `FAIL` is how its call begins.
const STAND_IN: &str = r#"#!/bin/sh
call="$(basename "$0") $*"
case $call in "docker login"*) call="$call <$(cat)>" ;; esac
echo "$call" >>"$RECORD"
case $call in "${FAIL:-nothing}"*) echo "stand-in fails" >&2; exit 1 ;; esac
case $call in
  "aws sts"*) echo "${ACCOUNT_FOUND:-111122223333}" ;;
  "aws ecr get-login-password"*) echo "the-password" ;;
esac
"#;

/// A repository with one commit, the script in its place, and a PATH with nothing but what a test wants there.
struct Scene {
    folder: TempDir,
    path: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bin");
        let repository = folder.path().join("repository");
        fs::create_dir_all(repository.join("load-tests")).unwrap();
        fs::create_dir(&path).unwrap();
        for file in ["load-tests/build-and-push.sh", "load-tests/Dockerfile", "Cargo.toml"] {
            fs::copy(support::root().join(file), repository.join(file)).unwrap();
        }
        let scene = Self { folder, path };
        for program in ["aws", "docker", "kubectl"] {
            scene.install(program, STAND_IN);
        }
        for program in
            ["bash", "sh", "env", "dirname", "basename", "cat", "git", "sed", "date", "tty"]
        {
            let found = text(&Command::new("which").arg(program).output().unwrap().stdout);
            std::os::unix::fs::symlink(found.trim(), scene.path.join(program)).unwrap();
        }
        scene.git(&["init", "--quiet"]);
        scene.git(&["add", "."]);
        scene.git(&["commit", "--quiet", "--message", "All of it"]);
        scene
    }

    fn install(&self, program: &str, content: &str) {
        let file = self.path.join(program);
        fs::write(&file, content).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn git(&self, words: &[&str]) -> String {
        let who = ["-c", "user.name=A", "-c", "user.email=a@b.co", "-c", "commit.gpgsign=false"];
        let output = Command::new("git")
            .current_dir(self.repository())
            .args(who)
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    fn commit(&self) -> String {
        self.git(&["rev-parse", "--short", "HEAD"])
    }

    /// The script called as the document calls it: in its folder.
    fn command(&self, words: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(self.path.join("bash"));
        command
            .arg("./build-and-push.sh")
            .args(words)
            .current_dir(self.repository().join("load-tests"))
            .env_clear()
            .env("PATH", &self.path)
            .env("TERM", "xterm")
            .env("RECORD", self.folder.path().join("record"))
            .envs(settings.iter().copied());
        command
    }

    fn call(&self, words: &[&str], settings: &[(&str, &str)]) -> Output {
        let _ = fs::remove_file(self.folder.path().join("record"));
        self.command(words, settings).output().unwrap()
    }

    /// What the stand-ins were asked since the last call, one line each.
    fn record(&self) -> Vec<String> {
        let record = fs::read_to_string(self.folder.path().join("record")).unwrap_or_default();
        record.lines().map(str::to_owned).collect()
    }

    /// A call that works; what was asked.
    fn done(&self, words: &[&str], settings: &[(&str, &str)]) -> Vec<String> {
        let output = self.call(words, settings);
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        self.record()
    }

    /// A call that fails with this code; its words on stderr.
    fn failed(&self, code: i32, words: &[&str], settings: &[(&str, &str)]) -> String {
        let output = self.call(words, settings);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains("error: ") && said.contains("hint: "), "{words:?}: {said}");
        said
    }
}

fn asked(record: &[String], beginning: &str) -> bool {
    record.iter().any(|call| call.starts_with(beginning))
}

#[test]
fn without_arguments_it_finds_the_account_builds_and_pushes_both_tags() {
    let scene = Scene::new();
    let image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/dynaclaimz/locust";
    let commit = scene.commit();
    let record = scene.done(&[], &[]);
    let build = record.iter().find(|call| call.starts_with("docker build ")).unwrap();
    for part in [
        "--platform linux/amd64",
        &format!("--tag {image}:latest --tag {image}:{commit}"),
        &format!("--build-arg REVISION={commit}"),
        "--build-arg VERSION=0.1.0",
        "/repository/load-tests/Dockerfile",
    ] {
        assert!(build.contains(part), "no `{part}` in {build}");
    }
    assert!(build.ends_with("/repository"), "the context is the whole workspace: {build}");
    // In this order, and nothing else.
    let rest: Vec<&str> = record
        .iter()
        .map(String::as_str)
        .filter(|call| !call.starts_with("docker build "))
        .collect();
    assert_eq!(
        rest,
        [
            "docker info",
            "aws sts get-caller-identity --query Account --output text --region us-east-1",
            "aws ecr get-login-password --region us-east-1",
            "docker login --username AWS --password-stdin 111122223333.dkr.ecr.us-east-1.amazonaws.com <the-password>",
            "aws ecr describe-repositories --region us-east-1 --registry-id 111122223333 --repository-names \
         dynaclaimz/locust --query repositories[].repositoryUri --output text",
            &format!("docker push {image}:{commit}"),
            &format!("docker push {image}:latest"),
        ]
    );
}

#[test]
fn the_documents_examples() {
    let scene = Scene::new();
    let west = scene.done(&["us-west-2"], &[]);
    assert!(west.iter().any(|call| call.contains(".dkr.ecr.us-west-2.amazonaws.com/")), "{west:?}");
    assert!(!asked(&west, "kubectl"), "nobody asked for a restart: {west:?}");

    let restart = scene.done(&["us-east-1", "--restart"], &[]);
    let last: Vec<&str> = restart.iter().rev().take(3).rev().map(String::as_str).collect();
    assert_eq!(
        last,
        [
            "kubectl rollout restart deployment -n load-testing",
            "kubectl rollout status deployment/locust-master -n load-testing --timeout=5m",
            "kubectl rollout status deployment/locust-worker -n load-testing --timeout=5m",
        ]
    );
    let place = |beginning: &str| restart.iter().position(|call| call.starts_with(beginning));
    assert!(place("kubectl get deployment") < place("docker build"), "{restart:?}");
    assert!(place("kubectl get deployment").is_some());

    let all = scene.done(&["us-east-1", "446130280781", "--restart"], &[]);
    assert!(!asked(&all, "aws sts"), "the account was given: {all:?}");
    assert!(all.iter().any(|call| call.contains("446130280781.dkr.ecr.us-east-1.amazonaws.com/")));
}

#[test]
fn region_and_platform_come_from_elsewhere_too() {
    let scene = Scene::new();
    let named = |settings: &[(&str, &str)], words: &[&str], part: &str| {
        let record = scene.done(words, settings);
        assert!(record.iter().any(|call| call.contains(part)), "no {part} in {record:?}");
    };
    let both = [("AWS_REGION", "eu-central-1"), ("AWS_DEFAULT_REGION", "eu-west-3")];
    named(&both, &[], ".ecr.eu-central-1.amazonaws.com/");
    named(&both[1..], &[], ".ecr.eu-west-3.amazonaws.com/");
    named(&both, &["us-gov-west-1"], ".ecr.us-gov-west-1.amazonaws.com/");
    named(&[], &["cn-north-1"], ".ecr.cn-north-1.amazonaws.com.cn/");
    named(&[], &["--platform", "linux/arm64"], "--platform linux/arm64");
}

#[test]
fn changes_that_are_not_committed_show_in_the_tag() {
    let scene = Scene::new();
    fs::write(scene.repository().join("Cargo.toml"), "changed").unwrap();
    let output = scene.call(&[], &[]);
    assert!(text(&output.stderr).contains("warning: there are changes that are not committed"));
    let pushed = format!("dynaclaimz/locust:{}-dirty", scene.commit());
    assert!(scene.record().iter().any(|call| call.ends_with(&pushed)), "{:?}", scene.record());
}

#[test]
fn each_failure_stops_it_and_says_what_to_do() {
    let scene = Scene::new();
    let commit = scene.commit();
    let push = format!(
        "docker push 111122223333.dkr.ecr.us-east-1.amazonaws.com/dynaclaimz/locust:{commit}"
    );
    // What fails, what is said of it, and what must not have been done.
    let failures = [
        ("docker info", "docker does not answer", "aws"),
        ("kubectl get", "kubectl does not find locust-master locust-worker", "docker build"),
        ("aws sts", "AWS does not say which account this is", "docker login"),
        ("aws ecr get-login-password", "AWS gives no password", "docker login"),
        ("docker login", "docker cannot sign in", "docker build"),
        ("aws ecr describe", "there is no repository dynaclaimz/locust", "docker build"),
        ("docker build", "the image was not built", "docker push"),
        (&push, "was not pushed", "kubectl rollout"),
        ("kubectl rollout restart", "the image is pushed", "kubectl rollout status"),
        (
            "kubectl rollout status deployment/locust-master",
            "deployment/locust-master is not up with the new image",
            "kubectl rollout status deployment/locust-worker",
        ),
    ];
    for (failure, words, undone) in failures {
        let output = scene.call(&["us-east-1", "--restart"], &[("FAIL", failure)]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{failure}: {said}");
        assert!(said.contains("error: ") && said.contains(words), "{failure}: {said}");
        assert!(asked(&scene.record(), failure), "{failure} was not reached: {:?}", scene.record());
        assert!(!asked(&scene.record(), undone), "{failure}: went on to {undone}");
    }
    let said = scene.call(&[], &[("ACCOUNT_FOUND", "None")]);
    assert!(text(&said.stderr).contains("AWS named the account `None`"), "{said:?}");
}

#[test]
fn missing_programs_are_named_before_anything_is_built() {
    for (program, words) in
        [("aws", &[][..]), ("docker", &[]), ("git", &[]), ("kubectl", &["--restart"])]
    {
        let scene = Scene::new();
        fs::remove_file(scene.path.join(program)).unwrap();
        let output = scene.call(words, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{program}: {said}");
        assert!(said.contains(program), "{said}");
        assert!(!asked(&scene.record(), "docker build"), "{:?}", scene.record());
    }
    // Without --restart nobody needs kubectl.
    let scene = Scene::new();
    fs::remove_file(scene.path.join("kubectl")).unwrap();
    scene.done(&[], &[]);
}

#[test]
fn wrong_calls_are_refused_before_anything_is_asked() {
    let scene = Scene::new();
    for (words, said) in [
        (&["mars"][..], "REGION is `mars`, must be like us-east-1"),
        (&["446130280781"], "it comes before ACCOUNT"),
        (&["us-east-1", "12"], "ACCOUNT is `12`, must be 12 digits"),
        (&["us-east-1", "446130280781", "more"], "too many arguments"),
        (&["--fast"], "unknown option --fast"),
        (&["--platform"], "--platform needs a value"),
        (&["--platform=windows/amd64"], "must be linux/amd64 or linux/arm64"),
    ] {
        let seen = scene.failed(2, words, &[]);
        assert!(seen.contains(said), "{words:?}: {seen}");
        assert_eq!(scene.record(), [""; 0], "{words:?}");
    }
}

#[test]
fn help_and_a_dry_run_change_nothing() {
    let scene = Scene::new();
    let help = scene.call(&["--help"], &[]);
    assert!(help.status.success());
    let help = text(&help.stdout);
    for word in ["REGION", "ACCOUNT", "--restart", "--dry-run", "dynaclaimz/locust", "NO_COLOR"] {
        assert!(help.contains(word), "no {word} in {help}");
    }
    let dry = scene.call(&["us-west-2", "446130280781", "--restart", "--dry-run"], &[]);
    assert!(dry.status.success(), "{}", text(&dry.stderr));
    assert_eq!(scene.record(), [""; 0]);
    let said = text(&dry.stdout);
    for command in [
        "+ aws ecr get-login-password --region us-west-2 | docker login",
        "+ aws ecr describe-repositories",
        "+ docker build --platform linux/amd64",
        "+ docker push 446130280781.dkr.ecr.us-west-2.amazonaws.com/dynaclaimz/locust:latest",
        "+ kubectl rollout restart deployment -n load-testing",
    ] {
        assert!(said.contains(command), "no `{command}` in {said}");
    }
}

/// `script` gives the call a terminal.
#[test]
fn colours_only_on_a_terminal_that_wants_them() {
    let scene = Scene::new();
    let on_terminal = |settings: &[(&str, &str)]| {
        let inner = scene.command(&["--dry-run"], settings);
        let mut script = Command::new("/usr/bin/script");
        script.args(["--quiet", "--return", "--command", "bash ./build-and-push.sh --dry-run"]);
        script.arg("/dev/null").current_dir(inner.get_current_dir().unwrap());
        script.env_clear();
        script.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("SHELL", "/bin/sh");
        text(&script.output().unwrap().stdout)
    };
    let coloured = |said: &str| said.contains("\u{1b}[");
    let said = on_terminal(&[]);
    assert!(said.contains("Nothing was run") && coloured(&said), "{said:?}");
    for settings in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let said = on_terminal(&settings);
        assert!(said.contains("Nothing was run") && !coloured(&said), "{settings:?}: {said:?}");
    }
    let piped = scene.call(&["--dry-run"], &[]);
    assert!(!coloured(&text(&piped.stdout)), "{piped:?}");
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let scripts = ["load-tests/build-and-push.sh", "deploy/compile.sh"];
    let output = Command::new("shellcheck")
        .args(scripts.map(|script| Path::new(support::root()).join(script)))
        .output()
        .unwrap_or_else(|error| panic!("shellcheck: {error}. Run tools/install-test-tools"));
    assert!(output.status.success(), "{}", text(&output.stdout));
}
