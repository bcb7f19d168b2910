//! The binary `swarmer`: `swarmer --help` tells what it can do.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    swarmer_cli::run(std::env::args_os().skip(1).collect())
}
