//! The key of one ping: without it the log's entries about the ping are noise.
//!
//! It comes from the keyring and a random nonce. Whoever erases the nonce makes everything that the
//! key ever committed to unreadable, also to those who have the keyring.

use std::fmt;

use super::hash::{Hash, sha256, to_base64};
use super::statement::Statement;
use crate::keyring::Subkey;
use crate::store::PingSecret;
use crate::{Keyring, PingId};

/// What finds and opens the entries of one ping.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PingKey(Hash);

/// The name of the header line that binds a mail to its ping's key.
pub(crate) const HEADER: &str = "Mailping-Key";

impl PingKey {
    /// That of a ping by its secret; `None` if the keyring lacks the key that it was made with.
    pub(crate) fn of(ping: PingId, secret: &PingSecret, keys: &Keyring) -> Option<Self> {
        let key = keys.keys().find(|key| key.fingerprint == secret.key)?;
        Some(Self(key.certified.mac(&[ping.as_bytes().as_slice(), &secret.nonce].concat())))
    }

    pub(crate) const fn from_bytes(bytes: Hash) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &Hash {
        &self.0
    }

    /// The value of the mail's header line: it binds the mail to the key, without showing it, and
    /// to the statement that begins what is sealed, so that no receipt can begin with a later one.
    pub(crate) fn header(&self, created: &str) -> String {
        to_base64(sha256(&[b"mailping/1/key", &self.0, created.as_bytes()]))
    }

    /// Where the ping's leaf stands in the map of a seal, if it has one there.
    pub(crate) fn tag(&self, seal: u64) -> Hash {
        self.mac(&[b"mailping/1/tag", &seal.to_be_bytes()])
    }

    /// The value of that leaf: it binds the number, the order and the text of the statements.
    pub(crate) fn leaf(&self, seal: u64, statements: &[Statement]) -> Hash {
        let (seal, subkey) = (seal.to_be_bytes(), Subkey::of(&self.0));
        let mut bytes = b"mailping/1/leaf".to_vec();
        bytes.extend((statements.len() as u32).to_be_bytes());
        for (place, statement) in (0_u32..).zip(statements) {
            let place = place.to_be_bytes();
            let parts = [b"mailping/1/statement".as_slice(), &seal, &place, statement.as_str().as_bytes()];
            bytes.extend(subkey.mac(&parts.concat()));
        }
        sha256(&[&bytes])
    }

    /// What stands for the recipient's address in a statement: whoever has the key can test a
    /// guess.
    pub(crate) fn recipient(&self, address: &[u8]) -> Hash {
        self.mac(&[b"mailping/1/recipient", address])
    }

    fn mac(&self, parts: &[&[u8]]) -> Hash {
        Subkey::of(&self.0).mac(&parts.concat())
    }
}

impl fmt::Debug for PingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PingKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certified::hash::to_hex;

    /// They stand in logs and in mail that is sent: never change one.
    #[test]
    fn golden_hashes() {
        let key = PingKey::from_bytes([7; 32]);
        assert_eq!(key.header("x"), "cKoGHe6mz5qSVyLr7JiITC1qEt0PSf4UzeoX7EAlggY=");
        assert_eq!(to_hex(&key.tag(258)), "4ca40eaf672250d01e1abcdba4825c447c7c08b0987141a2efe4c27009775414");
        let line: Statement = "2026-11-27 ended: withdrawn".parse().unwrap();
        assert_eq!(
            to_hex(&key.leaf(258, &[line])),
            "e1fcd712e1171ccbcb00c7e4cff495c4ad54989958abf8825613a85647c6ba6e"
        );
        assert!(!format!("{key:?}").contains('7'));
    }

    #[test]
    fn a_leaf_binds_seal_number_order_and_text() {
        let key = PingKey::from_bytes([7; 32]);
        let [one, two, three] =
            [1, 2, 3].map(|day| format!("2026-11-0{day} ended: withdrawn").parse::<Statement>().unwrap());
        let leaf = key.leaf(5, &[one.clone(), two.clone()]);
        let others = [
            key.leaf(6, &[one.clone(), two.clone()]),
            key.leaf(5, &[two.clone(), one.clone()]),
            key.leaf(5, &[one.clone(), three]),
            key.leaf(5, std::slice::from_ref(&one)),
            key.leaf(5, &[one.clone(), two.clone(), two.clone()]),
            PingKey::from_bytes([8; 32]).leaf(5, &[one, two]),
        ];
        assert!(!others.contains(&leaf));
        assert_ne!(key.tag(5), key.tag(6));
    }
}
