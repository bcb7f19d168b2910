//! Where programs are, and which version of each is measured.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::section::Section;

/// A program of this workspace, built beside this one.
///
/// # Errors
/// When it is not built.
pub(crate) fn beside(name: &str) -> Result<PathBuf> {
    let path = env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not built", path.display());
    Ok(path)
}

/// Below the build folder: where `tools/install-bench-tools` puts what it installs.
const INSTALLED: [&str; 2] = ["bench-tools/bin", "venv-locust/bin"];

/// A peer: as `tools/install-bench-tools` installed it, which settles its version, else from the search path.
///
/// # Errors
/// When it is in none of these places.
pub(crate) fn peer(name: &str) -> Result<PathBuf> {
    let own_venv = env::var_os("SWARMER_VENV").map(|place| Path::new(&place).join("bin"));
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program is in no build folder")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = INSTALLED.map(|place| target.join(place));
    let mut places = own_venv.into_iter().chain(installed).chain(env::split_paths(&path));
    places.find_map(|place| Some(place.join(name)).filter(|file| file.is_file())).with_context(
        || {
            format!(
                "{name} is not installed (tools/install-bench-tools does that, or says why not)"
            )
        },
    )
}

/// The version of a peer as it says it itself, and nothing else that it says: `wrk debian/4.1.0-3`.
///
/// # Errors
/// When it is not there.
pub(crate) fn version(name: &str) -> Result<String> {
    let option = match name {
        "wrk" | "wrk2" | "nginx" => "-v",
        "k6" => "version",
        _ => "--version",
    };
    if name.starts_with("goose-") {
        peer(name)?;
        return goose_version();
    }
    Ok(tidy(name, &first_line(&peer(name)?, option)?))
}

/// A peer with its version in `section`, or a note why it is left out: the harness runs where it is not installed.
pub(crate) fn present(section: &mut Section, name: &str) -> Option<PathBuf> {
    let found = version(name).and_then(|version| Ok((version, peer(name)?)));
    let (lines, line, program) = match found {
        Ok((version, program)) => (&mut section.versions, version, Some(program)),
        Err(error) => (&mut section.notes, format!("{name} was not measured: {error:#}."), None),
    };
    if !lines.contains(&line) {
        lines.push(line);
    }
    program
}

/// The version of this engine.
pub(crate) fn own_version() -> String {
    format!("swarmer {}", env!("CARGO_PKG_VERSION"))
}

/// Goose's users have no version: that of the release which they are built with.
fn goose_version() -> Result<String> {
    let manifest = include_str!("../peers/goose/Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix("goose = \"="));
    Ok(format!("Goose {}", line.context("no pinned goose")?.trim_matches('"')))
}

/// The first line of what a program prints; some print their version where errors belong.
fn first_line(program: &Path, option: &str) -> Result<String> {
    let output = Command::new(program)
        .arg(option)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned())
}

fn tidy(name: &str, said: &str) -> String {
    match name {
        "nginx" => said.trim_start_matches("nginx version: ").to_owned(),
        "locust" => {
            // `locust 2.47.0 from /somewhere (Python 3.11.7, ...)`
            let (release, rest) = said.split_once(" from ").unwrap_or((said, ""));
            let python = rest.split_once("(Python ").map_or("", |(_, rest)| rest);
            let python = python.split([',', ')']).next().unwrap_or_default();
            format!("{release} (Python {python})")
        }
        // `k6 v1.1.0 (commit/0e3fb953be, go1.24.4, linux/amd64)`
        "k6" => said.split(" (").next().unwrap_or_default().to_owned(),
        // `wrk debian/4.1.0-3 [epoll] Copyright (C) 2012 Will Glozer`
        _ => said.split(" [").next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_a_program_says_without_the_rest() {
        let wrk = "wrk debian/4.1.0-3 [epoll] Copyright (C) 2012 Will Glozer";
        assert_eq!(tidy("wrk", wrk), "wrk debian/4.1.0-3");
        let locust = "locust 2.47.0 from /a/place (Python 3.11.7, requests 2.32)";
        assert_eq!(tidy("locust", locust), "locust 2.47.0 (Python 3.11.7)");
        assert_eq!(tidy("nginx", "nginx version: nginx/1.22.1"), "nginx/1.22.1");
        assert_eq!(tidy("k6", "k6 v1.1.0 (commit/0e3fb953be, go1.24.4)"), "k6 v1.1.0");
        assert_eq!(tidy("oha", "oha 1.16.0"), "oha 1.16.0");
        assert!(goose_version().unwrap().starts_with("Goose 0."));
    }

    #[test]
    fn a_peer_that_is_nowhere_is_left_out_with_one_note() {
        let mut section = Section::new("x", "x", "x");
        for _ in 0..2 {
            assert_eq!(present(&mut section, "no-such-peer"), None);
        }
        let [note] = section.notes.as_slice() else { panic!("{:?}", section.notes) };
        assert!(note.starts_with("no-such-peer was not measured: no-such-peer is not"), "{note}");
        assert!(present(&mut section, "cargo").is_some_and(|program| program.is_file()));
        assert!(section.versions[0].starts_with("cargo 1."), "{:?}", section.versions);
    }
}
