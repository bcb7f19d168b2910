//! The server that all contenders load: nginx with one worker on the first core, a fixed small answer, no log.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::contender::Target;
use crate::process::children_of;
use crate::tools::peer;

/// How the server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP/1.1 over connections that are kept.
    Plain,
    /// The same at eight addresses of this machine: between two addresses there are 28,232 ports, and whoever opens ten thousand
    /// connections a second has the kernel search for a free one most of the time. Such a server may stand beside another one on
    /// its core, and gives way to it.
    PlainAtEight,
    /// The same over TLS 1.3.
    Tls,
    /// TLS 1.3 with one request for each connection, and a log that says which sessions were resumed.
    TlsOnce,
    /// HTTP/2 without TLS, by prior knowledge.
    Http2,
}

pub(crate) struct Nginx {
    process: Child,
    /// The process that answers.
    worker: u32,
    url: String,
    folder: TempDir,
}

impl Nginx {
    pub(crate) fn start() -> Result<Self> {
        Self::speaking(Speaks::Plain)
    }

    pub(crate) fn speaking(speaks: Speaks) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let scheme = match speaks {
            Speaks::Plain | Speaks::PlainAtEight | Speaks::Http2 => "http",
            Speaks::Tls | Speaks::TlsOnce => {
                make_certificate(folder.path())?;
                "https"
            }
        };
        let path = folder.path().join("nginx.conf");
        fs::write(&path, configuration(folder.path(), port, speaks))?;
        let process = Command::new(peer("nginx")?)
            .arg("-c")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("`nginx` does not start")?;
        let url = format!("{scheme}://127.0.0.1:{port}");
        let mut server = Self { process, worker: 0, url, folder };
        server.wait_until_up(port)?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its page at each of its addresses, between commas: of [`Speaks::PlainAtEight`].
    pub(crate) fn pages(&self) -> String {
        let first = self.url.clone();
        let more = others().map(|at| self.url.replace("127.0.0.1", &at));
        let pages: Vec<_> = std::iter::once(first).chain(more).map(|url| url + "/").collect();
        pages.join(",")
    }

    /// One line per connection, `r` if it resumed a session: of [`Speaks::TlsOnce`].
    pub(crate) fn session_log(&self) -> PathBuf {
        self.folder.path().join("sessions.log")
    }

    pub(crate) fn target(&self) -> Target<'_> {
        Target { url: &self.url, process: self.worker }
    }

    fn wait_until_up(&mut self, port: u16) -> Result<()> {
        for _ in 0..100 {
            // The port is open before the worker is there.
            let worker = children_of(self.process.id())?;
            if let (Ok(_), [worker]) = (TcpStream::connect(("127.0.0.1", port)), &worker[..]) {
                self.worker = *worker;
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("nginx ended at once: {status}");
            }
            sleep(Duration::from_millis(50));
        }
        bail!("nginx does not listen after five seconds");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM lets the master end its worker too; a kill would leave the worker behind.
        if let Ok(pid) = libc::pid_t::try_from(self.process.id()) {
            // SAFETY: a signal to a child that has not been waited for yet, so that the number is still its own.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        let _ = self.process.wait();
    }
}

/// The addresses of [`Speaks::PlainAtEight`] beside the usual one.
fn others() -> impl Iterator<Item = String> {
    (2..=8).map(|last| format!("127.0.0.{last}"))
}

fn configuration(folder: &Path, port: u16, speaks: Speaks) -> String {
    let root = folder.display();
    let body = format!(r#"{{"success":true,"data":"{}"}}"#, "x".repeat(106));
    let (listen, more) = match speaks {
        Speaks::Plain => ("", String::new()),
        Speaks::PlainAtEight => {
            let more = others().map(|at| format!("listen {at}:{port} backlog=16384;"));
            ("", more.collect::<Vec<_>>().join(" "))
        }
        Speaks::Tls => (" ssl", String::new()),
        // The log is written in large pieces, so that it costs the server next to nothing.
        Speaks::TlsOnce => (
            " ssl",
            format!(
                "keepalive_timeout 0; ssl_session_tickets on; access_log {root}/sessions.log sessions buffer=64k flush=1s;"
            ),
        ),
        Speaks::Http2 => (" http2", "http2_max_concurrent_streams 10000;".to_owned()),
    };
    let priority = if speaks == Speaks::PlainAtEight { "worker_priority 19;" } else { "" };
    let tls = if listen == " ssl" {
        format!(
            "ssl_certificate {root}/certificate.pem; ssl_certificate_key {root}/key.pem; ssl_protocols TLSv1.3;"
        )
    } else {
        String::new()
    };
    format!(
        "daemon off; worker_processes 1; worker_cpu_affinity 1; worker_rlimit_nofile 65536; {priority}\n\
         error_log {root}/error.log; pid {root}/nginx.pid;\n\
         events {{ worker_connections 32768; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;\n\
           log_format sessions '$ssl_session_reused';\n\
           client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;\n\
           uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;\n\
           server {{ listen 127.0.0.1:{port}{listen} backlog=16384; {tls} {more}\n\
             location / {{ default_type application/json; return 200 '{body}'; }} }} }}\n"
    )
}

/// A key on the curve P-256 and a certificate that it signs itself.
fn make_certificate(folder: &Path) -> Result<()> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    fs::write(folder.join("certificate.pem"), made.cert.pem())?;
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem())?;
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
