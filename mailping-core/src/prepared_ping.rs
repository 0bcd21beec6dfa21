//! A ping that was made, with what goes into the message: the pixel, the links and the addresses.

use std::fmt;

use crate::detail::Precision;
use crate::img_tag::{escape, img_tag};
use crate::token::{Label, Token};
use crate::{Keyring, Ping, PingId, Status, links};

/// A ping that is kept, with its pixel to paste into the message.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedPing {
    ping: Ping,
    pixel_url: Option<String>,
    opt_out_url: String,
    confirm_url: Option<String>,
    report_token: String,
    #[cfg(feature = "certified")]
    key_header: Option<String>,
}

impl PreparedPing {
    pub(crate) fn new(ping: Ping, base_url: &str, keys: &Keyring) -> Self {
        let sign = |token: Token, label| token.sign(label, keys.newest());
        let precision = Precision { detail: ping.detail, step: ping.time_step };
        let live = ping.status == Status::Live;
        let pixel = live.then(|| sign(Token { ping: ping.id, precision }, Label::Pixel));
        let opt_out = sign(Token::bare(ping.id), Label::OptOut);
        let open = matches!(ping.status, Status::Live | Status::Withdrawn | Status::Untracked);
        let asks = open && ping.asked_by.is_some();
        let confirm = asks.then(|| sign(Token { ping: ping.id, precision }, Label::Confirm));
        Self {
            pixel_url: pixel.map(|token| links::pixel_url(base_url, &token)),
            opt_out_url: links::opt_out_url(base_url, &opt_out),
            confirm_url: confirm.map(|token| links::confirm_url(base_url, &token)),
            report_token: sign(Token::bare(ping.id), Label::Report),
            #[cfg(feature = "certified")]
            key_header: None,
            ping,
        }
    }

    #[cfg(feature = "certified")]
    pub(crate) fn sealed(mut self, key_header: Option<String>) -> Self {
        self.key_header = key_header;
        self
    }

    /// The name and value of the header line `Mailping-Key`, which binds the mail to its certified
    /// receipt: put it into the mail, and sign it with DKIM. `None` if the ping was made without
    /// [`seal`](crate::TrackerBuilder::seal).
    #[cfg(feature = "certified")]
    #[must_use]
    pub fn key_header(&self) -> Option<(&'static str, &str)> {
        Some((crate::certified::HEADER, self.key_header.as_deref()?))
    }

    /// The ping as kept.
    #[must_use]
    pub const fn ping(&self) -> &Ping {
        &self.ping
    }

    /// Its id, to ask for the receipt with.
    #[must_use]
    pub const fn id(&self) -> PingId {
        self.ping.id
    }

    /// [`Status::Live`]; [`Status::Untracked`] if the recipient has objected or nothing may be
    /// kept; or what has ended it.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.ping.status
    }

    /// The pixel's URL; `None` unless the ping is live: send the message without a pixel.
    #[must_use]
    pub fn pixel_url(&self) -> Option<&str> {
        self.pixel_url.as_deref()
    }

    /// The pixel as an HTML tag to paste into the message's body; empty unless the ping is live.
    #[must_use]
    pub fn img_tag(&self) -> String {
        self.pixel_url.as_deref().map(img_tag).unwrap_or_default()
    }

    /// Where the recipient can object to being tracked: a link for the message's foot. It opens a
    /// page with a button; fetching it changes nothing.
    #[must_use]
    pub fn opt_out_url(&self) -> &str {
        &self.opt_out_url
    }

    /// Where whoever has the message can confirm its receipt: a link to show in it, such as by
    /// [`confirm_html`](Self::confirm_html). It opens a page with a button; fetching it changes
    /// nothing. `None` unless the ping was made with [`NewPing::confirmable`], and if its recipient
    /// has objected to everything.
    ///
    /// [`NewPing::confirmable`]: crate::NewPing::confirmable
    #[must_use]
    pub fn confirm_url(&self) -> Option<&str> {
        self.confirm_url.as_deref()
    }

    /// A line for the message's HTML with a link of these words, such as `Confirm receipt`; empty
    /// without a [`confirm_url`](Self::confirm_url).
    #[must_use]
    pub fn confirm_html(&self, words: &str) -> String {
        let url = self.confirm_url.as_deref().map(escape);
        let words = escape(words);
        url.map_or_else(String::new, |url| format!(r#"<p><a href="{url}">{words}</a></p>"#))
    }

    /// A line for the message's text part, such as `Confirm receipt: https://…`; empty without a
    /// [`confirm_url`](Self::confirm_url).
    #[must_use]
    pub fn confirm_text(&self, words: &str) -> String {
        self.confirm_url.as_deref().map_or_else(String::new, |url| format!("{words}: {url}\n"))
    }

    /// An id for the message, to stand in its `Message-ID`, such as `<…@mail.example>`: a delivery
    /// report that returns the message is found by it, see
    /// [`Pings::report`](crate::pings::Pings::report). `domain` is one of yours, in ASCII.
    #[must_use]
    pub fn message_id(&self, domain: &str) -> String {
        format!("<{}@{domain}>", self.report_token)
    }

    /// An address for the envelope's sender (`MAIL FROM`), such as `…@bounces.example`: delivery
    /// reports are sent to it, and found by it. `domain` is one of yours, in ASCII, all of whose
    /// mail comes to what calls [`Pings::report`](crate::pings::Pings::report).
    #[must_use]
    pub fn return_path(&self, domain: &str) -> String {
        format!("{}@{domain}", self.report_token)
    }

    /// The names and values of the header lines `List-Unsubscribe` and, if the base URL is one of
    /// `https`, `List-Unsubscribe-Post` (RFC 2369 and 8058), whose one-click form objects to
    /// tracking. RFC 8058 asks for `https`; without it the link is one to a page. Sign both lines
    /// with DKIM. Use them only if, for your recipients, unsubscribing means objecting to tracking;
    /// a mailing list's own unsubscribe address is a different thing.
    #[must_use]
    pub fn list_unsubscribe(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("List-Unsubscribe", format!("<{}>", self.opt_out_url))];
        if self.opt_out_url.starts_with("https:") {
            lines.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        lines
    }
}

/// Shows no URL and no token: whoever has one can record opens, object, confirm or report.
impl fmt::Debug for PreparedPing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedPing").field("ping", &self.ping).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unsubscribe_lines_are_those_of_rfc_2369_and_8058() {
        let basis = crate::Basis::Contract;
        let ping = Ping::stored(PingId::from_bytes([7; 16]), "invoice-42".to_owned(), basis, Status::Live);
        let keys = Keyring::generate().unwrap();
        let prepared = PreparedPing::new(ping.clone(), "https://app.example/px", &keys);
        let [(name, value), post] = prepared.list_unsubscribe().try_into().unwrap();
        assert_eq!(name, "List-Unsubscribe");
        assert_eq!(value, format!("<{}>", prepared.opt_out_url()));
        assert_eq!(post, ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        let plain = PreparedPing::new(ping, "http://app.example/px", &keys);
        let link = ("List-Unsubscribe", format!("<{}>", plain.opt_out_url()));
        assert_eq!(plain.list_unsubscribe(), [link], "one click is for https only");
        assert!(value.starts_with("<https://app.example/px/") && value.ends_with("/opt-out>"), "{value}");
        // RFC 5322 allows a line of 998 characters, and the value must not be folded inside its
        // address.
        assert!(value.len() < 200 && value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
    }
}
