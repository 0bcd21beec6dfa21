//! An address as somebody types or pastes it: an address or a refusal, never a panic, and no word
//! of it in either.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mailping_core::ClientIp;
use mailping_fuzz::Subject;

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| Subject::new(ClientIp::peer()));

fuzz_target!(|text: &str| {
    let read = SUBJECT.address(text);
    assert!(read.as_ref().err().is_none_or(|refused| refused.len() < 512), "a refusal has its own words alone");
    // What surrounds an address that was read changes nothing of that.
    if read.is_ok() && text.len() < 1_900 {
        SUBJECT.address(&format!(" \u{200b}{text}\r\n")).expect("the same address");
    }
});
