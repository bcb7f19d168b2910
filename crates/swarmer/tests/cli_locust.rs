//! Locust's own parser and ours read the same command lines, variables and files: same ends, same words, same values.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

#[path = "support/locust.rs"]
mod locust;

use std::ffi::OsString;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use swarmer::options::{Effect, Exit, Kind, Options, Program, Surroundings, parse};

#[derive(Deserialize)]
struct Theirs {
    actions: Vec<Action>,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Action {
    flags: Vec<String>,
    env: Option<String>,
    default: Value,
    is_flag: bool,
    is_hidden: bool,
}

#[derive(Deserialize)]
struct Line {
    code: u8,
    said: String,
    values: Value,
}

/// Arguments parted by `|`, one variable, one `locust.conf`.
#[derive(Clone, Copy, Default)]
struct Case {
    args: &'static str,
    env: Option<(&'static str, &'static str)>,
    conf: Option<&'static str>,
}

impl Case {
    const fn args(args: &'static str) -> Self {
        Self { args, env: None, conf: None }
    }

    const fn env(name: &'static str, value: &'static str) -> Self {
        Self { args: "", env: Some((name, value)), conf: None }
    }

    const fn conf(text: &'static str) -> Self {
        Self { args: "", env: None, conf: Some(text) }
    }

    fn words(&self) -> Vec<&'static str> {
        if self.args.is_empty() { Vec::new() } else { self.args.split('|').collect() }
    }

    fn for_locust(&self) -> Value {
        let env: serde_json::Map<String, Value> =
            self.env.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({ "args": self.words(), "env": env, "conf": self.conf })
    }

