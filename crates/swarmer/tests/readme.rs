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
