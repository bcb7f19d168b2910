//! A protocol of one's own: users who talk raw TCP to an echo server, each call timed as a request.
//!
//! The engine knows nothing of the protocol. `User::measure` times a block and counts it like any request: in the tables,
//! the files and the exit code. `without_host` says that these users need no `--host`; the address is an option of the
//! workload's own.
//!
//! Run it: `cargo run --example custom_protocol -- --address 127.0.0.1:7 -u 10 -t 1m --headless`

use swarmer::options::{Opt, Options};
use swarmer::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Somebody with an open line.
pub(crate) struct Caller {
    line: TcpStream,
    calls: u64,
}

/// Where the echo server is.
struct Address(String);

impl Caller {
    async fn dial(user: &mut User) -> Result<Self, TaskError> {
        let address = user.provided::<Address>()?;
        let line = user
            .measure("TCP", "connect", async |_| Ok(TcpStream::connect(&address.0).await?))
            .await?;
        line.set_nodelay(true)?;
        Ok(Self { line, calls: 0 })
    }

    async fn echo(&mut self, user: &mut User) -> TaskResult {
        self.calls += 1;
        let said = self.calls.to_be_bytes();
        let heard = user
            .measure("TCP", "echo", async |_| {
                self.line.write_all(&said).await?;
                let mut heard = [0; 8];
                self.line.read_exact(&mut heard).await?;
                Ok(heard)
            })
            .await?;
        if heard != said {
            return Err(TaskError::message("the echo is another one"));
        }
        user.count("bytes echoed", 8);
        Ok(())
    }
}

fn configure(swarm: Swarm, options: &Options) -> Result<Swarm, SetupError> {
    let address = options.custom.text("address").unwrap_or("127.0.0.1:7").to_owned();
    if !address.contains(':') {
        return Err(SetupError::new(format!("--address `{address}` has no port"))
            .hint("Give both: --address 127.0.0.1:7"));
    }
    let callers = Scenario::new("Caller", Caller::dial)
        .without_host()
        .wait(between(0.05, 0.15))
        .task(1, "Echo", Caller::echo);
    Ok(swarm.scenario(callers).provide(Address(address)))
}

/// The options of the workload's own.
pub(crate) fn options() -> Vec<Opt> {
    vec![
        Opt::text("address")
            .value_name("HOST:PORT")
            .help("The echo server (127.0.0.1:7 if not given)"),
    ]
}

/// The workload.
pub(crate) fn swarm() -> Swarm {
    Swarm::new("custom_protocol", "1.0").options(options()).configure(configure)
}

fn main() -> std::process::ExitCode {
    swarm().run()
}
