//! dynaclaimz
fn main() {}
