//! The text in a pixel's URL: 30 bytes, 40 URL-safe characters, signed, with nothing about a person in them.
//!
//! 2 bits version, 6 bits key id; 16 bytes ping id; 1 byte detail and time step; 12 bytes of HMAC-SHA256 over those 18.
//! A forged token is refused without an allocation and without a store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::detail::Precision;
use crate::keyring::{Key, KeyId, Keyring, Subkey};
use crate::{Detail, PingId, TimeStep};

const VERSION: u8 = 1;
const SIGNED: usize = 18;
const BYTES: usize = 30;
/// The length of a token in characters.
pub(crate) const CHARS: usize = 40;

/// Whether a text has the form of a token; [`Token::verify`] knows whether it is one.
#[cfg(feature = "html")]
pub(crate) fn has_form(text: &str) -> bool {
    text.len() == CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) ping: PingId,
    pub(crate) precision: Precision,
}

/// What a token is for; each purpose has a subkey of its own, so that a logged pixel URL cannot object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Pixel,
    OptOut,
}

impl Label {
    fn subkey(self, key: &Key) -> &Subkey {
        match self {
            Self::Pixel => &key.token,
            Self::OptOut => &key.opt_out,
        }
    }
}

impl Token {
    /// An opt-out token carries no precision; the byte is zero.
    pub(crate) fn opt_out(ping: PingId) -> Self {
        Self { ping, precision: Precision { detail: Detail::None, step: TimeStep::Day } }
    }

    pub(crate) fn sign(self, label: Label, key: &Key) -> String {
        let mut bytes = [0; BYTES];
        let (signed, tag) = bytes.split_at_mut(SIGNED);
        if let [head, ping @ .., precision] = signed {
            *head = (VERSION << 6) | key.id.get();
            ping.copy_from_slice(self.ping.as_bytes());
            *precision = self.precision.to_byte();
        }
        let mac = label.subkey(key).mac(signed);
        tag.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn verify(text: &str, label: Label, keys: &Keyring) -> Option<Self> {
        if text.len() != CHARS {
            return None;
        }
        let mut bytes = [0; BYTES];
        if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) != Ok(BYTES) {
            return None;
        }
        let (signed, tag) = bytes.split_at(SIGNED);
        let [head, ping @ .., precision] = signed else { return None };
        if head >> 6 != VERSION {
            return None;
        }
        let key = keys.key(KeyId::new(head & 0b11_1111)?)?;
        if !label.subkey(key).verify_left(signed, tag) {
            return None;
        }
        Some(Self {
            ping: PingId::from_bytes(ping.try_into().ok()?),
            precision: Precision::from_byte(*precision)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Timestamp;

    fn keys() -> Keyring {
        Keyring::generate().unwrap()
    }

    fn token() -> Token {
        let ping = PingId::mint(Timestamp::from_unix_millis(1_795_428_120_250)).unwrap();
        Token { ping, precision: Precision { detail: Detail::City, step: TimeStep::Hour } }
    }

    #[test]
    fn a_token_is_40_url_safe_characters_and_reads_back() {
        let (keys, token) = (keys(), token());
        let text = token.sign(Label::Pixel, keys.newest());
        assert_eq!(text.len(), 40);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(Token::verify(&text, Label::Pixel, &keys), Some(token));
    }

    #[test]
    fn an_old_key_still_verifies_and_a_dropped_one_does_not() {
        let old = keys();
        let text = token().sign(Label::Pixel, old.newest());
        let secret = keys().secret_text().replacen("0:", "1:", 1);
        let rotated = Keyring::from_text(&format!("{secret},{}", old.secret_text())).unwrap();
        assert_eq!(
            Token::verify(&text, Label::Pixel, &rotated),
            Some(token()).map(|mut expected| {
                expected.ping = Token::verify(&text, Label::Pixel, &old).unwrap().ping;
                expected
            })
        );
        assert_eq!(Token::verify(&text, Label::Pixel, &Keyring::from_text(&secret).unwrap()), None);
    }

    #[test]
    fn a_pixel_token_is_no_opt_out_token() {
        let keys = keys();
        let text = token().sign(Label::Pixel, keys.newest());
        assert_eq!(Token::verify(&text, Label::OptOut, &keys), None);
    }

    #[test]
    fn a_token_of_another_keyring_with_the_same_id_is_refused() {
        let text = token().sign(Label::Pixel, keys().newest());
        assert_eq!(Token::verify(&text, Label::Pixel, &keys()), None);
    }

    /// The form is fixed: tokens in mail already sent must verify in every later version.
    #[test]
    fn the_form_of_a_token_does_not_change() {
        let keys = Keyring::from_text("5:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let ping = PingId::from_bytes([7; 16]);
        let token = Token { ping, precision: Precision { detail: Detail::Network, step: TimeStep::Exact } };
        assert_eq!(token.sign(Label::Pixel, keys.newest()), GOLDEN);
        assert_eq!(Token::verify(GOLDEN, Label::Pixel, &keys), Some(token));
    }

    /// Made with Python's `hmac`, so that the code is not its own witness.
    const GOLDEN: &str = "RQcHBwcHBwcHBwcHBwcHBwcVEZaS7xPEokHNXUoc";

    proptest! {
        #[test]
        fn a_flipped_bit_anywhere_is_refused(bit in 0..BYTES * 8) {
            let keys = keys();
            let text = token().sign(Label::Pixel, keys.newest());
            let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Token::verify(&URL_SAFE_NO_PAD.encode(bytes), Label::Pixel, &keys), None);
        }

        #[test]
        fn a_truncated_or_lengthened_token_is_refused(keep in 0..CHARS, more in "[A-Za-z0-9_-]{1,30}") {
            let keys = keys();
            let text = token().sign(Label::Pixel, keys.newest());
            prop_assert_eq!(Token::verify(&text[..keep], Label::Pixel, &keys), None);
            prop_assert_eq!(Token::verify(&format!("{text}{more}"), Label::Pixel, &keys), None);
        }

        #[test]
        fn any_other_text_is_refused(text in ".{0,60}") {
            prop_assert_eq!(Token::verify(&text, Label::Pixel, &keys()), None);
        }
    }
}
