//! Saved summaries of real runs: the report made again, two runs side by side.
#![expect(clippy::unwrap_used, reason = "a panic is a failure here")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Server, output, told};
use tempfile::TempDir;

/// Requests of a run.
const REQUESTS: u64 = 120;

/// A folder with the summary of a run against `path` of a server.
struct Runs {
    folder: TempDir,
    server: Server,
}

impl Runs {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), server: Server::start() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs against `path` of the server; the summary's place.
    fn run(&self, name: &str, path: &str) -> String {
        let file = self.path(name);
        let (url, requests) = (format!("{}{path}", self.server.url), REQUESTS.to_string());
        let run = output(&["hit", &url, "-n", &requests, "-u", "4", "--summary-json", &file]);
        assert!(run.status.code().is_some_and(|code| code < 2), "{run:?}");
        file
    }
}

/// Whether the page was built; if not, says that the test has nothing to look at.
fn is_built() -> bool {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist/report.html");
    let built = page.is_file();
    if !built {
        eprintln!("SKIPPED: web/dist is not built (make ui)");
    }
    built
}

/// What stands in the element of a page that has this id.
fn data(page: &str, id: &str) -> Value {
    let tag = format!("id=\"{id}\">");
    let from = page.find(&tag).expect("the data are in the page") + tag.len();
    let text = page[from..].split("</script>").next().unwrap();
    serde_json::from_str(text).unwrap()
}

fn json(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn a_report_holds_the_whole_record_and_is_small() {
    if !is_built() {
        return;
    }
    let runs = Runs::new();
    let summary = runs.run("run.json", "/");
    let made = output(&["report", &summary]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let place = runs.path("run.html");
    assert_eq!(String::from_utf8(made.stdout).unwrap(), format!("Wrote {place}\n"));
    let page = fs::read_to_string(&place).unwrap();
    assert!(page.len() < 700_000, "{} bytes", page.len());
    assert!(page.contains("window.theme=\"light\""));
    let mut record = data(&page, "swarmer-record");
    assert_eq!(record, json(&summary));
    assert_eq!(record["total"]["requests"].take(), REQUESTS);
    let class = &record["tasks"]["per_class"].as_object().unwrap().values().next().unwrap();
    assert_eq!(class["ratio"], 1.0, "one class has all users");
    assert_eq!(class["tasks"].as_object().unwrap().len(), 1, "{class}");
    let shown = page.split("window.templateArgs=").nth(1).unwrap();
    assert!(shown.contains("\"tasks\":{\"per_class\":{"), "the page shows them");

    let again = output(&["report", &summary]);
    assert_eq!(again.status.code(), Some(1));
    let told = String::from_utf8(again.stderr).unwrap();
    assert!(
        told.contains("exists already; nothing was written (--force writes over it)"),
        "{told}"
    );
    let dark = output(&["report", &summary, "--force", "--theme", "dark"]);
    assert_eq!(dark.status.code(), Some(0), "{dark:?}");
    assert!(fs::read_to_string(&place).unwrap().contains("window.theme=\"dark\""));
    let printed = output(&["report", &summary, "-o", "-"]);
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), page);
    let left: Vec<_> = fs::read_dir(runs.folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 2, "no other file is left: {left:?}");
}

