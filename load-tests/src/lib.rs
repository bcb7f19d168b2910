//! Insurance agents at work in the DynaClaimz API.
//!
//! Laid out like the document it comes from: the entry point (`main.rs`), the settings ([`config`]), what agents do
//! ([`behaviors`]) and helpers ([`utils`]).

pub mod behaviors;
pub mod config;
pub mod demo;
pub mod utils;

use swarmer::{Setup, SetupError, Swarm};

use crate::behaviors::{ClaimsManagement, QuoteManagement};
use crate::config::Settings;
use crate::utils::directory::Directory;

/// The workload: both kinds of agent, with the settings that the options ask for.
pub fn swarm() -> Swarm {
    Swarm::new("load-tests", env!("CARGO_PKG_VERSION"))
        .about("Insurance agents at work in the DynaClaimz API: quotes, policies, claims")
        .options(config::options())
        .configure(|swarm, options| {
            let settings = Settings::from_options(options)?;
            Ok(swarm
                .scenario(QuoteManagement::scenario(&settings))
                .scenario(ClaimsManagement::scenario(&settings))
                .provide(settings))
        })
        .setup(load_directory)
}

async fn load_directory(setup: &mut Setup) -> Result<(), SetupError> {
    let directory = Directory::load(setup).await?;
    setup.provide(directory);
    Ok(())
}