    fn ours(&self) -> Result<Options, Exit> {
        let env = |name: &str| {
            self.env.filter(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        let read = |path: &Path| match self.conf {
            Some(text) if path == Path::new("locust.conf") => Ok(text.as_bytes().to_vec()),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        parse(&Program::new("locust", "1"), self.words(), &Surroundings { env: &env, read: &read })
    }

    fn shown(&self) -> String {
        format!("args {:?}, env {:?}, conf {:?}", self.args, self.env, self.conf)
    }
}

fn theirs(cases: &[Case]) -> Theirs {
    let lines: Vec<Value> = cases.iter().map(Case::for_locust).collect();
    let answer = locust::run("locust_options.py", &json!({ "lines": lines }).to_string());
    serde_json::from_str(&answer).unwrap()
}

/// Command lines that both refuse, in the same words as far as Locust's go; ours add what is allowed, and where a value
/// from outside the command line was found.
const REFUSED: &[Case] = &[
    Case::args("--slave"),
    Case::args("--expect-slaves"),
    Case::args("--expect-slaves|3"),
    Case::args("--web-auth"),
    Case::args("--legacy-ui"),
    Case::args("--sho"),
    Case::args("--we|3"),
    Case::args("--master-|3"),
    Case::args("--zz"),
    Case::args("-x|--zz|--usres|3|--hots=4"),
    Case::args("--usres|3"),
    Case::args("--usres=3"),
    Case::args("--spawnrate|5"),
    Case::args("--run_time|5"),
    Case::args("--hots|x"),
    Case::args("--user-s"),
    Case::args("-Z"),
    Case::args("-u"),
    Case::args("--zz|-u"),
    Case::args("--csv|--headless"),
    Case::args("-u|abc"),
    Case::args("-u|1.5"),
    Case::args("-u|"),
    Case::args("--users="),
    Case::args("--users=5=6"),
    Case::args("-u|0x10"),
    Case::args("-u|NaN"),
    Case::args("-u|1e3"),
    Case::args("-r|x"),
    Case::args("-r|0"),
    Case::args("-r|-1"),
    Case::args("-r|nan"),
    Case::args("-r|inf"),
    Case::args("-r|1e999"),
    Case::args("-t|5d"),
    Case::args("-t|"),
    Case::args("-t|1m 2s"),
    Case::args("-s|x"),
    Case::args("-s|1.5s"),
    Case::args("--headless=1"),
    Case::args("--json=1"),
    Case::args("--csv-full-history"),
    Case::args("--autoquit|x"),
    Case::args("--web-port|abc"),
    Case::args("-P|"),
    Case::args("--processes|x"),
    Case::args("--exit-code-on-error|x"),
    Case::args("--master-port|x"),
    Case::args("--loglevel|loud"),
    Case::args("-L|"),
    Case::args("--config|no-such-file.conf"),
    Case::env("LOCUST_USERS", "many"),
    Case::env("LOCUST_RUN_TIME", "5d"),
    Case::env("LOCUST_SPAWN_RATE", "0"),
    Case::env("LOCUST_HEADLESS", "maybe"),
    Case::env("LOCUST_HEADFUL", ""),
    Case::conf("userz = 3\n"),
    Case::conf("users = many\n"),
    Case::conf("headless = maybe\n"),
    Case::conf("sho\n"),
    Case::conf("bogus\nmore = 4\n"),
];

/// Where our words differ on purpose: theirs, ours.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("invalid checker value", "invalid float value"),
    // Python says what it could not do with a file in its own way.
    ("Error: [Errno 2] No such file or directory: 'no-such-file.conf'", "Error: entity not found"),
];

#[test]
fn both_refuse_in_the_same_words() {
    let theirs = theirs(REFUSED);
    for (case, theirs) in REFUSED.iter().zip(theirs.lines) {
        let shown = case.shown();
        let ours = case.ours().map(|_| ()).unwrap_err();
        assert_eq!(ours.code, theirs.code, "{shown}: {}{}", theirs.said, ours.stderr);
        let mut expected = theirs.said;
        for (theirs, ours) in OTHER_WORDS {
            expected = expected.replace(theirs, ours);
        }
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        let rest = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert!(
            first(&ours.stderr).starts_with(&first(&expected)),
            "{shown}:\n{expected}{}",
            ours.stderr
        );
        if !rest(&expected).is_empty() {
            assert_eq!(rest(&ours.stderr), rest(&expected), "{shown}");
        }
    }
}

/// What both take, and the fields that must then be equal.
const TAKEN: &[(Case, &[&str])] = &[
    (Case::args(""), FIELDS),
    (Case::args("-u|5|-r|2.5|-t|1h30m|-s|20|-H|http://a.example"), FIELDS),
    (Case::args("--users=5|--users|7|--headless|--headl|A|B"), FIELDS),
    (Case::args("-u| 5 |-r| 1.5|-t|007"), FIELDS),
    (Case::args("--st|5|--expect-workers|3|--expect-workers-max|9|--loglevel|debug"), FIELDS),
    (Case::args("-L|Warning|--logfile|x.log|--csv|p|--csv-full|--only|--reset-s"), FIELDS),
    (Case::args("--master-bind-h|1.2.3.4|--master-bind-p|5|--master-h|h|--master-p|6"), FIELDS),
    (Case::args("--web-host|1.2.3.4|-P80|--web-base|/x|--autostart|--autoquit|-1|--class"), FIELDS),
    (
        Case::args("--autoquit|3|--tls-c|c|--tls-k|k|--web-l|--print|--html|h|--json|--json-f|j"),
        FIELDS,
    ),
    (Case::args("--exit|3|--show-task-ratio|--show-task-ratio-j|-l|--headl|--"), FIELDS),
    (Case::args("--processes|-1|--enable"), FIELDS),
    (Case::env("LOCUST_USERS", "12"), FIELDS),
    (Case::env("LOCUST_HEADLESS", "YES"), FIELDS),
    (Case::env("LOCUST_HEADLESS", "off"), FIELDS),
    (Case::env("LOCUST_STOP_TIMEOUT", "1m"), FIELDS),
    (Case::env("LOCUST_USER_CLASSES", " A  B"), &[]),
    (Case::conf("users = 5\nheadless\nhost: http://c.example\nspawn-rate 2 # two\n"), FIELDS),
    (Case::conf("[x]\n; no\n--users = 6\nrun-time = \"2m\"\nheadless = false\n"), FIELDS),
];

/// Fields of Locust's parsed options that ours have as well.
const FIELDS: &[&str] = &[
    "num_users",
    "spawn_rate",
    "run_time",
    "host",
    "headless",
    "user_classes",
    "stop_timeout",
    "expect_workers",
    "expect_workers_max_wait",
    "loglevel",
    "logfile",
    "csv_prefix",
    "stats_history_enabled",
    "only_summary",
    "reset_stats",
    "master_bind_host",
    "master_bind_port",
    "master_host",
    "master_port",
    "web_host",
    "web_port",
    "web_base_path",
    "autostart",
    "autoquit",
    "class_picker",
    "tls_cert",
    "tls_key",
    "web_login",
    "print_stats",
    "html_file",
    "json",
    "json_file",
    "exit_code_on_error",
    "show_task_ratio",
    "show_task_ratio_json",
    "list_commands",
    "processes",
    "enable_rebalancing",
];

/// Our value of a field of Locust's, as Locust would show it.
fn field(options: &Options, name: &str) -> Value {
    let (web, cluster) = (&options.web, &options.cluster);
    let path = |path: &Option<std::path::PathBuf>| json!(path);
    let path_or_empty = |path: &Option<std::path::PathBuf>| json!(path.clone().unwrap_or_default());
    match name {
        "num_users" => json!(options.users),
        "spawn_rate" => json!(options.spawn_rate),
        "run_time" => json!(options.run_time.map(|span| span.as_secs())),
        "host" => json!(options.host),
        "headless" => json!(options.headless),
        "user_classes" => json!(options.user_classes),
        "stop_timeout" => json!(options.stop_timeout.as_secs()),
        "expect_workers" => json!(cluster.expect_workers),
        "expect_workers_max_wait" => {
            json!(cluster.expect_workers_max_wait.map_or(0, |wait| wait.as_secs()))
        }
        "loglevel" => json!(options.log_level.as_str()),
        "logfile" => path(&options.log_file),
        "csv_prefix" => path(&options.csv),
        "stats_history_enabled" => json!(options.csv_full_history),
        "only_summary" => json!(options.only_summary),
        "reset_stats" => json!(options.reset_stats),
        "master_bind_host" => json!(cluster.bind_host.as_deref().unwrap_or("*")),
        "master_bind_port" => json!(cluster.bind_port),
        "master_host" => json!(cluster.master_host),
        "master_port" => json!(cluster.master_port),
        "web_host" => json!(web.host.as_deref().unwrap_or_default()),
        "web_port" => json!(web.port),
        "web_base_path" => json!(web.base_path),
        "autostart" => json!(web.autostart),
        "autoquit" => web.autoquit.map_or(json!(-1), |span| json!(span.as_secs())),
        "class_picker" => json!(web.class_picker),
        "tls_cert" => path_or_empty(&web.tls_cert),
        "tls_key" => path_or_empty(&web.tls_key),
        "web_login" => json!(web.login),
        "print_stats" => json!(options.print_stats),
        "html_file" => path(&options.html),
        "json" => json!(options.json),
        "json_file" => path(&options.json_file),
        "exit_code_on_error" => json!(options.exit_code_on_error),
        "show_task_ratio" => json!(options.show_task_ratio),
        "show_task_ratio_json" => json!(options.show_task_ratio_json),
        "list_commands" => json!(options.list),
        "processes" => json!(cluster.processes),
        "enable_rebalancing" => json!(cluster.enable_rebalancing),
        other => panic!("no field {other}"),
    }
}

#[test]
fn both_read_the_same_values() {
    let cases: Vec<Case> = TAKEN.iter().map(|(case, _)| *case).collect();
    let theirs = theirs(&cases);
    for ((case, fields), theirs) in TAKEN.iter().zip(theirs.lines) {
        let shown = case.shown();
        assert_eq!(theirs.code, 0, "{shown}: {}", theirs.said);
        let ours = case.ours().unwrap_or_else(|exit| panic!("{shown}: {}", exit.stderr));
        for name in *fields {
            let (ours, theirs) = (field(&ours, name), &theirs.values[name]);
            // 5 and 5.0 are one number; the time spans' default is a text there.
            let number = |value: &Value| {
                value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            };
            let same =
                ours == *theirs || (number(&ours).is_some() && number(&ours) == number(theirs));
            assert!(same, "{shown}: {name} is {ours}, in Locust {theirs}");
        }
    }
}

#[test]
fn every_option_of_locusts_is_here() {
    let theirs = theirs(&[]);
    let program = Program::new("locust", "1");
    let table = program.all_options();
    let mut known = 0;
    for action in &theirs.actions {
        let Some(long) = action.flags.iter().find_map(|flag| flag.strip_prefix("--")) else {
            continue; // The positional user classes, whose variable their parser reads apart.
        };
        let opt = table
            .iter()
            .find(|opt| opt.long() == long)
            .unwrap_or_else(|| panic!("--{long} is missing"));
        known += 1;
        let short = action.flags.iter().find_map(|flag| {
            let letter = flag.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
            letter.chars().next()
        });
        assert_eq!(opt.short_letter(), short, "--{long}");
        assert_eq!(opt.env_name(), action.env.as_deref(), "--{long}");
        assert_eq!(opt.kind().is_flag(), action.is_flag, "--{long}");
        assert_eq!(opt.is_hidden(), action.is_hidden, "--{long}");
        let default = match &action.default {
            Value::Bool(false) | Value::Null => None,
            Value::String(text) if text.is_empty() || long == "locustfile" => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        assert_eq!(opt.default_value().map(str::to_owned), default, "--{long}");
        if let Effect::Removed(_) = opt.effect() {
            assert!(opt.is_hidden(), "--{long}");
        }
        assert!(!matches!(opt.kind(), Kind::List), "--{long}: a form that Locust does not have");
    }
    assert!(known > 50, "only {known} options were compared");
}
