//! What is deployed: the images, the compose file, the script that pushes, the Kubernetes manifests. Each is used for
//! real as far as one machine without a Docker engine or a cluster can.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod cluster;
mod compose;
mod documents;
mod health_check;
mod images;
mod kubernetes;
mod push_script;
mod support;

#[path = "../../../services/tests/business/support/postgres.rs"]
mod postgres;
