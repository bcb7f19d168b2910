//! What agents do: shared sign-in and rotation, quote management, claims management.

pub mod base;
pub mod claims_behavior;
pub mod quote_behavior;

pub use claims_behavior::ClaimsManagement;
pub use quote_behavior::QuoteManagement;
