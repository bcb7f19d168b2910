//! Faults on purpose: latency, errors, dropped connections and stalls, for demonstrations and for testing load tests.
