//! The pages made from the table of options are those in the repository.

#[path = "../examples/reference.rs"]
mod reference;

use std::path::Path;
use std::process::Command;

use swarmer::options::{Kind, Place, Program, Surroundings, parse};

#[test]
fn pages_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, text) in reference::pages() {
        let committed = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        assert!(
            committed == text,
            "{path} is stale: run `cargo run -p swarmer --example reference` and commit what it writes"
        );
    }
}

#[test]
fn every_option_is_on_every_page() {
    let pages = reference::pages();
    for opt in Program::new("workload", "1").all_options() {
        if opt.place() == Place::Positional {
            continue;
        }
        for (path, text) in pages.iter().filter(|(path, _)| !path.contains("completions")) {
            // In roff a dash is written with a backslash.
            let text = text.replace("\\-", "-");
            let named = text.contains(&format!("--{}", opt.long()));
            // A name that is the beginning of another one would be found anyway.
            assert!(named || opt.is_hidden(), "--{} is not in {path}", opt.long());
        }
        if let (Kind::Choice(words), false) = (opt.kind(), opt.is_hidden()) {
            let bash = &pages[2].1;
            assert!(
                bash.contains(&words.join(" ")),
                "bash completes the words of --{}",
                opt.long()
            );
        }
    }
}

#[test]
fn every_program_prints_its_own() {
    let program =
        Program::new("shop", "1").option(swarmer::options::Opt::flag("gift").help("Wrap"));
    for (name, expected) in [
        ("man", ".TH shop 1"),
        ("bash", "_shop()"),
        ("zsh", "#compdef shop"),
        ("fish", "complete -c shop"),
        ("Markdown", "# Options of `shop`"),
    ] {
        let exit = parse(&program, ["--generate", name], &Surroundings::none()).unwrap_err();
        assert_eq!((exit.code, exit.stderr.as_str()), (0, ""));
        assert!(exit.stdout.contains(expected), "{name}: {}", &exit.stdout[..200]);
        assert!(exit.stdout.contains("gift"), "{name}");
    }
    let exit = parse(&program, ["--generate", "pdf"], &Surroundings::none()).unwrap_err();
    assert_eq!(exit.code, 2);
    assert!(exit.stderr.contains("(choose from 'man', 'bash', 'zsh', 'fish', 'markdown')"));
}

#[test]
fn bash_completes_options_and_their_words() {
    let script = &reference::pages()[2].1;
    let complete = |words: &str| {
        let ask = format!(
            "{script}\nCOMP_WORDS=(workload {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _workload workload \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             echo \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("--spawn"), "--spawn-rate");
    assert_eq!(complete("--arrivals ''"), "constant poisson");
    assert_eq!(complete("--loglevel W"), "WARNING");
}
