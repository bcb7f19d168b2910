//! The HTTP client of one user: connections, requests, responses, timings.
