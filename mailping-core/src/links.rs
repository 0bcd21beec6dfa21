//! The links in a message, and the way back from a request's path to the token in it: the only
//! place that knows their form.
//!
//! A link comes back as mail programs left it: in another case, escaped, escaped again, with the
//! text around it or the remains of a line break. The token has a fixed length and is signed, so
//! whatever identifies it is taken; only a character that is missing or changed loses it. Scanning
//! is bounded and allocates nothing.

use crate::Keyring;
use crate::token::{CHARS, Label, Token, is_letter};

/// The most bytes of a path that are looked at; a longer one is no link of ours, or its token comes
/// before.
const MAX_PATH_BYTES: usize = 2_048;
/// The most blanks and line breaks within a token that is looked for without a key: a name with as
/// many letters has more.
#[cfg(feature = "html")]
const MAX_BREAKS: usize = 2;
/// The most places of a path at which a signature is checked.
const MAX_CANDIDATES: usize = 8;
/// The letters that the last part of a link to a page begins with; a hyphen between them may be
/// lost or escaped.
const PAGES: [(&[u8], Link); 2] = [(b"optout", Link::OptOut), (b"confirm", Link::Confirm)];
/// So many of them are enough: a line may have been cut.
const MIN_PAGE_LETTERS: usize = 3;

/// Where the log's public key is, below the mount: no token has a hyphen.
#[cfg(feature = "certified")]
pub(crate) const LOG_KEY: &str = "/log-key";

pub(crate) fn pixel_url(base_url: &str, token: &str) -> String {
    format!("{base_url}/{token}.gif")
}

pub(crate) fn opt_out_url(base_url: &str, token: &str) -> String {
    format!("{base_url}/{token}/opt-out")
}

pub(crate) fn confirm_url(base_url: &str, token: &str) -> String {
    format!("{base_url}/{token}/confirm")
}

/// Where a centre takes batches of its edges, below the mount.
#[cfg(feature = "edges")]
pub(crate) const EDGES: &str = "/edges";

#[cfg(feature = "edges")]
pub(crate) fn edges_url(base_url: &str) -> String {
    format!("{base_url}{EDGES}")
}

/// What a request below the mount asks for. Every path below it is one of these.
///
/// A page's link that lost its end, or was given another one, asks for what its token is for. A
/// pixel's link as it was sent costs nothing for that.
pub(crate) fn asked_for(path: &str, keys: &Keyring) -> Link {
    let link = Link::of(path);
    let is_pixel_as_sent = || path.ends_with(".gif") && untouched_parent(path).is_some();
    if link != Link::Pixel || is_pixel_as_sent() {
        return link;
    }
    let all = [(Label::Pixel, Link::Pixel), (Label::OptOut, Link::OptOut), (Label::Confirm, Link::Confirm)];
    all.into_iter().find(|(label, _)| token(path, *label, keys).is_some()).map_or(link, |(_, link)| link)
}

/// What the form of a path says; a page's that was cut has that of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// The picture, whatever the rest of the path is.
    Pixel,
    /// The opt-out page.
    OptOut,
    /// The page that confirms receipt.
    Confirm,
}

impl Link {
    /// What a path asks for: a page if its last part that holds a letter or a digit is `opt-out` or
    /// `confirm`, in any spelling. `path` is the request's path as it came, not percent-decoded,
    /// with or without what stands before the mount.
    pub(crate) fn of(path: &str) -> Self {
        if path.ends_with("/opt-out") {
            return Self::OptOut;
        }
        if path.ends_with("/confirm") {
            return Self::Confirm;
        }
        if path.ends_with(".gif") {
            return Self::Pixel;
        }
        let (mut link, mut part) = (Self::Pixel, Part::default());
        for byte in Decoded::of(path) {
            if byte == b'/' {
                link = part.link().unwrap_or(link);
                part = Part::default();
            } else {
                part.add(byte);
            }
        }
        part.link().unwrap_or(link)
    }
}

/// The token in a path. `path` is as [`Link::of`] takes it.
pub(crate) fn token(path: &str, label: Label, keys: &Keyring) -> Option<Token> {
    if let Some(letters) = untouched(path) {
        return Token::verify(letters, label, keys);
    }
    let (mut window, mut candidates) = (Window::new(), 0);
    for byte in Decoded::of(path) {
        // The ending's letters belong to no token, not even to one that lost its last.
        if matches!(byte, b'/' | b'.') {
            window = Window::new();
        } else if is_letter(byte)
            && let Some(letters) = window.push(byte)
            && Token::key(letters, keys).is_some()
        {
            if let Some(token) = Token::verify(letters, label, keys) {
                return Some(token);
            }
            candidates += 1;
            if candidates == MAX_CANDIDATES {
                return None;
            }
        }
    }
    None
}

/// Whether a path below the mount may be a pixel's: what [`token`] finds with a key, by its form.
#[cfg(feature = "html")]
pub(crate) fn may_be_pixel(path: &str) -> bool {
    Link::of(path) == Link::Pixel && may_hold_token(path)
}

