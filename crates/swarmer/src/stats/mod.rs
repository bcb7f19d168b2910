//! Histograms, per-thread recorders, their merge, and the one summary everything people see is rendered from.
