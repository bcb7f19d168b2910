//! What a task is handed: HTTP, think times, random numbers, identity.
