#![no_main]
#![allow(dead_code, reason = "what is checked is shared by all targets")]

#[path = "../../tests/support/hostile.rs"]
mod hostile;

libfuzzer_sys::fuzz_target!(|data: &[u8]| hostile::frames(data));
