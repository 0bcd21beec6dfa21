//! Puts a pixel into a message's HTML, and takes pixels out of it: the bytes around them stay as they are.
//!
//! A tokenizer finds the places, so that a `</body>` in a comment or a style is not taken for the end. Never a change to anything
//! but our own pixels.

use html5gum::{DefaultEmitter, EndTag, StartTag, Token, Tokenizer};

use crate::token::{CHARS, is_letter};
use crate::{PreparedPing, Tracker};

/// The pixel within a message's HTML.
impl PreparedPing {
    /// The message's HTML with this ping's pixel as its only one: before the `</body>`, or at the end where there is none; before a
    /// quoted part that is never closed. Pixels of this service that it held, such as those in a quoted message, are taken
    /// out, since they would be fetched again by another reader. Embedding twice is embedding once.
    ///
    /// For an untracked ping, nothing is put in.
    ///
    /// ```
    /// # use mailping_core::{Basis, Keyring, MemoryStore, NewPing, Tracker};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// let tracker = Tracker::builder(Keyring::generate()?, MemoryStore::new());
    /// let tracker = tracker.base_url("https://app.example/px")?.build().await?;
    /// let ping = tracker.ping(NewPing::one_to_one("invoice-42", Basis::Contract)).await?;
    /// let html = ping.embed("<body><p>Your invoice</p></body>");
    /// assert_eq!(html, format!("<body><p>Your invoice</p>{}</body>", ping.img_tag()));
    /// assert_eq!(ping.sender_copy(&html), "<body><p>Your invoice</p></body>");
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn embed(&self, html: &str) -> String {
        insert(without(html, self.base_url()), &self.img_tag())
    }

    /// The message's HTML without any pixel of this service, for the sender's own folder: whoever looks into it is not the
    /// recipient.
    #[must_use]
    pub fn sender_copy(&self, html: &str) -> String {
        without(html, self.base_url())
    }

    fn base_url(&self) -> &str {
        self.opt_out_url().rsplitn(3, '/').nth(2).unwrap_or_default()
    }
}

/// Pixels within HTML that comes back.
impl Tracker {
    /// The HTML without the pixels of this service, by its base URL: for replies and forwards, which quote them. Also those that a
    /// mail program has wrapped into an address of its own; everything else stays as it is.
    #[must_use]
    pub fn strip(&self, html: &str) -> String {
        without(html, &self.0.base_url)
    }
}

fn tokens(html: &str) -> impl Iterator<Item = Token<usize>> {
    let mut emitter = DefaultEmitter::new_with_span();
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(html, emitter).map(|token| match token {
        Ok(token) => token,
        Err(never) => match never {},
    })
}

fn without(html: &str, base_url: &str) -> String {
    // A client may have changed the scheme.
    let address = base_url.split_once(':').map_or(base_url, |(_, address)| address);
    let mut kept = String::with_capacity(html.len());
    let mut from = 0;
    for token in tokens(html) {
        let Token::StartTag(tag) = token else { continue };
        if is_pixel(&tag, address) && tag.span.start >= from {
            keep(&mut kept, html.get(from..tag.span.start).unwrap_or_default());
            from = tag.span.end;
        }
    }
    keep(&mut kept, html.get(from..).unwrap_or_default());
    kept
}

/// What stood on both sides of a pixel must not become a tag together.
fn keep(kept: &mut String, next: &str) {
    if kept.ends_with('<') && next.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) {
        kept.pop();
        kept.push_str("&lt;");
    }
    kept.push_str(next);
}

fn is_pixel(tag: &StartTag<usize>, address: &str) -> bool {
    // A parser takes `image` for `img`; a program that loads later keeps the address in an attribute of its own.
    matches!(tag.name.as_slice(), b"img" | b"image")
        && tag.attributes.values().any(|value| holds_pixel(&String::from_utf8_lossy(value), address))
}

fn holds_pixel(value: &str, address: &str) -> bool {
    value.match_indices(address).any(|(at, _)| {
        let rest = value.get(at + address.len()..).and_then(|rest| rest.strip_prefix('/'));
        let token = rest.and_then(|rest| rest.split_at_checked(CHARS));
        token.is_some_and(|(token, after)| token.bytes().all(is_letter) && after.starts_with(".gif"))
    })
}

fn insert(mut html: String, pixel: &str) -> String {
    if !pixel.is_empty() {
        let place = place(&html, pixel);
        if html.is_char_boundary(place) {
            html.insert_str(place, pixel);
        }
    }
    html
}

/// Where a pixel is fetched as part of the message itself.
fn place(html: &str, pixel: &str) -> usize {
    // With a pixel at its end it shows whether the end is open: in a comment or a style it is no tag.
    let probe = format!("{html}{pixel}");
    let (mut body_end, mut quote, mut clear) = (None, None::<Quote>, 0);
    for token in tokens(&probe) {
        let end = match &token {
            Token::StartTag(tag) if tag.span.start == html.len() => {
                return quote.map_or(body_end.unwrap_or(html.len()), |quote| quote.start);
            }
            // A tag that was never finished has swallowed the probe.
            Token::StartTag(StartTag { span, .. }) if span.end > html.len() => break,
            Token::EndTag(EndTag { span, .. }) if span.end > html.len() => break,
            Token::StartTag(tag) => {
                match &mut quote {
                    Some(quote) if quote.name == tag.name.0 => quote.depth += 1,
                    None if is_quote(tag) => quote = Some(Quote::new(tag)),
                    _ => {}
                }
                tag.span.end
            }
            Token::EndTag(tag) => {
                match &mut quote {
                    Some(open) if open.name == tag.name.0 && !open.endless => {
                        open.depth -= 1;
                        if open.depth == 0 {
                            quote = None;
                        }
                    }
                    None if tag.name.0 == b"body" => body_end = Some(tag.span.start),
                    _ => {}
                }
                tag.span.end
            }
            _ => continue,
        };
        // Neither in a quoted part nor in the raw text that these begin.
        let raw = matches!(&token, Token::StartTag(tag) if html5gum::emitters::naive_next_state(&tag.name).is_some());
        if quote.is_none() {
            clear = if raw { clear } else { end };
        }
    }
    // The end is within something that is never closed.
    let before = quote.map_or(clear, |quote| quote.start);
    body_end.unwrap_or(before).min(html.len())
}

/// A quoted part that is open.
struct Quote {
    name: Vec<u8>,
    start: usize,
    depth: usize,
    /// Outlook marks only where it begins.
    endless: bool,
}

impl Quote {
    fn new(tag: &StartTag<usize>) -> Self {
        let endless = ids(tag, b"id").any(|id| ENDLESS.contains(&id));
        Self { name: tag.name.0.clone(), start: tag.span.start, depth: 1, endless }
    }
}

const ENDLESS: [&[u8]; 2] = [b"divRplyFwdMsg", b"appendonsend"];
const QUOTES: [&[u8]; 7] = [
    b"gmail_quote",
    b"gmail_quote_container",
    b"gmail_extra",
    b"yahoo_quoted",
    b"moz-forward-container",
    b"protonmail_quote",
    b"zmail_extra",
];

fn ids<'a>(tag: &'a StartTag<usize>, attribute: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let value = tag.attributes.get(attribute).map_or(&[][..], |value| value.as_slice());
    value.split(u8::is_ascii_whitespace)
}

fn is_quote(tag: &StartTag<usize>) -> bool {
    tag.name.0 == b"blockquote"
        || ids(tag, b"class").any(|class| QUOTES.contains(&class))
        || ids(tag, b"id").any(|id| ENDLESS.contains(&id))
}

#[cfg(test)]
mod tests;
