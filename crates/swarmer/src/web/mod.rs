//! The web page, its REST interface, and who may use them.

#[expect(dead_code, reason = "the server that asks it comes next")]
mod auth;

pub use auth::user_line;
