//! Console tables and CSV files, rendered from a summary.
