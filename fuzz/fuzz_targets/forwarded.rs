//! `Forwarded` headers, one a line, from a proxy and from a stranger.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mailping_core::ClientIp;
use mailping_fuzz::{Subject, try_forwarding};

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| {
    Subject::new(ClientIp::forwarded("10.0.0.0/8, 192.168.0.0/16, fd00::/8").expect("networks"))
});

fuzz_target!(|data: &[u8]| try_forwarding(&SUBJECT, "forwarded", data));
