//! An address as somebody types or pastes it: an address or a refusal, never a panic, and no word
//! of it in either.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mailping_core::people::Recipient;

fuzz_target!(|text: &str| {
    let read = Recipient::parse(text);
    assert!(format!("{read:?}").len() < 64, "a refusal or a recipient shows more than its name");
    // What surrounds an address that was read changes nothing of that.
    if read.is_ok() && text.len() < 1_900 {
        Recipient::parse(&format!(" \u{200b}{text}\r\n")).expect("the same address");
    }
});
