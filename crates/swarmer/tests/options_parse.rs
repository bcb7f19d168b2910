//! Options from each kind of place, their precedence, and the words of every mistake.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use swarmer::logging::Level;
use swarmer::options::{Effect, Exit, Opt, Options, Program, Surroundings, parse};

/// A made-up machine: its environment and files.
#[derive(Default)]
struct Machine {
    env: HashMap<String, OsString>,
    files: HashMap<PathBuf, Vec<u8>>,
}

impl Machine {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    fn parse(&self, args: &[&str]) -> Result<Options, Exit> {
        let env = |name: &str| self.env.get(name).cloned();
        let read = |path: &Path| {
            self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
        };
        parse(&program(), args.iter().copied(), &Surroundings { env: &env, read: &read })
    }

    /// The text of the mistake, without the program's name.
    fn mistake(&self, args: &[&str]) -> String {
        let exit = self.parse(args).unwrap_err();
        assert_eq!((exit.code, exit.stdout.as_str()), (2, ""), "{args:?}: {}", exit.stderr);
        exit.stderr.strip_prefix("shop: error: ").unwrap().trim_end().to_owned()
    }
}

fn program() -> Program {
    Program::new("shop", "1.2.0")
        .about("Customers of a shop")
        .example("shop --host http://localhost:8080 -u 10 -t 1m --headless")
        .option(
            Opt::number("discount", 0.0..=100.0)
                .env("SHOP_DISCOUNT")
                .default(5)
                .help("Discount in percent"),
        )
        .option(Opt::words("brands").env("SHOP_BRANDS").help("Brands on offer"))
        .option(Opt::span("patience").default("10s").help("Time a customer waits"))
        .option(Opt::text("greeting").help("Text in each order"))
        .option(Opt::flag("demo").help("Start a shop and use it"))
}

fn on_nothing(args: &[&str]) -> Result<Options, Exit> {
    Machine::default().parse(args)
}

fn mistake(args: &[&str]) -> String {
    Machine::default().mistake(args)
}

#[test]
fn without_arguments_everything_is_at_its_default() {
    let mut options = on_nothing(&[]).unwrap();
    assert_eq!(options.custom.number("discount"), Some(5.0));
    assert_eq!(options.custom.span("patience"), Some(Duration::from_secs(10)));
    assert_eq!(options.custom.text("greeting"), None);
    options.custom = Options::default().custom;
    assert_eq!(options, Options::default());
}

#[test]
fn every_option_reaches_its_field() {
    let line = "--host https://a.example/base -u 50 -r 2.5 -t 1h30m --headless --only-summary \
        --csv out/run --csv-full-history --reset-stats -s 20 -L warning --logfile run.log \
        --exit-code-on-error 3 --list --show-task-ratio --show-task-ratio-json --threads 4 --seed 18446744073709551615 \
        --time-scale 0.05 --insecure --discount 12.5 --demo --brands a b -- Buyer Seller";
    let args: Vec<&str> = line.split_whitespace().collect();
    let options = on_nothing(&args).unwrap();
    let custom = options.custom.clone();
    let expected = Options {
        host: Some("https://a.example/base".into()),
        users: Some(50),
        spawn_rate: Some(2.5),
        run_time: Some(Duration::from_mins(90)),
        headless: true,
        only_summary: true,
        csv: Some("out/run".into()),
        csv_full_history: true,
        reset_stats: true,
        stop_timeout: Duration::from_secs(20),
        log_level: Level::Warning,
        log_file: Some("run.log".into()),
        exit_code_on_error: 3,
        list: true,
        show_task_ratio: true,
        show_task_ratio_json: true,
        user_classes: vec!["Buyer".into(), "Seller".into()],
        threads: Some(4),
        seed: Some(u64::MAX),
        time_scale: 0.05,
        insecure: true,
        custom: custom.clone(),
        given: options.given.clone(),
        ..Options::default()
    };
    assert_eq!(options, expected);
    assert_eq!(options.given["discount"], "12.5");
    assert_eq!(options.given["run-time"], "1h30m");
    assert_eq!(custom.number("discount"), Some(12.5));
    assert_eq!(custom.words("brands"), ["a", "b"]);
    assert!(custom.flag("demo"));
    assert_eq!(options.unknown_user_classes(&["Seller"]), ["Buyer"]);
}

