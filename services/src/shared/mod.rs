//! What the four services share, each thing once.

pub(crate) mod choices;
pub(crate) mod config;
pub(crate) mod db;
pub(crate) mod document;
pub(crate) mod failure;
pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod ids;
pub(crate) mod instruments;
pub(crate) mod logs;
pub(crate) mod migrations;
pub(crate) mod money;
pub(crate) mod page;
pub(crate) mod peer;
pub(crate) mod reply;
pub(crate) mod rules;
pub(crate) mod serve;
pub(crate) mod time;
pub(crate) mod token;
