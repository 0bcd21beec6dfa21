//! The text in a link: 30 bytes, 48 characters of lower-case base32, signed, with nothing about a
//! person in them.
//!
//! 2 bits version, 6 bits key id; 16 bytes ping id; 1 byte detail and time step; 12 bytes of
//! HMAC-SHA256 over those 18. Base32 (RFC 4648), since mail gateways fold case, escape `-` and `_`,
//! and cut at line ends: thirty bytes leave nothing to pad. A forged token is refused without an
//! allocation and without a store.

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};

use crate::detail::Precision;
use crate::keyring::{Key, KeyId, Keyring, Subkey};
use crate::{Detail, PingId, TimeStep};

const VERSION: u8 = 1;
const SIGNED: usize = 18;
const BYTES: usize = 30;
/// The length of a token in characters.
pub(crate) const CHARS: usize = 48;

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) ping: PingId,
    pub(crate) precision: Precision,
}

/// What a token is for; each purpose has a subkey of its own, so that a logged pixel URL cannot
/// object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Pixel,
    OptOut,
    Confirm,
    /// In a message's own id and in the address that its bounces come to.
    Report,
}

impl Label {
    fn subkey(self, key: &Key) -> &Subkey {
        match self {
            Self::Pixel => &key.token,
            Self::OptOut => &key.opt_out,
            Self::Confirm => &key.confirm,
            Self::Report => &key.report,
        }
    }
}

impl Token {
    /// A token that carries no precision, for an opt-out or a report; the byte is zero.
    pub(crate) fn bare(ping: PingId) -> Self {
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
        let mut text = BASE32_NOPAD.encode(&bytes);
        text.make_ascii_lowercase();
        text
    }

    /// The token that these characters are, in any case. The text around them is for
    /// [`links`](crate::links) to take off.
    pub(crate) fn verify(letters: &[u8; CHARS], label: Label, keys: &Keyring) -> Option<Self> {
        let key = Self::key(letters, keys)?;
        let mut bytes = [0; BYTES];
        if BASE32_NOPAD_NOCASE.decode_mut(letters, &mut bytes) != Ok(BYTES) {
            return None;
        }
        let (signed, tag) = bytes.split_at(SIGNED);
        let [_, ping @ .., precision] = signed else { return None };
        if !label.subkey(key).verify_left(signed, tag) {
            return None;
        }
        Some(Self {
            ping: PingId::from_bytes(ping.try_into().ok()?),
            precision: Precision::from_byte(*precision),
        })
    }

    /// The key that the first byte names; `None` if it cannot be that of a token, which most text
    /// is told by.
    pub(crate) fn key<'a>(letters: &[u8; CHARS], keys: &'a Keyring) -> Option<&'a Key> {
        let [first, second, ..] = letters;
        let head = (five_bits(*first)? << 3) | (five_bits(*second)? >> 2);
        if head >> 6 != VERSION {
            return None;
        }
        keys.key(KeyId::new(head & 0b11_1111)?)
    }
}

/// Whether a token may hold this character.
pub(crate) fn is_letter(byte: u8) -> bool {
    five_bits(byte).is_some()
}

fn five_bits(byte: u8) -> Option<u8> {
    match byte {
        b'a'..=b'z' => Some(byte - b'a'),
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
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

    fn verify(text: &str, label: Label, keys: &Keyring) -> Option<Token> {
        Token::verify(text.as_bytes().try_into().ok()?, label, keys)
    }

    fn token() -> Token {
        let ping = PingId::mint(Timestamp::from_unix_millis(1_795_428_120_250)).unwrap();
        Token { ping, precision: Precision { detail: Detail::City, step: TimeStep::Hour } }
    }

    #[test]
    fn a_token_is_48_letters_and_digits_and_reads_back_in_any_case() {
        let (keys, token) = (keys(), token());
        let text = token.sign(Label::Pixel, keys.newest());
        assert_eq!(text.len(), 48);
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte)));
        let title: String =
            text.char_indices().map(|(i, c)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect();
        for spelling in [&text, &text.to_ascii_uppercase(), &title] {
            assert_eq!(verify(spelling, Label::Pixel, &keys), Some(token));
        }
    }

    #[test]
    fn an_old_key_still_verifies_and_a_dropped_one_does_not() {
        let old = keys();
        let text = token().sign(Label::Pixel, old.newest());
        let secret = keys().secret_text().replacen("0:", "1:", 1);
        let rotated = Keyring::from_text(&format!("{secret},{}", old.secret_text())).unwrap();
        assert_eq!(
            verify(&text, Label::Pixel, &rotated),
            Some(token()).map(|mut expected| {
                expected.ping = verify(&text, Label::Pixel, &old).unwrap().ping;
                expected
            })
        );
        assert_eq!(verify(&text, Label::Pixel, &Keyring::from_text(&secret).unwrap()), None);
    }

    #[test]
    fn a_pixel_token_is_no_opt_out_token() {
        let keys = keys();
        let text = token().sign(Label::Pixel, keys.newest());
        assert_eq!(verify(&text, Label::OptOut, &keys), None);
    }

    #[test]
    fn a_token_of_one_use_is_none_of_another() {
        const ALL: [Label; 4] = [Label::Pixel, Label::OptOut, Label::Confirm, Label::Report];
        let keys = keys();
        for label in ALL {
            let text = token().sign(label, keys.newest());
            let good: Vec<Label> =
                ALL.into_iter().filter(|as_| verify(&text, *as_, &keys).is_some()).collect();
            assert_eq!(good, [label]);
        }
    }

    #[test]
    fn a_token_of_another_keyring_with_the_same_id_is_refused() {
        let text = token().sign(Label::Pixel, keys().newest());
        assert_eq!(verify(&text, Label::Pixel, &keys()), None);
    }

    /// The form is fixed: tokens in mail already sent must verify in every later version.
    #[test]
    fn the_form_of_a_token_does_not_change() {
        let keys = Keyring::from_text("5:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let ping = PingId::from_bytes([7; 16]);
        let token = Token { ping, precision: Precision { detail: Detail::Network, step: TimeStep::Exact } };
        assert_eq!(token.sign(Label::Pixel, keys.newest()), GOLDEN);
        assert_eq!(verify(GOLDEN, Label::Pixel, &keys), Some(token));
    }

    /// Made with Python's `hmac`, so that the code is not its own witness.
    const GOLDEN: &str = "iudqobyha4dqobyha4dqobyha4dzthqxgor6tiqgi46uafny";

    proptest! {
        #[test]
        fn a_flipped_bit_anywhere_is_refused(bit in 0..BYTES * 8) {
            let keys = keys();
            let text = token().sign(Label::Pixel, keys.newest());
            let mut bytes = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify(&BASE32_NOPAD.encode(&bytes), Label::Pixel, &keys), None);
        }

        #[test]
        fn any_other_text_is_refused(text in "[a-zA-Z2-7]{48}|.{0,60}") {
            prop_assert_eq!(verify(&text, Label::Pixel, &keys()), None);
        }
    }
}
