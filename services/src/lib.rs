//! DynaClaimz
