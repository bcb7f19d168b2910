//! Writes the pages that are made from the table of options: `cargo run -p swarmer --example reference`.
//!
//! They are those of a workload without options of its own; every workload prints its own with `--generate`.

use std::fs;
use std::path::Path;

use swarmer::Swarm;
use swarmer::options::Document;

/// Each page with its place in the repository.
pub(crate) fn pages() -> Vec<(&'static str, String)> {
    let program = Swarm::new("workload", env!("CARGO_PKG_VERSION"))
        .about("A workload written with swarmer")
        .program();
    [
        ("docs/reference/options.md", Document::Markdown),
        ("docs/man/workload.1", Document::Man),
        ("docs/completions/workload.bash", Document::Bash),
        ("docs/completions/_workload", Document::Zsh),
        ("docs/completions/workload.fish", Document::Fish),
    ]
    .map(|(path, document)| (path, program.document(document)))
    .to_vec()
}

#[allow(dead_code, reason = "a test takes the pages only")]
fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, text) in pages() {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&root))?;
        fs::write(path, text)?;
    }
    Ok(())
}