#[test]
fn stages_may_stand_in_a_file() {
    let toml = "[[stages]]\nduration = '2m'\nusers = 50\n";
    let options = Machine::default().file("swarmer.toml", toml).parse(&[]).unwrap();
    assert_eq!(options.stages.as_deref(), Some("2m:50"));
}

#[test]
fn every_option_can_be_set_wherever_it_says() {
    use swarmer::options::{Kind, Place};
    for opt in program().all_options() {
        // Some value other than the default: one that changes nothing would prove nothing.
        let value = match opt.kind() {
            Kind::Flag => "yes",
            Kind::BaseUrl => "http://h",
            Kind::TraceUrl => "http://h/{trace}",
            Kind::Choice(words) => words[0],
            Kind::Text | Kind::Path | Kind::Words => "w",
            _ => "7",
        };
        if matches!(opt.effect(), Effect::Removed(_)) {
            continue;
        }
        let args: &[&str] = if opt.long() == "csv" { &[] } else { &["--csv", "x"] };
        let plain = on_nothing(args).unwrap();
        if let Some(name) = opt.env_name() {
            let set = Machine::default().env(name, value).parse(args).unwrap();
            assert_ne!(set, plain, "{name} in the environment");
        }
        let machine = Machine::default().file("locust.conf", &format!("{} = {value}", opt.long()));
        if opt.place() == Place::Everywhere {
            assert_ne!(machine.parse(args).unwrap(), plain, "{} in a file", opt.long());
        } else {
            assert!(machine.mistake(args).starts_with("unrecognized arguments: --"));
        }
    }
}

#[test]
fn the_strongest_place_wins() {
    let conf = |users: u32| format!("users = {users}\n");
    let machine = |places: usize| {
        let mut machine = Machine::default().env("HOME", "/home/me");
        let files: [(&str, String); 5] = [
            ("/home/me/.locust.conf", conf(1)),
            ("locust.conf", conf(2)),
            ("pyproject.toml", "[tool.locust]\nusers = 3\n[project]\nname = 'x'\n".into()),
            ("swarmer.toml", conf(4)),
            ("extra.conf", conf(5)),
        ];
        for (path, text) in &files[..places.min(5)] {
            machine = machine.file(path, text);
        }
        if places > 5 { machine.env("LOCUST_USERS", "6") } else { machine }
    };
    let extra = ["--config", "extra.conf"];
    for places in 0..=4 {
        let users = machine(places).parse(&[]).unwrap().users;
        assert_eq!(users, (places > 0).then_some(u32::try_from(places).unwrap()));
    }
    assert_eq!(machine(5).parse(&extra).unwrap().users, Some(5));
    assert_eq!(machine(6).parse(&extra).unwrap().users, Some(6));
    assert_eq!(machine(6).parse(&["--config", "extra.conf", "-u7"]).unwrap().users, Some(7));
    // Only what is weaker is hidden, and what is hidden is not read.
    let machine = machine(6).env("LOCUST_SPAWN_RATE", "many");
    assert_eq!(machine.parse(&["-r", "3"]).unwrap().spawn_rate, Some(3.0));
}

