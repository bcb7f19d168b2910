//! The gateway as a server: its settings, its document, its instruments.

use crate::gateway::{self, Counters, GatewayConfig};
use crate::operations::api_document;
use crate::shared::config::Vars;
use crate::shared::instruments::Instruments;
use crate::shared::serve::{Bound, Server};

/// Reads the gateway's settings; bad ones are noted.
pub(crate) fn read(vars: &mut Vars) -> GatewayConfig {
    GatewayConfig::from_env(|name| vars.text(name).map(str::to_owned)).unwrap_or_else(|problems| {
        for problem in problems {
            vars.problem(problem.to_string());
        }
        GatewayConfig::default()
    })
}

/// What differs in a demonstration: no rate limit, and no log line for each of thousands of requests a second.
const DEMO: [(&str, &str); 2] = [("RATE_LIMIT_MAX_REQUESTS", "0"), ("ACCESS_LOG", "false")];

/// Sets a demonstration's settings where the environment sets none.
pub(crate) fn set_demo_defaults(vars: &mut Vars) {
    for (name, value) in DEMO {
        if vars.text(name).is_none() {
            vars.set(name, value);
        }
    }
}

/// The gateway's settings for a demonstration.
pub(crate) fn for_demo() -> GatewayConfig {
    let mut vars = Vars::from_pairs([]);
    set_demo_defaults(&mut vars);
    read(&mut vars)
}

/// Serves the gateway.
pub(crate) fn start(
    bound: Bound,
    config: &GatewayConfig,
    instruments: &Instruments,
    counters: &Counters,
) -> Server {
    let document = serde_json::to_value(api_document()).unwrap_or_default();
    let routes = gateway::router(config, &document);
    let (routes, tracer) = instruments.around_gateway(counters, routes);
    tracing::info!("api-gateway listens on {}", bound.address);
    Server::start(bound, routes, tracer)
}
