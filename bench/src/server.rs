//! The server that all contenders load: nginx with one worker on the first core, a fixed small answer, no log.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

pub(crate) struct Nginx {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Nginx {
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let root = folder.path().display();
        let body = format!(r#"{{"success":true,"data":"{}"}}"#, "x".repeat(106));
        let config = format!(
            "daemon off; worker_processes 1; worker_cpu_affinity 1; worker_rlimit_nofile 65536;\n\
             error_log {root}/error.log; pid {root}/nginx.pid;\n\
             events {{ worker_connections 32768; }}\n\
             http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;\n\
               client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;\n\
               uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;\n\
               server {{ listen 127.0.0.1:{port} backlog=16384;\n\
                 location / {{ default_type application/json; return 200 '{body}'; }} }} }}\n"
        );
        let path = folder.path().join("nginx.conf");
        fs::write(&path, config)?;
        let process = Command::new("nginx")
            .arg("-c")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("`nginx` does not start; is the package nginx-light installed?")?;
        let mut server = Self { process, url: format!("http://127.0.0.1:{port}"), _folder: folder };
        server.wait_until_up(port)?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn wait_until_up(&mut self, port: u16) -> Result<()> {
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
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
        // SIGQUIT lets the master end its worker too; a kill would leave the worker behind.
        if let Ok(pid) = libc::pid_t::try_from(self.process.id()) {
            // SAFETY: a signal to a child that has not been waited for yet, so that the number is still its own.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        let _ = self.process.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
