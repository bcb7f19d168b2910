//! A run over workers: its port, and the wait for those that are expected.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::desk::Desk;
use super::{SetupError, classes};
use crate::clock::Anchor;
use crate::cluster::zmtp::{self, BindOptions, Token};
use crate::logging::MAIN;
use crate::options::ClusterOptions;
use crate::runner::{self, Command, Handle, LeftRun, Workers};
use crate::scenario::Override;

/// The wait for workers is told of again after so long.
const REMINDER: Duration = Duration::from_secs(5);

/// Listens for workers.
///
/// # Errors
/// When the port is taken, or the address is none of this machine.
pub(super) fn listen(desk: &Desk, anchor: Anchor) -> Result<Workers, SetupError> {
    let options = desk.options();
    let cluster = &options.cluster;
    let host = cluster.bind_host.as_deref().unwrap_or("*");
    let token = token(cluster)?;
    let (socket, address) =
        zmtp::bind(host, cluster.bind_port, BindOptions { token }).map_err(|error| {
            SetupError::new(format!(
                "cannot listen for workers at {host}:{}: {error}",
                cluster.bind_port
            ))
            .hint("Choose another port with --master-bind-port, or end what uses it.")
        })?;
    info!(target: MAIN, "Listening for workers at {address}");
    let hooks = Arc::clone(&desk.swarm().hooks);
    let edits = Override::read_all(&options.config_users);
    let edits = edits.map_err(|error| SetupError::new(error.to_string()))?;
    let edits = edits.iter().map(classes::as_edit).collect();
    let command = Command {
        anchor,
        hooks,
        coarse: options.locust_percentiles,
        journal: cluster.journal.clone(),
        edits,
    };
    let classes = desk.swarm().classes.iter().map(|class| class.name().to_owned());
    Ok(Workers::new(socket, command, classes.collect()))
}

/// The run that a master before this one has left in its journal.
///
/// # Errors
/// When there is a journal that cannot be read.
pub(super) fn left_run(
    cluster: &ClusterOptions,
    starts: bool,
) -> Result<Option<LeftRun>, SetupError> {
    let Some(path) = &cluster.journal else { return Ok(None) };
    let left = runner::left_run(path).map_err(|error| {
        SetupError::new(format!("--journal: cannot read {}: {error}", path.display()))
            .hint("Remove the file to begin a run of its own.")
    })?;
    if left.is_some() && !starts {
        warn!(
            target: MAIN,
            "{} tells of a run that has not ended; --headless or --autostart take it up", path.display()
        );
    }
    Ok(left.filter(|_| starts))
}

pub(super) fn token(cluster: &ClusterOptions) -> Result<Option<Token>, SetupError> {
    let token = cluster.token.as_deref().map(Token::new).transpose();
    token.map_err(|weak| SetupError::new(format!("--cluster-token: {weak}")))
}

/// Waits until as many workers are ready as `--expect-workers` asks for; not at all without a cluster.
///
/// # Errors
/// When that takes too long.
pub(super) async fn wait_for_workers(
    cluster: &ClusterOptions,
    mut handle: Handle,
) -> Result<(), SetupError> {
    if !cluster.master {
        return Ok(());
    }
    let (began, wanted) = (Instant::now(), cluster.expect_workers as usize);
    let mut next_reminder = REMINDER;
    loop {
        let workers = handle.latest().map(|summary| summary.workers.clone()).unwrap_or_default();
        let ready = workers.iter().filter(|worker| worker.state == "ready").count();
        if ready >= wanted {
            return Ok(());
        }
        let waited = began.elapsed();
        if cluster.expect_workers_max_wait.is_some_and(|limit| waited >= limit) {
            return Err(SetupError::new("Gave up waiting for workers to connect"));
        }
        if waited >= next_reminder {
            next_reminder = waited + REMINDER;
            info!(target: MAIN, "Waiting for workers to be ready, {ready} of {wanted} connected");
        }
        if !handle.next_second().await {
            return Ok(());
        }
    }
}
