//! Whole runs on virtual time: hours in seconds, the same every time.
