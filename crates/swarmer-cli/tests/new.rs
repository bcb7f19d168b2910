//! `swarmer new`: what it writes compiles, passes its own test, and runs.

#![expect(clippy::unwrap_used, reason = "a panic is a failure here")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use support::{Server, swarmer};

/// Cargo in the new project, without a network. The workspace's own target folder and profile spare it compiling the
/// engine's dependencies once more.
fn cargo(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(args)
        .args(["--offline", "--config", "profile.dev.package.\"*\".debug=false"])
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The target folder of the workspace.
fn target() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_swarmer")).ancestors().nth(2).unwrap()
}

fn succeeds(output: &Output) -> String {
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    format!("{stdout}{stderr}")
}

#[test]
fn a_new_project_compiles_passes_its_test_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let name = "swarmer-new-tried";
    let engine = concat!(env!("CARGO_MANIFEST_DIR"), "/../swarmer");
    let new = ["new", name, "--swarmer-path", engine];
    let told = succeeds(&swarmer(&new).current_dir(&folder).output().unwrap());
    assert!(told.contains(&format!("cd {name}")), "{told}");
    let project = folder.path().join(name);

    succeeds(&cargo(&project, &["build"]));
    let tested = succeeds(&cargo(&project, &["test"]));
    assert!(tested.contains("1 passed"), "{tested}");

    let server = Server::start();
    let run = |path: &str| {
        let program = target().join("debug").join(name);
        let host = format!("{}{path}", server.url);
        let args = ["--host", &host, "-u", "2", "-r", "2", "-t", "2", "--headless"];
        Command::new(program).args(args).output().unwrap()
    };
    let told = succeeds(&run(""));
    assert!(
        told.contains("1. Front page") && told.contains("Shutting down (exit code 0)"),
        "{told}"
    );
    assert_eq!(server.seen()[0].line, "GET / HTTP/1.1");
    assert_eq!(run("/bad").status.code(), Some(1), "failed requests are told by the exit code");

    let again = swarmer(&new).current_dir(&folder).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&again.stderr);
    assert_eq!(
        stderr,
        format!("swarmer new: error: '{name}' exists already; nothing was written\n")
    );
}

#[test]
fn every_file_is_filled_in() {
    let folder = tempfile::tempdir().unwrap();
    succeeds(&swarmer(&["new", "shop"]).current_dir(&folder).output().unwrap());
    let project = folder.path().join("shop");
    for file in
        ["Cargo.toml", "Dockerfile", "README.md", "src/main.rs", "src/tests.rs", ".gitignore"]
    {
        let text = std::fs::read_to_string(project.join(file)).unwrap();
        assert!(!text.is_empty() && !text.contains("{{"), "{file}: {text}");
    }
    let formatted = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "src/main.rs"])
        .current_dir(&project)
        .output()
        .unwrap();
    succeeds(&formatted);
}
