//! No path but one with the pixel's own token is a hit, however near it comes; and what stands
//! around the token does not hide it.

#![no_main]

use std::sync::LazyLock;

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use mailping_core::ClientIp;
use mailping_fuzz::Subject;

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| Subject::new(ClientIp::peer()));

const CHARS: usize = 48;

fuzz_target!(|data: &[u8]| {
    let own = SUBJECT.path.strip_suffix(".gif").expect("the pixel's name");
    let (base, token) = own.split_at(own.len() - CHARS);
    let try_path = |path: &str| SUBJECT.observe(path, None, &HeaderMap::new(), 7_200).is_some();
    let text = String::from_utf8_lossy(data);
    assert!(!try_path(&text), "a token was taken that was never made: {text}");

    // The same bytes as changes to the good token.
    let mut changes = data.iter().copied().chain(std::iter::repeat(0));
    let changed: Vec<u8> = token.bytes().map(|byte| byte ^ changes.next().unwrap_or(0)).collect();
    if let Ok(changed) = std::str::from_utf8(&changed) {
        assert_eq!(try_path(&format!("{base}{changed}.gif")), changed.eq_ignore_ascii_case(token));
    }

    // The same text around it: before it without what a token may hold, what begins an escape and
    // what ends a path.
    let before = text.chars().take(200).filter(|c| !c.is_ascii_alphanumeric() && !"%=?#".contains(*c));
    let before: String = before.collect();
    for path in [
        format!("{base}{before}{token}{text}"),
        format!("{base}{before}{}/opt-out", token.to_ascii_uppercase()),
    ] {
        assert!(try_path(&path), "the token was not found: {path}");
    }
});
