//! Distributed tracing: W3C context through every hop, spans exported by OTLP.
