//! A certified receipt from a stranger, with a last line that fits what stands above it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mailping_core::certified::Verifier;
use sha2::{Digest as _, Sha256};

const EXAMPLE: &str = include_str!("../seeds/certified/example");
const KEY: &str = "example.com/receipts+568fe56e+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| Verifier::new(KEY.parse().expect("a key")));

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (above, _) = text.rsplit_once("\nend ").unwrap_or((text, ""));
    let above = format!("{above}\n");
    let sum: String = Sha256::digest(&above).iter().map(|byte| format!("{byte:02x}")).collect();
    let receipt = format!("{above}end {sum}\n");
    for text in [text, &receipt] {
        // Of the log with this key there is one receipt.
        assert!(text == EXAMPLE || VERIFIER.verify(text).is_err());
    }
});