#[test]
fn thousands_of_names_and_errors_stay_small() {
    if !is_built() {
        return;
    }
    let runs = Runs::new();
    let summary = runs.run("run.json", "/bad");
    let mut large = json(&summary);
    let many = |list: &Value, copies: usize, field: &str| -> Value {
        let named = |(at, mut entry): (usize, Value)| {
            entry[field] = format!("{} number {at}", entry[field].as_str().unwrap()).into();
            entry
        };
        std::iter::repeat_n(list[0].clone(), copies).enumerate().map(named).collect()
    };
    large["rows"] = many(&large["rows"], 2_000, "name");
    large["row_histories"] = many(&large["row_histories"], 2_000, "name");
    large["errors"] = many(&large["errors"], 20_000, "error");
    fs::write(&summary, large.to_string()).unwrap();
    let made = output(&["report", &summary]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let page = fs::read_to_string(runs.path("run.html")).unwrap();
    assert!(page.contains("id=\"swarmer-record\" data-encoding=\"gzip\">"));
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
}

#[test]
fn two_runs_are_compared_as_text_as_json_and_as_a_page() {
    let runs = Runs::new();
    let (good, bad) = (runs.run("good.json", "/"), runs.run("bad.json", "/bad"));
    // The other path has another name, and would be another row.
    let renamed = fs::read_to_string(&bad).unwrap().replace("\"/bad\"", "\"/\"");
    fs::write(&bad, renamed).unwrap();

    let text = output(&["compare", &good, &bad, "--fail"]);
    assert_eq!(text.status.code(), Some(1), "{text:?}");
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.starts_with("B is worse: of all requests, failures from 0.00 % to 100.00 %"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 80 || line.contains("http")), "{text}");
    let other_way = output(&["compare", &bad, &good, "--fail"]);
    assert_eq!(other_way.status.code(), Some(0));
    let same = output(&["compare", &good, &good, "--fail"]);
    assert_eq!(same.status.code(), Some(0));
    assert!(String::from_utf8(same.stdout).unwrap().starts_with("No difference that matters"));

    let printed = output(&["compare", &good, &bad, "--json"]);
    assert_eq!(printed.status.code(), Some(0), "without --fail a difference is no failure");
    let comparison: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(comparison["total"]["failure_ratio"]["better"], false);
    assert_eq!(comparison["a"]["requests"], REQUESTS);
    if !is_built() {
        return;
    }
    let place = runs.path("difference.html");
    let made = output(&["compare", &good, &bad, "--html", &place]);
    assert_eq!(String::from_utf8(made.stderr).unwrap(), format!("Wrote {place}\n"));
    let page = fs::read_to_string(&place).unwrap();
    assert_eq!(data(&page, "swarmer-comparison"), comparison);
}

#[test]
fn runs_are_added_up_and_the_sum_is_a_run_like_others() {
    let runs = Runs::new();
    let (first, second) = (runs.run("first.json", "/"), runs.run("second.json", "/bad"));
    let sum = runs.path("sum.json");
    let made = output(&["merge", &first, &second, "-o", &sum]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let sum_of = json(&sum);
    assert_eq!(sum_of["total"]["requests"], 2 * REQUESTS);
    assert_eq!(sum_of["total"]["failures"], REQUESTS);
    assert_eq!(sum_of["funnels"][0]["runs"], 2 * REQUESTS);
    assert_eq!(sum_of["notes"][0], format!("merged from 2 runs: {first}, {second}"));
    let over_time = sum_of["history"]["requests"].as_array().unwrap();
    assert_eq!(over_time.iter().filter_map(Value::as_u64).sum::<u64>(), 2 * REQUESTS);
    // It is compared, reported and added again.
    let compared = output(&["compare", &first, &sum]);
    assert_eq!(compared.status.code(), Some(0), "{compared:?}");
    let more = output(&["merge", &sum, &first, "-o", "-"]);
    let more: Value = serde_json::from_slice(&more.stdout).unwrap();
    assert_eq!(more["runs"].as_array().unwrap().len(), 3);
    assert_eq!(more["total"]["requests"], 3 * REQUESTS);
    assert!(more["notes"][0].as_str().unwrap().starts_with("merged from 3 runs: "));

    let lean = fs::read_to_string(&first).unwrap();
    let at = lean.find("\"percentile_source\": \"fine\"").unwrap();
    let other = lean[..at].to_owned() + &lean[at..].replacen("\"fine\"", "\"locust\"", 1);
    fs::write(&second, other).unwrap();
    let refused = output(&["merge", &first, &second, "-o", "-"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("come from different sources"));
    if is_built() {
        assert_eq!(output(&["report", &sum]).status.code(), Some(0));
    }
}

#[test]
fn files_that_are_no_summaries_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run.json");
    let file = place.to_str().unwrap();
    let says = |content: &[u8], text: &str| {
        fs::write(&place, content).unwrap();
        let commands =
            [&["report", file][..], &["compare", file, file], &["merge", file, file, "-o", "-"]];
        for command in commands {
            let told = told(command);
            assert!(told.contains(text) && told.contains("run.json': "), "{told}");
            assert!(told.starts_with("exit code ") && !told.starts_with("exit code 0"), "{told}");
        }
    };
    says(b"{", "this is no JSON document");
    says(b"[]", "--summary-json writes such documents");
    says(b"{\"version\": 7}", "this summary is of version 7");
    says(b"{\"version\": 1}", "this summary is damaged: missing field");
    says(&[0xff, 0xfe], "this is no text in UTF-8");
    assert!(told(&["compare", "/no/such/file", file]).starts_with("exit code 2\n"));
}
