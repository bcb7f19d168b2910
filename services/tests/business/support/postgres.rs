//! A PostgreSQL cluster for one test: its own folder, its own port, gone with the test.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) struct Cluster {
    /// The server, without a database.
    pub(crate) url: String,
    server: Child,
    _folder: TempDir,
}

impl Cluster {
    /// `None` when `SWARMER_SKIP_POSTGRES=1`; a failed test when the programs are missing.
    pub(crate) fn start() -> Option<Cluster> {
        if std::env::var("SWARMER_SKIP_POSTGRES").is_ok_and(|value| value == "1") {
            eprintln!("not run on PostgreSQL: SWARMER_SKIP_POSTGRES=1");
            return None;
        }
        let programs = programs().expect(
            "PostgreSQL is missing. Run:\n\n    apt-get install -y postgresql-15\n\n\
             (or set SWARMER_SKIP_POSTGRES=1 to leave this database out)",
        );
        let folder = tempfile::tempdir().unwrap();
        let owner = unprivileged();
        if let Some((uid, gid)) = owner {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = folder.path().join("data");
        let initdb = command(&programs.join("initdb"), owner, folder.path())
            .args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(initdb.status.success(), "{}", String::from_utf8_lossy(&initdb.stderr));

        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = command(&programs.join("postgres"), owner, folder.path());
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(folder.path());
        for setting in ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=200"] {
            server.args(["-c", setting]);
        }
        let server = server.spawn().unwrap();
        let cluster = Cluster {
            url: format!("postgres://postgres@127.0.0.1:{port}"),
            server,
            _folder: folder,
        };
        Cluster::wait_until_ready(&programs, port);
        Some(cluster)
    }

    fn wait_until_ready(programs: &Path, port: u16) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let ready = || {
            Command::new(programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
                .status()
                .unwrap()
                .success()
        };
        while !ready() {
            assert!(Instant::now() < deadline, "PostgreSQL did not start within 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // An immediate shutdown also ends the server's own children, which a kill would leave to notice.
        let _ = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

fn command(program: &Path, owner: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    root.then(|| ids("postgres").or_else(|| ids("nobody")).expect("a user that is not root"))
}

/// Where `initdb` and `postgres` are: Debian's place, or on the PATH.
fn programs() -> Option<PathBuf> {
    let debian = (13..=20).rev().map(|version| format!("/usr/lib/postgresql/{version}/bin").into());
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(PathBuf::from("/usr/lib/postgresql/15/bin"))
        .chain(debian)
        .chain(std::env::split_paths(&path))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}
