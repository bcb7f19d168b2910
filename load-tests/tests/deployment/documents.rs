//! What the documents on deployment say: the headings people know are there, and every command in them is understood.

use std::fs;
use std::process::Command;

use swarmer::options::{Surroundings, parse};

use crate::support::{self, text};

fn read(path: &str) -> String {
    fs::read_to_string(support::root().join(path)).unwrap()
}

#[test]
fn the_readme_has_the_headings_that_people_know() {
    let readme = read("load-tests/README.md");
    let headings: Vec<&str> = readme.lines().filter(|line| line.starts_with("##")).collect();
    assert_eq!(
        headings,
        [
            "## Overview",
            "## Project Structure",
            "## Features",
            "## Building and Deploying",
            "### Build and Push to ECR",
            "## Running Load Tests",
            "### Using Docker Compose",
            "### Standalone",
            "### Running Headless Tests",
            "## Configuration",
            "### User Segmentation (A/B Testing)",
            "### User Distribution",
            "### Wait Times",
            "## Test Scenarios",
            "### Quote Agent Journey (4 Tasks)",
            "### Claims Agent Journey (3 Tasks)",
            "### User Rotation Feature",
            "## Metrics",
            "## Data Initialization",
            "## Example Commands",
            "## Troubleshooting",
            "### \"Failed to fetch organizations/users\"",
            "### High Failure Rates",
            "### Connection Errors",
            "## Best Practices",
            "## Integration with Observability",
            "### Observability Features",
        ]
    );
    let page = read("docs/troubleshooting.md");
    for heading in
        ["\"Failed to fetch organizations/users\"", "High Failure Rates", "Connection Errors"]
    {
        assert!(page.contains(&format!("\n## {heading}\n")), "no {heading}");
    }
}

/// The commands of the shell blocks, lines that go on joined, comments cut off.
fn commands(document: &str) -> Vec<String> {
    let blocks = document.split("```").skip(1).step_by(2).filter(|block| block.starts_with("bash"));
    let lines = blocks.flat_map(|block| {
        let joined = block.replace("\\\n", " ");
        joined.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    });
    let bare = |line: String| line.split(" #").next().unwrap().trim().to_owned();
    lines.map(bare).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Words as a shell parts them, as far as these documents go: blanks, and double quotes.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    parts.fold(Vec::new(), |mut words, (number, part)| {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
        words
    })
}

#[test]
fn every_command_of_the_workload_is_understood() {
    let program = load_tests::swarm().environment(load_tests::demo::environment()).program();
    let mut seen = 0;
    for document in [
        "load-tests/README.md",
        "docs/running-in-compose.md",
        "docs/sizing.md",
        "docs/troubleshooting.md",
    ] {
        for command in commands(&read(document)) {
            let words = words(&command);
            if !words[0].ends_with("load-tests") {
                continue;
            }
            let read = parse(&program, &words[1..], &Surroundings::none());
            let options =
                read.unwrap_or_else(|exit| panic!("{document}: {command}: {}", exit.stderr));
            assert!(
                options.unknown_user_classes(&["QuoteAgent", "ClaimsAgent"]).is_empty(),
                "{command}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen} commands");
}

#[test]
fn every_call_of_the_script_is_understood() {
    let mut seen = 0;
    for command in commands(&read("load-tests/README.md")) {
        let Some(words) = command.strip_prefix("./build-and-push.sh") else { continue };
        let script = support::root().join("load-tests/build-and-push.sh");
        let mut call = Command::new(script);
        let output = call.args(words.split_whitespace()).arg("--dry-run").output().unwrap();
        assert!(output.status.success(), "{command}: {}", text(&output.stderr));
        seen += 1;
    }
    assert!(seen >= 4, "{seen} calls");
}

/// Files that the documents name are there.
#[test]
fn every_page_and_folder_is_there() {
    for page in ["running-in-compose", "running-on-kubernetes", "sizing", "troubleshooting"] {
        assert!(read("docs/SUMMARY.md").contains(&format!("({page}.md)")), "{page}");
        let text = read(&format!("docs/{page}.md"));
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(support::root().join("docs").join(file).exists(), "{page}: {link}");
        }
    }
    let kubernetes = read("docs/running-on-kubernetes.md");
    for folder in ["load-testing", "dynaclaimz", "overlays/demo", "overlays/eks"] {
        assert!(kubernetes.contains(&format!("`{folder}")), "{folder}");
        assert!(
            support::root().join("deploy/k8s").join(folder).join("kustomization.yaml").exists()
        );
    }
}
