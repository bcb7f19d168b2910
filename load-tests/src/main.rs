//! The binary `load-tests`: `load-tests --help` tells what it can do.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    load_tests::swarm().environment(load_tests::demo::environment()).run()
}
