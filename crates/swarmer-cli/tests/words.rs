//! What the tool says: help, version, mistakes.

mod support;

use support::told;

#[test]
fn help_and_version() {
    insta::assert_snapshot!("help", told(&["--help"]));
    insta::assert_snapshot!("hit_help", told(&["hit", "--help"]));
    insta::assert_snapshot!("hit_short_help", told(&["hit", "-h"]));
    insta::assert_snapshot!("new_help", told(&["new", "--help"]));
    insta::assert_snapshot!("report_help", told(&["report", "--help"]));
    insta::assert_snapshot!("compare_help", told(&["compare", "--help"]));
    insta::assert_snapshot!("merge_help", told(&["merge", "--help"]));
    let version = env!("CARGO_PKG_VERSION");
    for flag in ["-V", "--version"] {
        assert_eq!(
            told(&[flag]),
            format!("exit code 0\n--- stdout\nswarmer {version}\n--- stderr\n")
        );
    }
    assert_eq!(told(&["help", "hit"]), told(&["hit", "--help"]));
}

#[test]
fn mistakes_end_with_code_2_and_name_what_is_wrong() {
    let lines: &[&[&str]] = &[
        &["hti", "http://x"],
        &["http://localhost:8080/"],
        &["hit"],
        &["hit", "http://a", "http://b"],
        &["hit", "ftp://a/"],
        &["hit", "http://"],
        &["hit", "http://a", "-H", "no colon"],
        &["hit", "http://a", "-X", "GET /"],
        &["hit", "http://a", "-d", "x", "--body-file", "y"],
        &["hit", "http://a", "--body-file", "/no/such/file"],
        &["hit", "http://a", "-u", "-3"],
        &["hit", "http://a", "-r", "NaN"],
        &["hit", "http://a", "-t", "1.5s"],
        &["hit", "http://a", "-n", "0"],
        &["hit", "http://a", "--mehtod", "GET"],
        &["hit", "http://a", "--host", "http://b"],
        &["new"],
        &["new", "../shop"],
        &["new", "Shop"],
        &["new", "test"],
        &["new", "shop", "--swarmer-path", "/no/such/folder"],
        &["report"],
        &["report", "a.json", "b.json"],
        &["report", "a.json", "--theme", "blue"],
        &["compare", "a.json"],
        &["compare", "a.json", "b.json", "--json", "--html", "-"],
        &["merge", "a.json"],
        &["merge", "a.json", "b.json"],
        &["compare", "/no/such/file", "b.json"],
    ];
    let told: Vec<String> = lines
        .iter()
        .map(|args| {
            let told = told(args);
            let told = told.strip_prefix("exit code 2\n--- stdout\n--- stderr\n");
            format!(
                "$ swarmer {}\n{}",
                args.join(" "),
                told.expect("exit code 2 and a text on stderr")
            )
        })
        .collect();
    insta::assert_snapshot!("mistakes", told.join("\n"));
}
