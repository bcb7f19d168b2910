//! How many users run when, and of which class where: pure arithmetic, no I/O.
