//! `swarmer new NAME`: a workload project that compiles and runs at once.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use swarmer::options::{Exit, Opt, Program};

use crate::{VERSION, quote};

/// The files of a project, with what has to be filled in: `{{name}}`, `{{swarmer}}` (the engine's folder) and
/// `{{checkout}}` (the folder of the whole repository the engine lies in).
const FILES: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("../template/Cargo.toml.in")),
    ("src/main.rs", include_str!("../template/src/main.rs")),
    ("src/tests.rs", include_str!("../template/src/tests.rs")),
    ("Dockerfile", include_str!("../template/Dockerfile")),
    ("README.md", include_str!("../template/README.md")),
    (".gitignore", "/target\n"),
    (".dockerignore", "target\n.git\n"),
];

/// Where the engine lay when this tool was built.
const BUILT_FROM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../swarmer");

/// Words that Rust or Cargo keep for themselves.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "swarmer",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Runs the command.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let program = program();
    match create(&program, args) {
        Ok(told) => Exit { code: 0, stdout: told, stderr: String::new() }.print(),
        Err(exit) => exit.print(),
    }
}

fn program() -> Program {
    Program::new("swarmer new", VERSION)
        .about("Write a workload project: manifest, one journey, a test, Dockerfile, README")
        .only(&["help", "version"])
        .usage("NAME [--swarmer-path DIR]")
        .example("swarmer new shop-load")
        .example("swarmer new shop-load --swarmer-path ~/src/swarmer/crates/swarmer")
        .option(
            Opt::words("NAME")
                .positional()
                .group("Options")
                .help("The project's name, and that of the folder made for it here"),
        )
        .option(
            Opt::path("swarmer-path")
                .group("Options")
                .value_name("DIR")
                .help("The engine's folder (that of the checkout this tool was built from, if not given)")
                .details(
                    "The engine is not on crates.io yet, so a project names the folder of its sources in Cargo.toml. \
                     That is DIR: the one whose own Cargo.toml says name = \"swarmer\".",
                ),
        )
}

fn create(program: &Program, args: Vec<OsString>) -> Result<String, Exit> {
    let options = crate::read(program, args)?;
    let name = match options.custom.words("NAME") {
        [name] => name,
        [] => return Err(program.mistake("no NAME given (example: swarmer new shop-load)")),
        [_, second, ..] => {
            return Err(
                program.mistake(&format!("one NAME only, but there is also {}", quote(second)))
            );
        }
    };
    check_name(name).map_err(|problem| program.mistake(&problem))?;
    let engine =
        engine(options.custom.path("swarmer-path")).map_err(|problem| program.mistake(&problem))?;
    write(Path::new(name), name, &engine).map_err(|problem| Exit {
        code: 1,
        stdout: String::new(),
        stderr: format!("{}: error: {problem}\n", program.name()),
    })?;
    Ok(format!(
        "Wrote the workload `{name}`.\n\n  cd {name}\n  cargo test\n  cargo run --release -- --host http://localhost:8080 \
         --users 5 --run-time 30s --headless\n\nIts journey is in src/main.rs.\n"
    ))
}

/// What Cargo, Docker and file systems all take.
fn check_name(name: &str) -> Result<(), String> {
    let allowed = "(allowed: a lower-case letter, then lower-case letters, digits, - and _, at most 64 in all)";
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.chars().all(plain)
        || name.len() > 64
    {
        return Err(format!("argument NAME: invalid name: {} {allowed}", quote(name)));
    }
    if RESERVED.contains(&name) {
        return Err(format!("argument NAME: Rust or Cargo keep this name: {}", quote(name)));
    }
    Ok(())
}

/// The engine's folder, made absolute.
fn engine(given: Option<&Path>) -> Result<PathBuf, String> {
    let path = given.unwrap_or(Path::new(BUILT_FROM));
    let is_engine = fs::read_to_string(path.join("Cargo.toml"))
        .is_ok_and(|manifest| manifest.lines().any(|line| line.trim() == "name = \"swarmer\""));
    let found = path.canonicalize().ok().filter(|_| is_engine);
    // A manifest and a Dockerfile hold text.
    let found = found.filter(|path| path.to_str().is_some_and(|text| !text.contains(['"', '\\'])));
    found.ok_or_else(|| match given {
        Some(path) => format!(
            "argument --swarmer-path: the engine is not there: {} (allowed: the folder whose Cargo.toml says name = \
             \"swarmer\", crates/swarmer in a checkout)",
            quote(&path.to_string_lossy())
        ),
        None => "the sources this tool was built from are gone; say where the engine's are: --swarmer-path \
                 DIR (crates/swarmer in a checkout)"
            .to_owned(),
    })
}

/// Writes the project into a folder that must not exist yet.
fn write(folder: &Path, name: &str, engine: &Path) -> Result<(), String> {
    let checkout = engine.parent().and_then(Path::parent).unwrap_or(engine);
    let problem = |what: &Path, error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            format!("{} exists already; nothing was written", quote(&what.to_string_lossy()))
        }
        _ => format!("cannot write {}: {error}", quote(&what.to_string_lossy())),
    };
    fs::create_dir(folder).map_err(|error| problem(folder, error))?;
    fs::create_dir(folder.join("src")).map_err(|error| problem(folder, error))?;
    for (file, template) in FILES {
        let path = folder.join(file);
        let text = template
            .replace("{{name}}", name)
            .replace("{{swarmer}}", &engine.to_string_lossy())
            .replace("{{checkout}}", &checkout.to_string_lossy());
        fs::File::create_new(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| problem(&path, error))?;
    }
    // The versions the engine was tried with; Cargo drops what the project does not need.
    let lock = checkout.join("Cargo.lock");
    if lock.is_file() {
        let copy = folder.join("Cargo.lock");
        fs::copy(&lock, &copy).map_err(|error| problem(&copy, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cargo_or_a_file_system_would_refuse() {
        for good in ["shop", "shop-load", "a1_b-2"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let long = "a".repeat(65);
        for bad in
            ["", "Shop", "1shop", "-shop", "../shop", "a/b", "a b", "ü", "a.b", "test", "fn", &long]
        {
            let problem = check_name(bad).unwrap_err();
            assert!(problem.starts_with("argument NAME: "), "{bad}: {problem}");
        }
    }
}
