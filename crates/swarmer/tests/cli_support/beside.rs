//! The same command lines for Locust and for this engine, against the same kind of server.

use std::path::Path;
use std::process::Command;

use crate::process::{Ended, Workload};
use crate::run_support::Target;

/// Locust with the locustfile of these tests.
fn locust(arguments: &str) -> Workload {
    let mut command = Command::new(crate::locust::python());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/locustfile.py");
    command.args(["-m", "locust", "-f"]).arg(file);
    Workload::through(command, arguments)
}

/// Both ends of one command line: theirs, ours.
fn both(arguments: &str, signal: Option<i32>) -> [Ended; 2] {
    let run = |make: fn(&str) -> Workload| {
        let target = Target::start();
        let run = make(&format!("--host {} --headless {arguments}", target.url())).start();
        if let Some(signal) = signal {
            target.wait_for(20);
            run.signal(signal);
        }
        run.wait()
    };
    [run(locust), run(Workload::new)]
}

/// What is said beside tables, without time, host and the program's own name and version.
fn messages(ended: &Ended) -> Vec<String> {
    let lines = ended.stderr.lines().filter(|line| line.starts_with('['));
    let message = |line: &str| {
        let (_, rest) = line.split_once("] ").unwrap();
        let (_, rest) = rest.split_once('/').unwrap();
        let rest = rest.replace("/locust.", "/swarmer.");
        rest.replace("Starting Locust 2.47.0", "Starting shop 1.2.3")
    };
    // What Locust has no word for.
    let is_ours = |line: &String| {
        ["Seed ", "CSV files: ", "JSON file: "].iter().any(|own| line.contains(own))
    };
    let is_signal = |line: &String| line.contains("Got SIGINT signal");
    lines.map(message).filter(|line| !is_ours(line) && !is_signal(line)).collect()
}

/// The lines of tables; every figure is a `#`, and blanks before it count as one, because the digits differ.
fn tables(ended: &Ended) -> Vec<String> {
    let end = ended.stderr.rfind("Type     Name").unwrap();
    let start = ended.stderr[..end].rfind("Type     Name").unwrap();
    // What only we say comes after all that Locust says.
    let ours = ["\nWith 95 % confidence", "\ngenerator healthy", "\nSUSPECT from "];
    let ours = ours.iter().filter_map(|begin| Some(ended.stderr.find(begin)? + 1)).min();
    let stderr = &ended.stderr[start..ours.unwrap_or(ended.stderr.len())];
    let lines = stderr.lines().filter(|line| !line.starts_with('['));
    let shape = |line: &str| {
        if line.starts_with("--------") || line.starts_with("Type") || line.starts_with('#') {
            return line.to_owned();
        }
        let mut out = String::new();
        for c in line.chars() {
            let c = if c.is_ascii_digit() || c == '.' { '#' } else { c };
            if c == '#' || c == ' ' {
                out.truncate(out.trim_end_matches([' ', '#']).len());
            }
            out.push(c);
        }
        out.trim_end().to_owned()
    };
    lines.map(shape).collect()
}

/// The lines of the request table have all the same length and the same columns.
fn widths(ended: &Ended) -> Vec<usize> {
    let rows = ended.stderr.lines().filter(|line| line.contains(" | "));
    let mut widths: Vec<usize> = rows.map(str::len).collect();
    widths.sort_unstable();
    widths.dedup();
    widths
}

pub(crate) fn a_run_reads_like_locusts() {
    let [theirs, ours] = both("-u 4 -r 20 -t 4s --csv run --csv-full-history --json", None);
    assert_eq!((theirs.code, ours.code), (Some(1), Some(1)));
    assert_eq!(messages(&ours), messages(&theirs), "{}\n{}", theirs.stderr, ours.stderr);
    assert_eq!(messages(&ours).len(), 6, "{}", ours.stderr);
    assert_eq!(widths(&ours), widths(&theirs), "{}\n{}", theirs.stderr, ours.stderr);
    for name in ["run_stats.csv", "run_stats_history.csv", "run_failures.csv", "run_exceptions.csv"]
    {
        let header = |ended: &Ended| ended.read(name).split("\r\n").next().unwrap().to_owned();
        assert_eq!(header(&ours), header(&theirs), "{name}");
    }
    let names = |ended: &Ended| {
        let rows = ended.rows("run_stats.csv");
        rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect::<Vec<_>>()
    };
    assert_eq!(names(&ours), names(&theirs));
    let failure = |ended: &Ended| {
        let rows = ended.rows("run_failures.csv");
        rows.into_iter().map(|row| row[..3].to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(failure(&ours), failure(&theirs));
    let fields = |ended: &Ended| {
        let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let row = document[0].as_object().unwrap();
        row.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(fields(&ours), fields(&theirs));

    // Locust's --json empties its own tables; compare them without.
    let [theirs, ours] = both("-u 4 -r 20 -t 3s", None);
    assert_eq!(tables(&ours), tables(&theirs), "{}\n{}", theirs.stderr, ours.stderr);
    let [theirs, ours] = both("-u 4 -r 20 -t 2s --only-summary Buyer", None);
    assert_eq!((theirs.code, ours.code), (Some(0), Some(0)));
    assert_eq!(messages(&ours), messages(&theirs));
    let tables_in = |ended: &Ended| ended.stderr.matches("# fails").count();
    assert_eq!((tables_in(&theirs), tables_in(&ours)), (1, 1));
}

pub(crate) fn ends_are_locusts() {
    for (arguments, signal) in [
        ("-u 2 Buyer", Some(libc::SIGINT)),
        ("-u 2 Buyer", Some(libc::SIGTERM)),
        ("-u 2 -s 3 Seller", Some(libc::SIGTERM)),
        ("-u 2 --exit-code-on-error 7 Seller", Some(libc::SIGINT)),
        ("-t 1s --exit-code-on-error 0 Seller", None),
        ("-t 0s -u 1 Buyer", Some(libc::SIGINT)),
    ] {
        let [theirs, ours] = both(arguments, signal);
        assert_eq!(ours.code, theirs.code, "{arguments}: {}", ours.stderr);
        assert_eq!(messages(&ours), messages(&theirs), "{arguments}");
    }
}

pub(crate) fn answers_are_locusts() {
    for arguments in [
        "--list",
        "--headless Nobody",
        "--autoquit 3",
        "--processes -2",
        "--master --worker",
        "--zz",
        "-u many",
    ] {
        let (theirs, ours) = (locust(arguments).run(), Workload::new(arguments).run());
        assert_eq!(ours.code, theirs.code, "{arguments}: {}{}", theirs.stderr, ours.stderr);
        assert_eq!(ours.stdout, theirs.stdout, "{arguments}");
        // Locust logs its start even where it only answers a question.
        let said =
            theirs.stderr.trim_end().lines().filter(|line| !line.contains("Starting Locust"));
        let last = said.clone().next_back().unwrap_or_default();
        let text = last.rsplit_once(": ").map_or(last, |(_, text)| text);
        assert!(ours.stderr.contains(text), "{arguments}: no {text:?} in {}", ours.stderr);
    }
}
