//! Puts a pixel into a message's HTML, and takes pixels out of it: the bytes around them stay as
//! they are.
//!
//! A tokenizer finds the places, so that a `</body>` in a comment or a style is not taken for the
//! end. Never a change to anything but our own pixels.

mod place;
mod spelling;
mod strip;

use html5gum::{DefaultEmitter, Token, Tokenizer};

use self::place::{is_amp, place};
pub(crate) use self::strip::without;
use crate::PreparedPing;

/// The pixel within a message's HTML.
impl PreparedPing {
    /// The message's HTML with this ping's pixel as its only one: before the reply that it quotes,
    /// since Gmail shows no more than about 102 kB of a message; else before the `</body>`, or at
    /// the end if there is none; before a quoted part that is never closed. Pixels of this service
    /// that it held, such as those in a quoted message, are taken out, since they would be fetched
    /// again by another reader. Embedding twice is embedding once.
    ///
    /// For an untracked ping, nothing is put in. A document of AMP for Email is returned as it is:
    /// a pixel would make it invalid, and the message's HTML part carries one.
    ///
    /// ```
    /// # use mailping_core::{Basis, Keyring, MemoryStore, NewPing, Tracker};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// let tracker = Tracker::builder(Keyring::generate()?, MemoryStore::new());
    /// let tracker = tracker.base_url("https://app.example/px")?.build().await?;
    /// let new = NewPing::one_to_one("invoice-42", Basis::Contract);
    /// let ping = tracker.pings().create(new).await?;
    /// let html = ping.embed("<body><p>Your invoice</p></body>");
    /// assert_eq!(html, format!("<body><p>Your invoice</p>{}</body>", ping.img_tag()));
    /// assert_eq!(ping.sender_copy(&html), "<body><p>Your invoice</p></body>");
    /// # Ok(()) }) }
    /// ```
    #[must_use]
    pub fn embed(&self, html: &str) -> String {
        if is_amp(html) {
            return html.to_owned();
        }
        insert(without(html, self.base_url()), &self.img_tag())
    }

    /// As [`embed`](Self::embed), with a visible line before the pixel: a link of these words, such
    /// as `Confirm receipt`, that lets the recipient confirm it. A message that has the
    /// [link](Self::confirm_url) already, and one of a ping that asks for no confirmation, gets
    /// none. Put [`confirm_text`](Self::confirm_text) into the text part.
    #[must_use]
    pub fn embed_with_confirm(&self, html: &str, words: &str) -> String {
        let is_there = self.confirm_url().is_some_and(|url| html.contains(url));
        if is_amp(html) || is_there {
            return self.embed(html);
        }
        let line = self.confirm_html(words);
        insert(without(html, self.base_url()), &format!("{line}{}", self.img_tag()))
    }

    /// The message's HTML without any pixel of this service, for the sender's own folder: whoever
    /// looks into it is not the recipient. The link that confirms receipt leads nowhere there.
    #[must_use]
    pub fn sender_copy(&self, html: &str) -> String {
        let copy = without(html, self.base_url());
        self.confirm_url().map_or_else(|| copy.clone(), |url| copy.replace(url, "#"))
    }

    fn base_url(&self) -> &str {
        self.opt_out_url().rsplitn(3, '/').nth(2).unwrap_or_default()
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

fn insert(mut html: String, pixel: &str) -> String {
    if !pixel.is_empty() {
        let place = place(&html, pixel);
        if html.is_char_boundary(place) {
            html.insert_str(place, pixel);
        }
    }
    html
}

#[cfg(test)]
mod tests;
