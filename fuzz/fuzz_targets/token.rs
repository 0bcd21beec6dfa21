//! No path but the pixel's own is a hit, however near it comes.

#![no_main]

use std::sync::LazyLock;

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use mailping_core::ClientIp;
use mailping_fuzz::Subject;

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| Subject::new(ClientIp::peer()));

fuzz_target!(|data: &[u8]| {
    let own = SUBJECT.path.strip_suffix(".gif").expect("the pixel's name");
    let (base, token) = own.split_at(own.len() - 40);
    let try_path = |path: &str| {
        let is_taken = SUBJECT.observe(path, None, &HeaderMap::new(), 7_200).is_some();
        assert!(!is_taken || path.contains(token), "a token was taken that was never made: {path}");
        is_taken
    };
    try_path(&String::from_utf8_lossy(data));

    // The same bytes as changes to the good token.
    let mut changes = data.iter().copied().chain(std::iter::repeat(0));
    let changed: Vec<u8> = token.bytes().map(|byte| byte ^ changes.next().unwrap_or(0)).collect();
    if let Ok(changed) = std::str::from_utf8(&changed) {
        assert_eq!(try_path(&format!("{base}{changed}.gif")), changed == token);
    }
});
