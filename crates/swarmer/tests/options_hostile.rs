//! No bytes in any place make reading options panic, and each mistake ends in one clear line.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use swarmer::options::{Effect, Exit, Kind, Opt, Options, Place, Program, Surroundings, parse};

fn program() -> Program {
    Program::new("shop", "1").option(Opt::words("brands")).option(Opt::text("greeting"))
}

fn long_names() -> Vec<String> {
    program().all_options().iter().map(|opt| opt.long().to_owned()).collect()
}

/// Either options, or one clear end.
fn check(result: Result<Options, Exit>) {
    let Err(exit) = result else { return };
    if exit.code == 0 {
        assert!(exit.stderr.is_empty() && !exit.stdout.is_empty());
        return;
    }
    assert_eq!(exit.code, 2);
    assert!(exit.stdout.is_empty());
    let text = exit.stderr.strip_prefix("shop: error: ").unwrap();
    let text = text.strip_suffix('\n').unwrap();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    assert!(!first.is_empty() && first.len() < 20_000);
    assert!(rest.is_empty() || rest.starts_with("Did you mean '--"), "{rest}");
    assert!(!text.replace('\n', "").contains(|c: char| c.is_control()), "{text:?}");
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..12),
        "[-a-zA-Z0-9=]{0,12}".prop_map(String::into_bytes),
        (proptest::sample::select(long_names()), "(=.{0,8})?")
            .prop_map(|(name, value)| format!("--{name}{value}").into_bytes()),
        "-[A-Za-z].{0,6}".prop_map(String::into_bytes),
    ]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        (proptest::sample::select(long_names()), "[ :=]{1,3}", ".{0,20}")
            .prop_map(|(name, between, value)| format!("{name}{between}{value}").into_bytes()),
        r#"[-a-z\[\]"'# =:;.,0-9]{0,30}"#.prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_arguments(args in vec(argument(), 0..6)) {
        let args: Vec<OsString> = args.into_iter().map(OsString::from_vec).collect();
        check(parse(&program(), args, &Surroundings::none()));
    }

    #[test]
    fn any_configuration_file(lines in vec(line(), 0..8), toml in any::<bool>()) {
        let content = lines.join(&b'\n');
        let place = Path::new(if toml { "swarmer.toml" } else { "locust.conf" });
        let read = |path: &Path| {
            if path == place { Ok(content.clone()) } else { Err(io::ErrorKind::NotFound.into()) }
        };
        let around = Surroundings { env: &|_| None, read: &read };
        check(parse(&program(), [""; 0], &around));
    }

    #[test]
    fn any_environment(value in vec(any::<u8>(), 0..20), pick in 0_usize..200) {
        let names: Vec<String> = program()
            .all_options()
            .iter()
            .filter_map(|opt| opt.env_name().map(str::to_owned))
            .collect();
        let chosen = &names[pick % names.len()];
        let env = |name: &str| (name == chosen).then(|| OsString::from_vec(value.clone()));
        let read = |_: &Path| Err(io::ErrorKind::NotFound.into());
        check(parse(&program(), [""; 0], &Surroundings { env: &env, read: &read }));
    }
}

/// Options whose default is an empty text in Locust, where it means "not set".
const MAY_BE_EMPTY: [&str; 6] =
    ["web-host", "web-host-display-name", "tls-cert", "tls-key", "build-path", "web-base-path"];

#[test]
fn each_option_names_itself_and_what_it_saw() {
    let huge = "9".repeat(5000);
    let hostile = ["", "-1", "1e999", "NaN", "-inf", huge.as_str(), "../../etc/passwd\0", "a\nb"];
    for opt in program().all_options() {
        if opt.place() == Place::Positional || opt.kind().is_flag() {
            continue;
        }
        for value in hostile {
            // For a text or a path these are words like any other; elsewhere a rule may take them.
            let is_text = matches!(opt.kind(), Kind::Text | Kind::Path | Kind::Words | Kind::List);
            let is_number = matches!(value, "-1" | "1e999" | "NaN" | "-inf");
            let argument = format!("--{}={value}", opt.long());
            let exit = match parse(&program(), [&argument], &Surroundings::none()) {
                Ok(_) if is_text && is_number => continue,
                Ok(_) if value.is_empty() && MAY_BE_EMPTY.contains(&opt.long()) => continue,
                Ok(_) if matches!(opt.kind(), Kind::Integer { .. }) && value == "-1" => continue,
                result => result.unwrap_err(),
            };
            let is_refused = matches!(opt.effect(), Effect::Removed(_))
                || exit.stderr.ends_with(" (from --config)\n");
            assert_eq!(exit.code, 2, "{argument}");
            let names_itself = exit.stderr.contains(&format!("--{}: ", opt.long()))
                || exit.stderr.contains(&format!("--{}/-", opt.long()))
                || exit.stderr.ends_with(&format!("(from --{})\n", opt.long()));
            assert!(names_itself, "{}", exit.stderr);
            let says_what = exit.stderr.contains("(allowed: ")
                || exit.stderr.contains("(choose from ")
                || exit.stderr.contains("Invalid time span format");
            assert!(says_what || is_refused, "{}", exit.stderr);
            check(Err(exit));
        }
    }
}

/// Values that some option could trip over, wherever it is set: empty, negative, huge, no number, no text, a way out.
#[test]
fn each_option_takes_any_value_from_any_place_or_says_what_is_wrong() {
    let huge = "9".repeat(5000);
    let hostile: [&[u8]; 14] = [
        b"",
        b" ",
        b"-1",
        b"0",
        b"1e999",
        b"NaN",
        b"-inf",
        b"../../../etc/passwd",
        b"/proc/self/mem",
        b"a\0b",
        b"\xff\xfe",
        b"[",
        b"[[],[]]",
        huge.as_bytes(),
    ];
    for opt in program().all_options() {
        for value in hostile {
            let mut argument = format!("--{}=", opt.long()).into_bytes();
            argument.extend_from_slice(value);
            check(parse(&program(), [OsString::from_vec(argument)], &Surroundings::none()));
            let env = |name: &str| {
                (opt.env_name() == Some(name)).then(|| OsString::from_vec(value.to_vec()))
            };
            let nothing = |_: &Path| Err(io::ErrorKind::NotFound.into());
            let around = Surroundings { env: &env, read: &nothing };
            let found = parse(&program(), [""; 0], &around);
            // Whatever is wrong there is said with the variable's name.
            if let (Err(exit), Some(name)) = (&found, opt.env_name()) {
                assert!(exit.stderr.contains(name), "{name}: {}", exit.stderr);
            }
            check(found);
            let line = [opt.long().as_bytes(), b" = ", value].concat();
            let read = |path: &Path| match path.to_str() {
                Some("locust.conf") => Ok(line.clone()),
                _ => Err(io::ErrorKind::NotFound.into()),
            };
            check(parse(&program(), [""; 0], &Surroundings { env: &|_| None, read: &read }));
        }
    }
}
