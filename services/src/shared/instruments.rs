//! What watches a service and what disturbs it on purpose: traces, metrics, faults. Put around a router in
//! one place, so that all five processes are alike.

use axum::Router;

use super::config::Vars;
use super::db::Db;
use crate::faults::{Faults, Service};
use crate::gateway::Counters;
use crate::metrics::Metrics;
use crate::telemetry::{self, ExportConfig, Tracer};

/// The settings that the services of a process share.
#[derive(Clone)]
pub(crate) struct Instruments {
    pub(crate) export: Option<ExportConfig>,
    pub(crate) faults: Faults,
    fault_token: Option<String>,
}

impl Instruments {
    /// No collector, no faults.
    pub(crate) fn none() -> Instruments {
        Instruments { export: None, faults: Faults::new(None), fault_token: None }
    }

    /// From `OTEL_…`, `FAULTS…` and `FAULT_ADMIN_TOKEN`.
    pub(crate) fn read(vars: &mut Vars) -> Instruments {
        let get = |name: &str| vars.text(name).map(str::to_owned);
        let (export, faults) = (ExportConfig::from_env(get), Faults::from_env(get));
        let fault_token = get("FAULT_ADMIN_TOKEN");
        let export = export.unwrap_or_else(|problem| {
            vars.problem(problem.to_string());
            None
        });
        let faults = faults.unwrap_or_else(|problem| {
            vars.problem(problem.to_string());
            Faults::new(None)
        });
        Instruments { export, faults, fault_token }
    }

    /// A service's router with everything around it, and its tracer, to be flushed at the end.
    pub(crate) fn around_service(
        &self,
        name: &'static str,
        db: &Db,
        routes: Router,
    ) -> (Router, Tracer) {
        let tracer = Tracer::start_service(name, self.export.as_ref());
        let tracer = tracer.with_database(db.description().clone());
        let metrics = Metrics::new(name);
        let pools = db.clone();
        metrics.watch_pool(move || pools.pool_use());
        (self.around(name, &metrics, &tracer, routes), tracer)
    }

    /// The same for the gateway, with its count outermost, so that not one request escapes it.
    pub(crate) fn around_gateway(&self, counters: &Counters, routes: Router) -> (Router, Tracer) {
        let name = "api-gateway";
        let tracer = Tracer::start_service(name, self.export.as_ref());
        let metrics = Metrics::new(name);
        metrics.watch_gateway(counters);
        (counters.count(self.around(name, &metrics, &tracer, routes)), tracer)
    }

    fn around(
        &self,
        name: &'static str,
        metrics: &Metrics,
        tracer: &Tracer,
        routes: Router,
    ) -> Router {
        metrics.watch_tracer(tracer);
        metrics.watch_faults(&self.faults);
        let routes = match Service::named(name) {
            Some(service) => self.faults.instrument(routes, service),
            None => routes,
        };
        let routes = metrics.instrument(telemetry::instrument(routes, tracer));
        routes.merge(metrics.routes()).merge(self.faults.admin_routes(self.fault_token.as_deref()))
    }
}
