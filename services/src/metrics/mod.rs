//! Prometheus metrics of one service.
