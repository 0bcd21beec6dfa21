//! The key that signs a log. It is not one of the keyring: whoever may check receipts needs its
//! public half, and whoever has it can make up a log.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey};

use crate::certified::hash::{from_base64, to_base64, to_hex};
use crate::certified::note::{PublicKey, signature_line};
use crate::{Error, ParseError};

/// The secret key of a log, which signs its heads. As text it is what Go's `note` package calls a
/// signer key: [`secret_text`](Self::secret_text) writes it and [`FromStr`] reads it.
///
/// # Security
/// Whoever has it can make up a log. `Debug` shows the public half alone.
///
/// ```
/// use mailping_core::certified::LogKey;
/// let key = LogKey::generate("example.com/receipts")?;
/// let same: LogKey = key.secret_text().parse()?;
/// assert_eq!(same.public(), key.public());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LogKey {
    key: SigningKey,
    public: PublicKey,
}

const START: &str = "PRIVATE+KEY+";
/// Ed25519 over the note itself.
const ED25519: u8 = 1;
const ORIGIN: &str = "the origin of a log, such as example.com/receipts, without blanks or plus signs";
const SECRET: &str = "32 random bytes in base64, or the secret key of a log with this origin";
const LOG_KEY: &str = "the secret key of a log, such as PRIVATE+KEY+example.com/receipts+…";

impl LogKey {
    /// A new random key for the log with this origin, such as `example.com/receipts`.
    ///
    /// # Errors
    /// For an origin that is empty or has white space or a plus sign in it, and if the operating
    /// system has no random bytes to give.
    pub fn generate(origin: &str) -> Result<Self, Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|_| Error::NoRandom)?;
        Self::from_secret(origin, &secret).ok_or_else(|| Error::Invalid(ParseError::new(ORIGIN)))
    }

    /// The key of the log with this origin, from its secret: 32 random bytes in base64, as `openssl
    /// rand -base64 32` prints them, or the [`secret_text`](Self::secret_text) of a key of that
    /// origin.
    ///
    /// # Errors
    /// In the field `origin` or `secret`; it never repeats the secret.
    pub fn with_origin(origin: &str, secret: &str) -> Result<Self, ParseError> {
        if Self::from_secret(origin, &[0; 32]).is_none() {
            return Err(ParseError::new(ORIGIN).in_field("origin"));
        }
        let refused = || ParseError::new(SECRET).in_field("secret");
        if secret.starts_with(START) {
            let key: Self = secret.parse().map_err(|_| refused())?;
            return if key.public.name() == origin { Ok(key) } else { Err(refused()) };
        }
        let bytes = from_base64(secret).and_then(|bytes| bytes.try_into().ok()).ok_or_else(refused)?;
        Self::from_secret(origin, &bytes).ok_or_else(refused)
    }

    /// `None` if the origin is empty or has white space or a plus sign in it.
    pub(crate) fn from_secret(origin: &str, secret: &[u8; 32]) -> Option<Self> {
        let key = SigningKey::from_bytes(secret);
        let public = PublicKey::of_log(origin, key.verifying_key())?;
        Some(Self { key, public })
    }

    /// The same key for the log with another name; `None` if that is no name.
    pub(crate) fn named(&self, origin: &str) -> Option<Self> {
        Self::from_secret(origin, self.key.as_bytes())
    }

    /// The public half: what the app publishes.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key as text, to be kept where it stays secret.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let secret = to_base64([&[ED25519][..], self.key.as_bytes()].concat());
        format!("{START}{}+{}+{secret}", self.public.name(), to_hex(&self.public.id()))
    }

    /// A note of this text, which ends with a line end.
    pub(crate) fn sign(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        format!("{text}\n{}", signature_line(&self.public, &signature))
    }
}

impl FromStr for LogKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = || ParseError::new(LOG_KEY);
        let rest = text.strip_prefix(START).ok_or_else(refused)?;
        let (origin, rest) = rest.split_once('+').ok_or_else(refused)?;
        let (_, secret) = rest.split_once('+').ok_or_else(refused)?;
        let secret = from_base64(secret).ok_or_else(refused)?;
        let (ED25519, secret) =
            secret.split_first().map(|(kind, secret)| (*kind, secret)).ok_or_else(refused)?
        else {
            return Err(refused());
        };
        let secret = secret.try_into().map_err(|_| refused())?;
        let read = Self::from_secret(origin, secret).ok_or_else(refused)?;
        if read.secret_text() == text { Ok(read) } else { Err(refused()) }
    }
}

