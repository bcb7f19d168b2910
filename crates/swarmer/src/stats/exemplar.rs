//! Single requests that are kept: the slowest and the failed ones, a few of each row.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a request is kept.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// It is among the slowest of its row that succeeded.
    #[default]
    Slow,
    /// It failed.
    Failed,
}

/// One request with everything that helps to find it elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exemplar {
    /// Why it is kept.
    pub why: Why,
    /// Its method.
    pub method: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// When it was completed, seconds since the Unix epoch.
    pub at: f64,
    /// Its response time, milliseconds; `None` for events without one.
    pub time: Option<f64>,
    /// The number of its user.
    pub user: u64,
    /// The class of its user.
    pub scenario: Arc<str>,
    /// The segment of its user, if it has one.
    pub segment: Option<Arc<str>>,
    /// HTTP status; 0 when there was no reply.
    pub status: u16,
    /// The trace id it was sent with, 32 hexadecimal digits; empty when it had none.
    pub trace: Box<str>,
    /// The error's text, if it failed.
    pub error: Option<Arc<str>>,
    /// The beginning of the reply's body, if it failed and had one, as text.
    pub excerpt: Option<Box<str>>,
}
