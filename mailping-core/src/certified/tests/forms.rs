//! Receipts at the edges of the format, on which two verifiers could differ. Each is signed with
//! the right key: both refuse it, or both accept it and print the same.

use super::*;

pub(super) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, &content].concat()
}

const SHA_256: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// A token that anyone can make: nobody has signed it.
fn token(note: &str, time: &str, sha_256: &[u8], unsigned: &[u8]) -> Vec<u8> {
    let signed_data = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let time_stamp = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
    let imprint = der(0x30, &[&der(0x30, &[&der(6, &[sha_256])]), &der(4, &[&sha256(&[note.as_bytes()])])]);
    let info = [der(2, &[&[1]]), der(6, &[&[0x2a]]), imprint, der(2, &[&[7]]), der(0x18, &[time.as_bytes()])];
    let content = der(0xa0, &[&der(4, &[&der(0x30, &[&info.concat()])])]);
    let signed = [der(2, &[&[3]]), der(0x31, &[unsigned]), der(0x30, &[&der(6, &[&time_stamp]), &content])];
    der(0x30, &[&der(6, &[&signed_data]), &der(0xa0, &[&der(0x30, &[&signed.concat()])])])
}

/// What is put in front of what an authority signs, so that whoever searches the token for the
/// digest finds a time of 2010 behind it.
pub(super) fn decoy(note: &str) -> Vec<u8> {
    let decoy = [&sha256(&[note.as_bytes()])[..], b"\x18\x0f20100101000000Z"].concat();
    der(0x30, &[&der(6, &[&SHA_256]), &der(4, &[&decoy])])
}

/// A receipt with a token over its earlier checkpoint, whose page says this time.
fn stamped(make: impl Fn(&str) -> Vec<u8>, time: &str) -> String {
    let mut file = finished().file();
    let before = &mut file.before[0];
    before.token = Some((make(&before.note), time.parse().unwrap()));
    file.to_text()
}

const NOW: &str = "2026-11-28T00:54:00Z";
const LONG_AGO: &str = "2010-01-01T00:00:00Z";

/// Not as the format is described.
pub(super) fn refused() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |kind: &str, what: &str, text: String| all.push((format!("{kind}: {what}"), text));
    let now = "20261128005400Z";
    add("stamp", "with a decoy", stamped(|note| token(note, now, &SHA_256, &decoy(note)), LONG_AGO));
    add("stamp", "no DER", stamped(|_| b"\x18\x0f20100101000000Z".to_vec(), LONG_AGO));
    add("stamp", "nothing", stamped(|_| Vec::new(), LONG_AGO));
    add("stamp", "over another note", stamped(|_| token("other", now, &SHA_256, &[]), NOW));
    add("stamp", "of another hash", stamped(|note| token(note, now, &SHA_256[..8], &[]), NOW));
    add("stamp", "more behind it", stamped(|note| [token(note, now, &SHA_256, &[]), vec![0]].concat(), NOW));
    let leap = |note: &str| token(note, "20261128005360Z", &SHA_256, &[]);
    add("stamp", "in a leap second", stamped(leap, "2026-11-28T00:53:59Z"));
    for time in ["20261328005400Z", "20261128005400", "20261128005400+0100", "19691231235959Z"] {
        add("stamp", time, stamped(|note| token(note, time, &SHA_256, &[]), NOW));
    }
    for (at, byte) in [(1, 0x80), (1, 0x85), (0, 0x31)] {
        let odd = |note: &str| {
            let mut token = token(note, now, &SHA_256, &[]);
            token[at] = byte;
            token
        };
        add("stamp", "odd bytes", stamped(odd, NOW));
    }
    all
}

#[test]
fn what_is_in_another_form_is_refused() {
    for (name, receipt) in refused() {
        assert!(verifier().verify(&receipt).is_err(), "{name}");
    }
}

#[test]
fn a_stamp_is_never_printed_without_saying_that_it_was_not_checked() {
    let receipt = stamped(|note| token(note, "20261128005400Z", &SHA_256, &[]), NOW);
    let certified = verifier().verify(&receipt).unwrap();
    let sentence = "No stamp was checked: anyone can make one that names any time. ";
    for page in [certified.to_string(), certified.to_html()] {
        assert!(page.contains("stamped at 2026-11-28T00:54:00Z") && page.contains(sentence), "{page}");
    }
    assert!(!verifier().verify(&finished().receipt()).unwrap().to_string().contains(sentence));
}