/// Shows the public half.
impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey([redacted]; {})", self.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certified::note::{Note, Unsigned};

    #[test]
    fn a_key_comes_back_from_its_text_and_debug_shows_no_secret() {
        let key = LogKey::generate("example.com/receipts").unwrap();
        let text = key.secret_text();
        let same: LogKey = text.parse().unwrap();
        assert_eq!((same.secret_text(), same.public()), (text.clone(), key.public()));
        assert_eq!(key.public().to_string().parse(), Ok(key.public().clone()));
        // Base64 has plus signs of its own.
        let secret = text.splitn(5, '+').nth(4).unwrap();
        assert!(secret.len() > 40);
        assert!(!format!("{key:?}").contains(secret));
        for wrong in
            [&text[1..], &text.replace("example", "exemple"), &text.replace("+A", "+B"), "PRIVATE+KEY+a+b+c"]
        {
            let error = wrong.parse::<LogKey>().unwrap_err().to_string();
            assert!(!error.contains(secret) && error.starts_with("expected"), "{error}");
        }
        for origin in ["", "a b", "a+b", "a\u{a0}b", "a\u{200b}b"] {
            assert!(LogKey::generate(origin).unwrap_err().is_invalid(), "{origin:?}");
        }
    }

    #[test]
    fn a_key_is_made_of_an_origin_and_random_bytes() {
        const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let made = |origin: &str, secret: &str| LogKey::with_origin(origin, secret);
        let key = made("example.com/receipts", SECRET).unwrap();
        let same = made("example.com/receipts", &key.secret_text()).unwrap();
        assert_eq!(same.public(), key.public());
        assert_eq!(made("a b", SECRET).unwrap_err().field(), Some("origin"));
        for wrong in ["", "AAECAw==", &SECRET[1..], &SECRET.repeat(2), "PRIVATE+KEY+x"] {
            let error = made("example.com/receipts", wrong).unwrap_err();
            assert_eq!(error.field(), Some("secret"), "{wrong}");
        }
        let error = made("example.com/other", &key.secret_text()).unwrap_err();
        assert!(error.field() == Some("secret") && !error.to_string().contains("PRIVATE"), "{error}");
    }

    /// From the documentation of golang.org/x/mod/sumdb/note.
    #[test]
    fn the_note_of_gos_documentation_is_signed() {
        let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let note = format!(
            "{text}\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        );
        let key: LogKey = secret.parse().unwrap();
        assert_eq!(key.public().to_string(), public);
        assert_eq!(key.sign(text), note);
        let read = Note::parse(&note).unwrap();
        assert_eq!((read.text, read.signed_by(key.public())), (text, Ok(None)));
        let other = LogKey::generate("PeterNeumann").unwrap();
        assert_eq!(read.signed_by(other.public()), Err(Unsigned::Missing));
        let changed = note.replace("answer", "Answer");
        assert_eq!(Note::parse(&changed).unwrap().signed_by(key.public()), Err(Unsigned::Wrong));
    }

    /// From c2sp.org/signed-note and c2sp.org/tlog-cosignature.
    #[test]
    fn what_is_no_note_is_refused() {
        for note in [
            "",
            "text\n",
            "text\n\n",
            "text\n\nno signature\n",
            "text\n\n\u{2014} name\n",
            "text\n\n\u{2014} name !!!!\n",
            "text\n\n\u{2014} na me AAAAAAAA\n",
            "text\n\n\u{2014} name AAAAAAAA",
            "te\u{1}xt\n\n\u{2014} name AAAAAAAA\n",
            "text\n\n\u{2014} name AAAAAAAA\nmore\n",
            &format!("text\n\n{}", "\u{2014} name AAAAAAAA\n".repeat(33)),
        ] {
            assert!(Note::parse(note).is_none(), "{note:?}");
        }
        let two = Note::parse("a\n\nb\n\n\u{2014} name AAAAAAAA\n\u{2014} name AAAAAAAB\n").unwrap();
        assert_eq!(two.text, "a\n\nb\n");
    }
}