#[test]
fn forms_of_configuration_files() {
    let conf = "\
        # what we run at night\n\
        [run]\n\
        --host: http://night.example\n\
        users 20   ; twenty\n\
        headless\n\
        only-summary = off\n\
        run = 5m\n\
        brands = [north, south]\n\
        greeting = \"good # evening\"\n";
    let machine = Machine::default().file("night.conf", conf);
    let options = machine.parse(&["--config", "night.conf"]).unwrap();
    assert_eq!(options.host.as_deref(), Some("http://night.example"));
    assert_eq!(options.users, Some(20));
    assert!(options.headless);
    assert!(!options.only_summary);
    assert_eq!(options.run_time, Some(Duration::from_mins(5)), "a prefix will do");
    assert_eq!(options.custom.words("brands"), ["north", "south"]);
    assert_eq!(options.custom.text("greeting"), Some("good # evening"));

    let toml =
        "users = 20\nspawn-rate = 0.5\nheadless = true\nrun-time = '5m'\nbrands = ['a b', 'c']\n";
    let machine = Machine::default().file("swarmer.toml", toml);
    let options = machine.parse(&[]).unwrap();
    assert_eq!((options.users, options.spawn_rate), (Some(20), Some(0.5)));
    assert!(options.headless);
    assert_eq!(options.custom.words("brands"), ["a b", "c"]);
    // A pyproject.toml belongs to others as well.
    let machine = Machine::default().file("pyproject.toml", "users = 3\n[tool.ruff]\nx = 1\n");
    assert_eq!(machine.parse(&[]).unwrap().users, None);
}

#[test]
fn the_environment_takes_flags_and_lists() {
    for (value, expected) in
        [("true", true), ("YES", true), ("on", true), ("1", true), ("false", false)]
    {
        let machine = Machine::default().env("LOCUST_HEADLESS", value);
        assert_eq!(machine.parse(&[]).unwrap().headless, expected, "{value}");
    }
    let machine = Machine::default()
        .env("LOCUST_USER_CLASSES", " Buyer  Seller ")
        .env("SHOP_BRANDS", "[a, b]")
        .env("SHOP_DISCOUNT", "50");
    let options = machine.parse(&[]).unwrap();
    assert_eq!(options.user_classes, ["Buyer", "Seller"]);
    assert_eq!(options.custom.words("brands"), ["a", "b"]);
    assert_eq!(options.custom.number("discount"), Some(50.0));
}

#[test]
fn prefixes_repeats_and_positions() {
    let options =
        on_nothing(&["A", "--use", "5", "B", "--users=6", "--headl", "--headless"]).unwrap();
    assert_eq!(options.users, Some(6), "the last one counts");
    assert_eq!(options.user_classes, ["A", "B"]);
    // A whole name that is also a prefix of another is itself.
    assert_eq!(on_nothing(&["--csv", "x"]).unwrap().csv, Some("x".into()));
    assert_eq!(on_nothing(&["-t", "0s"]).unwrap().run_time, None, "0 means no limit");
}

/// What Locust understands when abbreviated stays so, whatever this engine adds.
#[test]
fn abbreviations_of_locusts_options_stay_what_they_were() {
    assert_eq!(on_nothing(&["--st", "5"]).unwrap().stop_timeout, Duration::from_secs(5));
    assert_eq!(on_nothing(&["--tag", "--st=5"]).unwrap().stop_timeout, Duration::from_secs(5));
    let options = Machine::default().file("locust.conf", "st = 5\n").parse(&[]).unwrap();
    assert_eq!(options.stop_timeout, Duration::from_secs(5));
    assert_eq!(
        on_nothing(&["--see", "5"]).unwrap().seed,
        Some(5),
        "ours can be abbreviated as well"
    );
    assert_eq!(on_nothing(&["--", "--st"]).unwrap().user_classes, ["--st"]);
}

