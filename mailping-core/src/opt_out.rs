//! The page behind the opt-out link: it asks before it does anything, since scanners fetch every link of a message.
//!
//! The same bytes for every link of ours, whether there is such a ping or not; a link whose token
//! is damaged is told to be damaged, which reveals nothing about any ping. The page needs no
//! script, no cookie and nothing from elsewhere.

use crate::Tracker;
use crate::people::Objection;

/// The headers that go with every page here, by lower-case name. An adapter adds `content-length` and nothing else.
///
/// The style is allowed by its hash, so that nothing else can be put into the page.
pub const HEADERS: [(&str, &str); 5] = [
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'sha256-CrwE08dNgVPreuKL5ZspvqJgaH8+N9dCW5TeF0WL/Yw='; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex"),
];

macro_rules! style {
    () => {
        "body{max-width:38em;margin:2em auto;padding:0 1em;font:1.1em/1.5 system-ui,sans-serif}\
         button{font:inherit;padding:.6em 1.2em}"
    };
}

macro_rules! page {
    ($title:literal, $main:literal) => {
        concat!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>",
            $title,
            "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<meta name=\"color-scheme\" content=\"light dark\">\n<style>",
            style!(),
            "</style>\n</head>\n<body>\n<main>\n<h1>",
            $title,
            "</h1>\n",
            $main,
            "</main>\n</body>\n</html>\n"
        )
    };
}

/// The answer to `GET`: what the pixel does, and a button to object. Showing it changes nothing.
pub const PAGE: &str = page!(
    "Object to open receipts",
    "<p>The message that led you here holds an invisible picture. When the message is shown, the picture is fetched, \
     and the sender learns that it was probably opened, when, and at most from which city and network. Your full IP \
     address is not kept.</p>\n\
     <p>If you object, this stops: for messages that this sender has already sent you, and for later ones, which \
     come without the picture. If the sender gave no address for this message, it stops for this message \
     alone.</p>\n\
     <p>You are not unsubscribed from anything: the messages themselves still come.</p>\n\
     <form method=\"post\">\n<button type=\"submit\">Object to open receipts</button>\n</form>\n"
);

/// The answer to `POST` once the objection is kept, the same for pings that there are and pings
/// that there are not any more.
pub const DONE: &str = page!(
    "Your objection is kept",
    "<p>From now on, opening this sender's messages is no longer recorded, also for those already sent. If the \
     sender gave no address for this message, that holds for this message alone. If the record of this message \
     was deleted before, it names nobody any more: to object for later messages, please write to the sender.</p>\n\
     <p>You are not unsubscribed from anything. You can close this page.</p>\n"
);

/// The answer to any method, with status 400, if the link's token is damaged or not ours.
pub const DAMAGED: &str = page!(
    "This link is incomplete",
    "<p>Part of the link was lost or changed on its way to you, so we cannot tell which message it belongs to. \
     <strong>Nothing was changed, and no objection is kept.</strong></p>\n\
     <p>Please open the link in the message again, or copy all of it if it is broken over two lines. If that does not \
     help, write to the sender of the message and ask that opening it is no longer recorded.</p>\n"
);

/// The answer to `POST`, with status 503, if the objection could not be kept.
pub const FAILED: &str = page!(
    "Your objection is not kept yet",
    "<p>Something went wrong on our side, and your objection could not be kept. Please try again in a few \
     minutes.</p>\n\
     <form method=\"post\">\n<button type=\"submit\">Try again</button>\n</form>\n"
);

/// What to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status: 200 for a link of ours, 400 for a damaged one, 503 if the store failed.
    pub status: u16,
    /// The page: [`PAGE`], [`DONE`], [`DAMAGED`] or [`FAILED`].
    pub page: &'static str,
}

const REFUSED: Answer = Answer { status: 400, page: DAMAGED };

/// What to answer to `GET` and, without the page, to `HEAD`. `path` is the request's path as it
/// came, not percent-decoded.
#[must_use]
pub fn ask(tracker: &Tracker, path: &str) -> Answer {
    if tracker.people().is_opt_out_link(path) { Answer { status: 200, page: PAGE } } else { REFUSED }
}

/// Keeps the objection of whoever holds the link, and says what to answer to `POST`. `path` is the
/// request's path as it came, not percent-decoded. A request's body says nothing that is needed: a
/// mail provider's one-click form (RFC 8058) and the page's own button are the same.
pub async fn object(tracker: &Tracker, path: &str) -> Answer {
    match tracker.people().object_by_link(path).await {
        Ok(Objection::Kept) => Answer { status: 200, page: DONE },
        Ok(Objection::DamagedLink) => REFUSED,
        Err(failure) => {
            let source = std::error::Error::source(&failure).map(ToString::to_string);
            tracing::error!(%failure, source, "an objection was not kept; its sender was asked to try again");
            Answer { status: 503, page: FAILED }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policy_allows_this_style_alone() {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style!()));
        let (_, policy) = HEADERS[2];
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "style-src 'sha256-{hash}'");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        for page in [PAGE, DONE, DAMAGED, FAILED] {
            assert!(page.contains(concat!("<style>", style!(), "</style>")));
        }
    }

    #[test]
    fn every_page_has_what_assistive_technology_and_small_screens_need() {
        for page in [PAGE, DONE, DAMAGED, FAILED] {
            for part in
                ["<html lang=\"en\">", "<title>", "<h1>", "<main>", "width=device-width", "light dark"]
            {
                assert!(page.contains(part), "{part}");
            }
            assert!(!page.contains("<script") && !page.contains("http"), "no script, nothing from elsewhere");
        }
    }

    #[test]
    fn only_a_page_that_can_still_object_has_a_button() {
        let button = "<form method=\"post\">\n<button type=\"submit\">";
        assert!(PAGE.contains(button) && FAILED.contains(button) && !DONE.contains("<form"));
        assert!(!DAMAGED.contains("<form"), "a damaged link stays damaged");
    }
}
