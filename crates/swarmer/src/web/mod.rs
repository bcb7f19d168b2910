//! The web page, its REST interface, and who may use them.
//!
//! ```text
//! browsers, scripts ──> guard ──> routes ──> handlers ──Wish──> whoever begins and ends runs (crate::swarm)
//!                                               │
//!                                               └── Handle: the latest Summary, history, stop, reset (crate::runner)
//! ```
//!
//! The server has a thread and a runtime of its own, so that no browser holds up the control plane. It reads what
//! everybody reads, one [`Summary`](crate::stats::Summary) a second, and renders it once for all who ask.
//!
//! `locust/` holds the interface that scripts written for Locust know, `api/` the one of the page.

mod api;
mod assets;
mod auth;
mod boot;
mod form;
mod guard;
mod live;
mod locust;
mod login;
mod metrics;
mod packed;
mod page;
mod reply;
mod routes;
mod server;
mod site;
mod tls;
mod wish;

pub use auth::user_line;
pub(crate) use form::words;
pub(crate) use server::{Door, Server, ServerError};
pub(crate) use site::About;
pub(crate) use wish::{Ask, ClassFacts, Facts, Problem, Reason, Started, Wish};