#[test]
fn options_without_effect_say_what_applies_instead() {
    let args = "-f locustfile.py --autostart --autoquit 5 --web-port 80 --expect-workers 2 --html r.html --otel";
    let options = on_nothing(&args.split(' ').collect::<Vec<_>>()).unwrap();
    insta::assert_snapshot!("notices", options.notices.join("\n"));
    assert_eq!(options.web.port, 80);
    assert_eq!(options.web.autoquit, Some(Duration::from_secs(5)));
    let machine =
        Machine::default().env("LOCUST_HEADFUL", "0").file("locust.conf", "class-picker = no");
    assert_eq!(machine.parse(&[]).unwrap().notices, [""; 0], "what is off needs no word");
    let options = on_nothing(&["--headless", "--autostart"]).unwrap();
    assert_eq!(
        options.notices,
        ["The --autostart argument is implied by --headless, no need to set both."]
    );
}

#[test]
fn combinations_that_make_no_sense() {
    let conflict = |line: &str| {
        let args: Vec<&str> = line.split(' ').collect();
        let conflict = on_nothing(&args).unwrap().conflict();
        conflict.map(|conflict| format!("{} {}", conflict.code, conflict.text)).unwrap_or_default()
    };
    let lines = [
        "--autoquit 5",
        "--autoquit 5 --autostart",
        "--processes -2",
        "--processes -1",
        "--processes 3 --master",
        "--master --worker",
        "--master",
        "--worker",
        "--web-base-path x",
        "--web-base-path x --headless",
        "--web-base-path /x",
    ];
    let shown: Vec<String> =
        lines.iter().map(|line| format!("{line:<30}{}", conflict(line))).collect();
    insta::assert_snapshot!("conflicts", shown.join("\n"));
    assert_eq!(on_nothing(&["--processes", "3"]).unwrap().threads, Some(3));
    assert_eq!(on_nothing(&["--processes", "-1"]).unwrap().threads, None, "one per core");
    assert_eq!(on_nothing(&["--processes", "3", "--threads", "2"]).unwrap().threads, Some(2));
    assert!(!on_nothing(&["--headless", "--headful"]).unwrap().headless);
}

#[test]
fn mistakes_on_the_command_line() {
    for (args, expected) in [
        (&["--usres", "3"][..], "unrecognized arguments: --usres\nDid you mean '--users'?"),
        (
            &["-x", "--zz", "--usres=3"],
            "unrecognized arguments: -x --zz --usres=3\nDid you mean '--users'?",
        ),
        (&["--zz", "-u"], "argument -u/--users: expected one argument"),
        (&["--slave"], "argument --slave: The --slave parameter has been renamed --worker"),
        (
            &["--expect-slaves"],
            "argument --expect-slaves: The --expect-slaves parameter has been renamed --expect-workers",
        ),
        (
            &["--web-auth", "a:b"],
            "argument --web-auth: The --web-auth parameter has been replaced by --web-login",
        ),
        (
            &["--legacy-ui"],
            "argument --legacy-ui: --legacy-ui is no longer supported, remove the parameter to continue",
        ),
        (&["--usres=3"], "unrecognized arguments: --usres=3\nDid you mean '--users'?"),
        (&["--zzzzzz"], "unrecognized arguments: --zzzzzz"),
        (&["-Z"], "unrecognized arguments: -Z"),
        (
            &["--sho"],
            "ambiguous option: --sho could match --show-task-ratio, --show-task-ratio-json",
        ),
        (&["-u"], "argument -u/--users: expected one argument"),
        (&["--csv", "--headless"], "argument --csv: expected one argument"),
        (&["--headless=1"], "argument --headless: ignored explicit argument '1'"),
        (&["--csv-full-history"], "'--csv-full-history' requires '--csv'."),
        (
            &["-u", "abc"],
            "argument -u/--users: invalid int value: 'abc' (allowed: a whole number from 0 to 10000000)",
        ),
        (
            &["-u", "-3"],
            "argument -u/--users: out of range: '-3' (allowed: a whole number from 0 to 10000000)",
        ),
        (
            &["-r", "nan"],
            "argument -r/--spawn-rate: must be a finite number: 'nan' (allowed: a number above 0, at most 1000000)",
        ),
        (
            &["-r", "0"],
            "argument -r/--spawn-rate: must be > 0: '0' (allowed: a number above 0, at most 1000000)",
        ),
        (
            &["-t", "10m5"],
            "argument -t/--run-time: Invalid time span format. Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc.",
        ),
        (&["-t", ""], "argument -t/--run-time: Invalid time span format"),
        (
            &["-L", "loud"],
            "argument --loglevel/-L: invalid choice: 'LOUD' \
             (choose from 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')",
        ),
        (
            &["-H", "localhost:8080"],
            "argument -H/--host: invalid base URL: 'localhost:8080' \
             (allowed: a URL with scheme and host, such as http://localhost:8080)",
        ),
        (
            &["--discount", "101"],
            "argument --discount: out of range: '101' (allowed: a number of at least 0, at most 100)",
        ),
        (
            &["--csv", "a\u{1b}[2J"],
            "argument --csv: control characters: 'a\\u{1b}[2J' \
             (allowed: text that is not empty, of one line, at most 4096 bytes)",
        ),
        (
            &["--config", "missing.conf"],
            "Unable to open config file: missing.conf. Error: entity not found (from --config)",
        ),
    ] {
        assert_eq!(mistake(args), expected, "{args:?}");
    }
}

