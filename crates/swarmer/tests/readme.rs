//! What the README shows is what is there.

use std::fs;
use std::path::Path;

#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).expect("README.md");
    let example = fs::read_to_string(root.join("crates/swarmer/examples/quickstart.rs"))
        .expect("the example");
    assert!(
        readme.contains(&format!("```rust\n{}\n```", example.trim())),
        "README.md must show examples/quickstart.rs, whole and unchanged"
    );
}

/// The example's process, with its server: it asks for pages and ends clean.
#[test]
fn the_quickstart_runs() {
    use std::io::{Read, Write};
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = format!("http://{}", server.local_addr().expect("its number"));
    std::thread::spawn(move || {
        for mut stream in server.incoming().flatten() {
            std::thread::spawn(move || {
                while stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
                    if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    // `cargo test` builds the examples too (not so `--test readme` alone, or `--all-targets`), beside this test's folder.
    let test = std::env::current_exe().expect("this program's path");
    let example = test.ancestors().nth(2).expect("the build folder").join("examples/quickstart");
    assert!(example.exists(), "not built; run `cargo build --package swarmer --examples` first");
    let arguments = "--headless -u 5 -r 50 -t 2s --time-scale 0.05";
    let output = std::process::Command::new(example)
        .args(["--host", &host])
        .args(arguments.split(' '))
        .output()
        .expect("the example starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("Search") && stderr.contains("Page"), "{stderr}");
}
