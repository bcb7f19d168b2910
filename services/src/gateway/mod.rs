//! The API gateway: a streaming proxy in front of the four services.