#[test]
fn mistakes_elsewhere_say_where() {
    let env = |name: &str, value: &str| Machine::default().env(name, value).mistake(&[]);
    assert_eq!(
        env("LOCUST_HEADLESS", "maybe"),
        "Unexpected value for LOCUST_HEADLESS: 'maybe'. \
         Expecting 'true', 'false', 'yes', 'no', 'on', 'off', '1' or '0'"
    );
    assert_eq!(
        env("LOCUST_USERS", ""),
        "argument -u/--users: invalid int value: '' \
         (allowed: a whole number from 0 to 10000000) (from LOCUST_USERS)"
    );
    assert_eq!(
        env("LOCUST_RUN_TIME", "5d"),
        "argument -t/--run-time: Invalid time span format. \
         Valid formats: 20, 20s, 3m, 2h, 1h20m, 3h30m10s, etc. (from LOCUST_RUN_TIME), seen: '5d'"
    );
    let file = |text: &str| Machine::default().file("locust.conf", text).mistake(&[]);
    assert_eq!(
        file("userz = 3\nbogus\nmore: [a, b]\n"),
        "unrecognized arguments: --userz=3 --bogus=true --more=a --more=b (in locust.conf)\nDid you mean '--users'?"
    );
    assert_eq!(
        file("sho = 1"),
        "ambiguous option: --sho=1 could match --show-task-ratio, --show-task-ratio-json (in locust.conf)"
    );
    assert_eq!(
        file("only-summary = maybe"),
        "Unexpected value for only-summary: 'maybe'. \
         Expecting 'true', 'false', 'yes', 'no', 'on', 'off', '1' or '0' (in locust.conf)"
    );
    assert_eq!(
        file("users = [1, 2]"),
        "argument -u/--users: cannot be a list: '[1, 2]' (allowed: one value) (in locust.conf)"
    );
    assert_eq!(
        file("users = 3\n = 4\n"),
        "Unable to parse config file: locust.conf. Error: line 2: expected `key = value`: '= 4'"
    );
    let toml = |text: &str| Machine::default().file("swarmer.toml", text).mistake(&[]);
    assert!(
        toml("users = 3\nhost = \n")
            .starts_with("Unable to parse config file: swarmer.toml. Error: line 2: ")
    );
    assert_eq!(
        toml("[users]\nmany = 3\n"),
        "Unable to parse config file: swarmer.toml. Error: \
         `users` must be a text, number, boolean or a list of these"
    );
}

