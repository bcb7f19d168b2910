//! The gateway in front of services that the tests script, over real sockets.

mod client;
mod limits;
mod pages;
mod passing_on;
mod stub;
mod trouble;
