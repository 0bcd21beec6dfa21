//! What a certified receipt proves, once it is verified.

use std::fmt;

use super::file::File;
use super::note::PublicKey;
use super::{Statement, html};
use crate::Timestamp;

/// What a certified receipt proves. Only [`Verifier::verify`](super::Verifier::verify) makes one.
///
/// It prints as the receipt's first page, with a sentence below it that no stamp was checked if
/// there are any.
#[derive(Clone)]
pub struct Certified {
    file: File,
    witnessed: Vec<(PublicKey, Timestamp)>,
}

/// A time stamp of an outside authority over an earlier checkpoint of the log.
///
/// That the log goes on from the checkpoint is verified, and that the token is one over it. Whether
/// an authority that you trust signed the token is not: ask `openssl ts -verify -token_in`, with
/// its time as `-attime`: the authority's certificate may have expired since.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Stamp<'a> {
    /// The time that the token names, in whole seconds.
    pub time: Timestamp,
    /// How many seals the checkpoint has: those with a lower number were there at that time.
    pub seals: u64,
    /// What was stamped: the signed checkpoint, byte for byte.
    pub checkpoint: &'a str,
    /// The token of RFC 3161, in DER.
    pub token: &'a [u8],
}

impl Certified {
    pub(super) const fn new(file: File, witnessed: Vec<(PublicKey, Timestamp)>) -> Self {
        Self { file, witnessed }
    }

    /// The origin of the log, such as `example.com/receipts`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.file.checkpoint.origin
    }

    /// The log's head that the receipt was made from: a signed checkpoint. Keep it: a later receipt
    /// must go on from it.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.file.note
    }

    /// The value of the header line `Mailping-Key` of the mail that the receipt is about.
    #[must_use]
    pub fn header(&self) -> String {
        self.file.header()
    }

    /// Whether recording has ended: then no later receipt says more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.file.is_final()
    }

    /// Until when everything that was sealed is listed.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.file.parts.last().map_or_else(Timestamp::default, |part| part.until)
    }

    /// All that was sealed, in the order of the seals, each with the end of its seal's period: by
    /// then it was sealed.
    pub fn statements(&self) -> impl Iterator<Item = (&Statement, Timestamp)> {
        self.file.statements().map(|(part, statement)| (statement, part.until))
    }

    /// What an outside authority stamped.
    pub fn stamps(&self) -> impl Iterator<Item = Stamp<'_>> {
        self.file.before.iter().filter_map(|before| {
            let (token, time) = before.token.as_ref()?;
            Some(Stamp { time: *time, seals: before.checkpoint.size, checkpoint: &before.note, token })
        })
    }

    /// When each witness that was asked for saw the checkpoint.
    #[must_use]
    pub fn witnessed(&self) -> &[(PublicKey, Timestamp)] {
        &self.witnessed
    }

    /// The first page as an HTML document to print. It is for people: only the text file proves
    /// anything.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::document(&self.to_string())
    }
}

const UNCHECKED: &str = "\nNo stamp was checked: anyone can make one that names any time. Have OpenSSL check \
                         it against an authority you trust.\n";

/// Prints the first page, and whether stamps on it remain to be checked.
impl fmt::Display for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::page::page(&self.file))?;
        f.write_str(if self.stamps().next().is_some() { UNCHECKED } else { "" })
    }
}

/// Shows nothing of the message.
impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certified")
            .field("origin", &self.origin())
            .field("is_final", &self.is_final())
            .field("until", &self.until())
            .finish_non_exhaustive()
    }
}