#[test]
fn text_that_is_no_text() {
    use std::os::unix::ffi::OsStringExt;
    let bad = OsString::from_vec(b"a\xffb".to_vec());
    let args = [OsString::from("--csv"), bad.clone()];
    let exit = parse(&program(), args, &Surroundings::none()).unwrap_err();
    let text = "argument --csv: invalid text: 'a\u{fffd}b' (allowed: valid UTF-8)";
    assert_eq!((exit.code, exit.stderr), (2, format!("shop: error: {text}\n")));
    let mut machine = Machine::default();
    machine.env.insert("LOCUST_CSV".into(), bad);
    assert_eq!(machine.mistake(&[]), format!("{text} (from LOCUST_CSV)"));
    let mut machine = Machine::default();
    machine.files.insert("locust.conf".into(), b"csv = \xff".to_vec());
    assert_eq!(
        machine.mistake(&[]),
        "Unable to parse config file: locust.conf. Error: not valid UTF-8 at byte 6"
    );
}

#[test]
fn a_workload_with_clashing_options_is_told_so() {
    let clash = |opt: Opt| {
        let exit = parse(&Program::new("p", "1").option(opt), [""; 0], &Surroundings::none());
        let exit = exit.unwrap_err();
        assert_eq!(exit.code, 1);
        exit.stderr
    };
    assert_eq!(clash(Opt::flag("users")), "p: error: option --users is defined twice\n");
    assert_eq!(
        clash(Opt::flag("x").short('u')),
        "p: error: options --users and --x share one letter\n"
    );
    assert_eq!(
        clash(Opt::flag("x").env("LOCUST_HOST")),
        "p: error: options --host and --x share one variable\n"
    );
    assert_eq!(
        clash(Opt::flag("a b")),
        "p: error: option 'a b' must be named with letters, digits and dashes\n"
    );
    let exit = parse(
        &Program::new("p", "1").option(Opt::whole("n", 1..=3).default(9)),
        [""; 0],
        &Surroundings::none(),
    );
    assert_eq!(
        exit.unwrap_err().stderr,
        "p: error: argument --n: out of range: '9' (allowed: a whole number from 1 to 3) (the built-in default)\n"
    );
}

#[test]
fn help_and_version() {
    let exit = on_nothing(&["--version"]).unwrap_err();
    let version = format!("shop 1.2.0 (swarmer {})\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(exit, Exit { code: 0, stdout: version, stderr: String::new() });
    let short = on_nothing(&["-h"]).unwrap_err();
    assert_eq!((short.code, short.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("short_help", short.stdout);
    insta::assert_snapshot!("long_help", on_nothing(&["--help"]).unwrap_err().stdout);
}

#[test]
fn the_process_is_read_through_its_surroundings() {
    let around = Surroundings::of_process();
    assert_eq!((around.env)("PATH"), std::env::var_os("PATH"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.conf");
    std::fs::write(&path, "users = 12\n").unwrap();
    let config = |path: &Path| format!("--config={}", path.display());
    let no_env = Surroundings { env: &|_| None, ..around };
    let options = parse(&program(), [config(&path)], &no_env).unwrap();
    assert_eq!(options.users, Some(12));
    // Neither a folder nor something endless is a configuration file.
    let exit = parse(&program(), [config(folder.path())], &no_env).unwrap_err();
    assert!(
        exit.stderr.ends_with("Is a directory (os error 21) (from --config)\n"),
        "{}",
        exit.stderr
    );
    let exit = parse(&program(), [config(Path::new("/dev/zero"))], &no_env).unwrap_err();
    assert!(exit.stderr.ends_with("Error: larger than 1 MiB (from --config)\n"), "{}", exit.stderr);
}

#[test]
fn what_was_given_is_told_without_secrets() {
    let options = ["--host", "https://ann:pw@shop.example/x", "--web-token", "0123456789abcdef0"];
    let options = parse(&Program::new("shop", "1.0"), options, &Surroundings::none()).unwrap();
    assert_eq!(options.given["host"], "https://…@shop.example/x");
    assert_eq!(options.given["web-token"], "…");
    assert_eq!(options.given.len(), 2, "defaults were not given");
    assert!(!format!("{options:?}").contains("0123456789"));
}
