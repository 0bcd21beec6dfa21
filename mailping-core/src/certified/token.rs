//! What a time-stamp token of RFC 3161 says: over which digest, and when. Whether an authority
//! signed it is for `openssl ts -verify`: this crate judges no certificates.

use super::hash::Hash;
use super::seal::second;
use crate::Timestamp;

const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SET: u8 = 0x31;
const TAGGED: u8 = 0xa0;
const TIME: u8 = 0x18;
/// id-signedData, 1.2.840.113549.1.7.2.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// id-ct-TSTInfo, 1.2.840.113549.1.9.16.1.4.
const TIME_STAMP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// id-sha256, 2.16.840.1.101.3.4.2.1.
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// The time that the token names, in whole seconds; `None` if it is no token over this SHA-256.
pub(super) fn time(token: &[u8], digest: &Hash) -> Option<Timestamp> {
    let mut content = Der(token).only(SEQUENCE)?;
    if content.next(OBJECT_ID)? != SIGNED_DATA {
        return None;
    }
    let mut signed = content.inner(TAGGED)?.inner(SEQUENCE)?;
    signed.next(INTEGER)?;
    signed.next(SET)?;
    let mut stamp = signed.inner(SEQUENCE)?;
    if stamp.next(OBJECT_ID)? != TIME_STAMP {
        return None;
    }
    let mut info = stamp.inner(TAGGED)?.inner(OCTETS)?.inner(SEQUENCE)?;
    info.next(INTEGER)?;
    info.next(OBJECT_ID)?;
    let mut imprint = info.inner(SEQUENCE)?;
    let algorithm = imprint.inner(SEQUENCE)?.next(OBJECT_ID)?;
    if algorithm != SHA_256 || imprint.next(OCTETS)? != digest {
        return None;
    }
    info.next(INTEGER)?;
    general_time(info.next(TIME)?)
}

/// The token within an authority's answer; `None` if it refused.
pub(super) fn in_answer(answer: &[u8]) -> Option<&[u8]> {
    let mut answer = Der(answer).only(SEQUENCE)?;
    let granted = matches!(answer.inner(SEQUENCE)?.next(INTEGER)?, [0 | 1]);
    (granted && !answer.0.is_empty()).then_some(answer.0)
}

/// `YYYYMMDDhhmmss`, decimals that do not matter here, and `Z`.
fn general_time(text: &[u8]) -> Option<Timestamp> {
    let text = str::from_utf8(text).ok()?;
    let (digits, rest) = text.split_at_checked(14)?;
    let decimals = rest.strip_suffix('Z')?;
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = decimals.is_empty() || decimals.strip_prefix('.').is_some_and(are_digits);
    if !fits || !are_digits(digits) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to);
    let (date, time) =
        ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(8, 10)?, part(10, 12)?, part(12, 14)?));
    second(&format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, time.0, time.1, time.2))
}

/// Values of DER, one behind the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value, which has this tag.
    fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match usize::from(*first) {
            short @ 0..0x80 => (short, rest),
            long => {
                let (bytes, rest) = rest.split_at_checked(long - 0x80)?;
                let fits = (1..=4).contains(&bytes.len());
                let length = bytes.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
                (fits.then_some(length)?, rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*found == tag).then_some(content)
    }

    fn inner(&mut self, tag: u8) -> Option<Self> {
        self.next(tag).map(Self)
    }

    /// The one value that there is.
    fn only(mut self, tag: u8) -> Option<Self> {
        let inner = self.inner(tag)?;
        self.0.is_empty().then_some(inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certified::hash::{from_base64, sha256};

    /// An answer that OpenSSL gave to a request for the SHA-256 of `a signed checkpoint\n`.
    const ANSWER: &str = "\
         MIIBxDADAgEAMIIBuwYJKoZIhvcNAQcCoIIBrDCCAagCAQMxDzANBglghkgBZQMEAgEFADBjBgsqhkiG9w0BCRAB\
         BKBUBFIwUAIBAQYEKgMEATAxMA0GCWCGSAFlAwQCAQUABCAmynwv3EvviQeFwHlleqAI48Bnwbk+/K1M8ExfWvAm\
         3AIBARgPMjAyNjExMjgwMDU0MDBaMYIBKzCCAScCAQEwJDAMMQowCAYDVQQDDAFhAhQUz2xUKaGGqX+TTF0b4mta\
         DAdW9TANBglghkgBZQMEAgEFAKCBmDAaBgkqhkiG9w0BCQMxDQYLKoZIhvcNAQkQAQQwHAYJKoZIhvcNAQkFMQ8X\
         DTI2MTEyODAwNTQwMFowKwYLKoZIhvcNAQkQAgwxHDAaMBgwFgQUc+EeJ0ngZ5U4wDc0Y1tz4gLIclEwLwYJKoZI\
         hvcNAQkEMSIEILTs1MHozUZZ8bNDQ2JNk7jvru/AMwrPx62K05u+mZnzMAoGCCqGSM49BAMCBEYwRAIgfO6VeQvG\
         yYWU6Xr89qR5bZV4CKIwNsSiPlMUJM8LHe8CIExCC6Lth0f5LxfvJSmdrrxIGjF/I0tV2m4462FF5QtC";

    #[test]
    fn a_token_tells_its_time_over_its_own_digest_alone() {
        let answer = from_base64(ANSWER).unwrap();
        let token = in_answer(&answer).unwrap();
        let digest = sha256(&[b"a signed checkpoint\n"]);
        assert_eq!(time(token, &digest), "2026-11-28T00:54:00Z".parse().ok());
        assert_eq!(time(token, &sha256(&[b"another\n"])), None);
        assert_eq!(time(&answer, &digest), None, "the answer is not the token");
        let mut refusal = answer.clone();
        refusal[8] = 2;
        assert_eq!(in_answer(&refusal), None);
        for length in 0..token.len() {
            assert_eq!(time(&token[..length], &digest), None);
        }
        for place in 0..token.len() {
            let mut changed = token.to_vec();
            changed[place] ^= 0x81;
            let _ = time(&changed, &digest);
        }
    }

    #[test]
    fn a_time_has_whole_seconds_and_may_have_decimals() {
        let read = |text: &str| general_time(text.as_bytes()).map(|time| time.to_string());
        for text in ["20261128005400Z", "20261128005400.5Z", "20261128005400.123456Z"] {
            assert_eq!(read(text).as_deref(), Some("2026-11-28T00:54:00.000Z"), "{text}");
        }
        for text in [
            "",
            "20261128005400",
            "2026112800540Z",
            "20261328005400Z",
            "20261128005460Z",
            "19691231235959Z",
            "20261128005400.xZ",
            "+0261128005400Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