/// Whether there are as many letters in a row as a token has, apart from what line ends leave
/// behind.
#[cfg(feature = "html")]
pub(crate) fn may_hold_token(path: &str) -> bool {
    let decoded: Vec<u8> = Decoded::of(path).collect();
    let (mut letters, mut breaks, mut is_broken) = (0, 0, false);
    for c in String::from_utf8_lossy(&decoded).chars() {
        if u8::try_from(c).is_ok_and(is_letter) {
            breaks += usize::from(std::mem::take(&mut is_broken));
            if breaks > MAX_BREAKS {
                (letters, breaks) = (0, 0);
            }
            letters += 1;
            if letters == CHARS {
                return true;
            }
        } else if c.is_ascii_whitespace() || "=+!".contains(c) {
            is_broken = letters > 0;
        } else if c.is_ascii() || c.is_alphanumeric() {
            (letters, breaks, is_broken) = (0, 0, false);
        }
    }
    false
}

/// The characters of a token in a path of the form that was sent, or one of its case, without room
/// for another token before it.
fn untouched(path: &str) -> Option<&[u8; CHARS]> {
    let path = without_ending(path);
    let (before, letters) = path.as_bytes().split_last_chunk()?;
    let is_alone = before.len() < CHARS && before.last().is_none_or(|byte| *byte == b'/');
    (is_alone && letters.iter().all(|byte| is_letter(*byte))).then_some(letters)
}

/// What stands before the token's part in a path of the form that was sent.
pub(crate) fn untouched_parent(path: &str) -> Option<&str> {
    let (parent, last) = without_ending(path).rsplit_once('/')?;
    (last.len() == CHARS).then_some(parent)
}

fn without_ending(path: &str) -> &str {
    [".gif", "/opt-out", "/confirm"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path)
}

/// The last [`CHARS`] letters since a slash or full stop, without what stands between them.
struct Window {
    letters: [u8; 2 * CHARS],
    len: usize,
}

impl Window {
    const fn new() -> Self {
        Self { letters: [0; 2 * CHARS], len: 0 }
    }

    fn push(&mut self, letter: u8) -> Option<&[u8; CHARS]> {
        if self.len == self.letters.len() {
            self.letters.copy_within(CHARS + 1.., 0);
            self.len = CHARS - 1;
        }
        if let Some(place) = self.letters.get_mut(self.len) {
            *place = letter;
            self.len += 1;
        }
        self.letters.get(..self.len)?.last_chunk()
    }
}

/// One part of a path, as far as it may be that of a page.
#[derive(Default)]
struct Part {
    /// How many letters of each page's word have come; none any more once one differs.
    matched: [Option<usize>; PAGES.len()],
    holds_text: bool,
}

impl Part {
    fn add(&mut self, byte: u8) {
        if !byte.is_ascii_alphanumeric() {
            return;
        }
        let is_first = !std::mem::replace(&mut self.holds_text, true);
        for (matched, (word, _)) in self.matched.iter_mut().zip(PAGES) {
            let before = if is_first { Some(0) } else { *matched };
            // What comes after the whole word is the end of a line or a sentence.
            *matched = before.and_then(|count| match word.get(count) {
                Some(letter) if *letter == byte.to_ascii_lowercase() => Some(count + 1),
                Some(_) => None,
                None => Some(count),
            });
        }
    }

    /// `None` for a part that says nothing, such as that after a last slash.
    fn link(&self) -> Option<Link> {
        let mut pages = self.matched.iter().zip(PAGES);
        let page = pages.find(|(matched, _)| **matched >= Some(MIN_PAGE_LETTERS));
        self.holds_text.then(|| page.map_or(Link::Pixel, |(_, (_, link))| link))
    }
}

/// The bytes of a path without its query, with what was escaped for a URL (once or more often) or
/// for mail (quoted-printable).
struct Decoded<'a>(&'a [u8]);

impl<'a> Decoded<'a> {
    fn of(path: &'a str) -> Self {
        let bytes = path.as_bytes();
        let bytes = bytes.get(..MAX_PATH_BYTES).unwrap_or(bytes);
        let end = bytes.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(bytes.len());
        Self(bytes.get(..end).unwrap_or(bytes))
    }
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&byte, mut rest) = self.0.split_first()?;
        let mut decoded = byte;
        if byte == b'%' {
            while let Some(again) = rest.strip_prefix(b"25").filter(|again| hex(again).is_some()) {
                rest = again;
            }
        }
        let is_escape = byte == b'%' || (byte == b'=' && is_quoted_printable(rest));
        if let Some((value, after)) = hex(rest).filter(|_| is_escape) {
            (decoded, rest) = (value, after);
        }
        self.0 = rest;
        Some(decoded)
    }
}

/// The byte that two hexadecimal digits write, and what comes after them.
fn hex(text: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], after) = text.split_first_chunk()?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(((digit(*high)? << 4) | digit(*low)?, after))
}

/// Whether the two digits after a `=` are an escape, rather than letters of a token after the `=`
/// of a line that was cut.
fn is_quoted_printable(text: &[u8]) -> bool {
    text.iter().take(2).any(|byte| !is_letter(*byte) || byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests;
