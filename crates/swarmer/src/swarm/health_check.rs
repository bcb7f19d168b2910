//! `--health-check`: a short second process that says whether a swarm on this machine is well. It is what a container's
//! health check runs, so that an image needs neither a shell nor a web client.

use std::ffi::OsString;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStringExt as _;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http;
use crate::options::{self, Exit, Options, Program, Surroundings};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Asks the swarm that the options describe; the exit code is 0 when it is well, else 1.
pub(super) fn main(program: &Program, own: Options) -> ExitCode {
    let (options, is_first) = match of_first_process(program) {
        Some(Ok(options)) => (options, true),
        Some(Err(exit)) => return exit.print(),
        None => (own, false),
    };
    match ask(&options, is_first) {
        Ok(text) => say(&format!("well: {text}"), ExitCode::SUCCESS),
        Err(text) => say(&format!("not well: {text}"), ExitCode::FAILURE),
    }
}

#[expect(clippy::print_stdout, reason = "containers keep what a health check prints")]
fn say(text: &str, code: ExitCode) -> ExitCode {
    println!("{text}");
    code
}

/// In a container the swarm is the process with id 1; what it was started with is what to ask.
fn of_first_process(program: &Program) -> Option<Result<Options, Exit>> {
    let is_same = fs::read_link("/proc/1/exe").ok()? == fs::read_link("/proc/self/exe").ok()?;
    if !is_same || std::process::id() == 1 {
        return None;
    }
    let words = words(&fs::read("/proc/1/cmdline").ok()?);
    Some(options::parse(program, words.into_iter().skip(1), &Surroundings::of_process()))
}

/// A command line as Linux keeps it: each word ends with a zero.
fn words(line: &[u8]) -> Vec<OsString> {
    let line = line.strip_suffix(&[0]).unwrap_or(line);
    line.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
}

fn ask(options: &Options, is_first: bool) -> Result<String, String> {
    let cluster = &options.cluster;
    if cluster.worker {
        return connected(&cluster.master_host, cluster.master_port, sockets());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    if !options.headless {
        return runtime.block_on(page(options));
    }
    if cluster.master {
        let host = here(cluster.bind_host.as_deref());
        return runtime.block_on(listens(SocketAddr::new(host, cluster.bind_port)));
    }
    if is_first {
        return Ok("a headless run, and its process is there".into());
    }
    Err("a headless run without workers listens nowhere: watch its process instead".into())
}

/// Where to reach what listens at `host`; `None`, `*` and the like mean everywhere, so here too.
fn here(host: Option<&str>) -> IpAddr {
    let host = host.unwrap_or("*").trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(IpAddr::V6(address)) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        Ok(address) if !address.is_unspecified() => address,
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

async fn listens(address: SocketAddr) -> Result<String, String> {
    match timeout(LIMIT, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(format!("a master listens at {address}")),
        Ok(Err(error)) => Err(format!("no master listens at {address}: {error}")),
        Err(_) => Err(format!("{address} accepts no connection within {} s", LIMIT.as_secs())),
    }
}

/// The page's own word on it. A certificate is not checked: it names the host as others see it.
async fn page(options: &Options) -> Result<String, String> {
    let web = &options.web;
    let scheme = if web.tls_cert.is_some() { "https" } else { "http" };
    let address = SocketAddr::new(here(web.host.as_deref()), web.port);
    let url = format!("{scheme}://{address}{}/health", web.base_path);
    let config = http::Config { insecure: true, ..http::Config::default() };
    let mut client = http::Client::new(&http::Shared::new(config), None);
    let answer = client.send(http::Request::get(&url).timeout(LIMIT)).await.result;
    match answer.map(|answer| answer.status()) {
        Ok(200) => Ok(format!("{url} answers")),
        Ok(status) => Err(format!("{url} answers with status {status}")),
        Err(error) => Err(format!("{url}: {error}")),
    }
}

/// The connections of this machine (in a container: of the container), as Linux lists them.
fn sockets() -> String {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| fs::read_to_string(path).unwrap_or_default())
        .concat()
}

/// A worker serves nothing, but one that is well has a connection to its master.
fn connected(host: &str, port: u16, sockets: impl AsRef<str>) -> Result<String, String> {
    const ESTABLISHED: &str = "01";
    let is_to_master = |line: &str| {
        let mut fields = line.split_whitespace().skip(2);
        let (Some(remote), Some(state)) = (fields.next(), fields.next()) else { return false };
        let remote = remote.rsplit(':').next().and_then(|hex| u16::from_str_radix(hex, 16).ok());
        state == ESTABLISHED && remote == Some(port)
    };
    if sockets.as_ref().lines().any(is_to_master) {
        return Ok(format!("a worker, connected to port {port} of its master"));
    }
    Err(format!("a worker without a connection to its master {host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_command_line_is_parted_at_zeros() {
        assert_eq!(
            words(b"load-tests\0--host\0http://a b\0"),
            ["load-tests", "--host", "http://a b"]
        );
        assert_eq!(words(b"p\0--csv\0\0"), ["p", "--csv", ""]);
    }

    #[test]
    fn everywhere_is_asked_for_here() {
        for host in [None, Some("*"), Some(""), Some("0.0.0.0"), Some("some-name")] {
            assert_eq!(here(host), Ipv4Addr::LOCALHOST, "{host:?}");
        }
        assert_eq!(here(Some("::")), Ipv6Addr::LOCALHOST);
        assert_eq!(here(Some("127.0.0.9")), IpAddr::from([127, 0, 0, 9]));
    }

    #[test]
    fn a_worker_is_well_while_a_connection_to_its_master_stands() {
        let master = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = master.local_addr().unwrap().port();
        let before = connected("locust-master", port, sockets());
        assert_eq!(
            before.unwrap_err(),
            format!("a worker without a connection to its master locust-master:{port}")
        );
        let worker = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (accepted, _) = master.accept().unwrap();
        connected("locust-master", port, sockets()).unwrap();
        drop((worker, accepted));
        connected("locust-master", port, sockets()).unwrap_err();
    }
}
