//! The page behind the opt-out link: it asks before it does anything, since scanners fetch every
//! link of a message.
//!
//! The same bytes for every link of ours, whether there is such a ping or not; a link whose token
//! is damaged is told to be damaged, which reveals nothing about any ping. The page needs no
//! script, no cookie and nothing from elsewhere. Its words are [`Texts`], in any language; which
//! one is chosen by the reader's `Accept-Language`, which is kept nowhere.

mod accept;
mod languages;
mod texts;
mod translations;

pub(crate) use self::languages::{Language, Languages};
pub use self::texts::Texts;
pub(crate) use self::texts::{REFERENCE, SENDER, paragraphs};
pub use self::translations::{ENGLISH, GERMAN};

/// The headers that go with every page here, by lower-case name. An adapter adds `content-length`
/// and nothing else.
///
/// The style is allowed by its hash, so that nothing else can be put into the page.
pub const HEADERS: [(&str, &str); 5] = [
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'sha256-G0lIbz52d3GdWa8Oez6OuBsg9nYIhH/jaQCxuyMfZPA='; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex"),
];

/// That of the receipts page, light and dark.
const STYLE: &str = "\
    body{margin:0;padding:1rem;background:#f4f6f4;color:#17201d;font:1rem/1.5 system-ui,sans-serif}\
    main{max-width:38rem;margin:2rem auto;padding:1.25rem 1.5rem;background:#fff;border:1px solid #dbe1de;border-radius:.75rem}\
    h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}\
    button{font:inherit;font-weight:600;min-height:2.75rem;padding:.4rem 1rem;border:0;border-radius:.4rem;background:#0b5f59;color:#fff;cursor:pointer}\
    :focus-visible{outline:3px solid #0b5f59;outline-offset:2px}\
    @media(prefers-color-scheme:dark){body{background:#111615;color:#e6ebe9}main{background:#1a211f;border-color:#323c38}\
    button{background:#6fd3c8;color:#06231f}:focus-visible{outline-color:#6fd3c8}}";

/// What a page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The answer to `GET`: what the pixel does, and a button to object. Showing it changes
    /// nothing.
    Ask,
    /// The answer to `POST` once the objection is kept, the same for pings that there are and pings
    /// that there are not any more: it says what holds for each.
    Done,
    /// The answer to any method if the link's token is damaged or not ours.
    Damaged,
    /// The answer to `POST` if the objection could not be kept.
    Failed,
}

impl Stage {
    pub(crate) const ALL: [Self; 4] = [Self::Ask, Self::Done, Self::Damaged, Self::Failed];

    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Ask | Self::Done => 200,
            Self::Damaged => 400,
            Self::Failed => 503,
        }
    }

    /// The whole page. Only one that can still object has a button.
    pub(crate) fn html(self, texts: &Texts) -> String {
        let (title, text, button) = match self {
            Self::Ask => (&texts.ask_title, &texts.ask_text, Some(&texts.ask_button)),
            Self::Done => (&texts.done_title, &texts.done_text, None),
            Self::Damaged => (&texts.damaged_title, &texts.damaged_text, None),
            Self::Failed => (&texts.failed_title, &texts.failed_text, Some(&texts.failed_button)),
        };
        html(texts, title, texts::paragraphs(text), button.map(|button| &**button))
    }
}

/// A whole page: a heading, paragraphs, and a button that posts to the page's own address.
pub(crate) fn html<'a>(
    texts: &Texts,
    title: &str,
    paragraphs: impl Iterator<Item = &'a str>,
    button: Option<&str>,
) -> String {
    let (lang, title) = (escape(&texts.lang), escape(title));
    let dir = if texts.right_to_left { "rtl" } else { "ltr" };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{lang}\" dir=\"{dir}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n"
    );
    for paragraph in paragraphs {
        page.extend(["<p>", &escape(paragraph), "</p>\n"]);
    }
    if let Some(button) = button {
        let button = escape(button);
        page += &format!("<form method=\"post\">\n<button type=\"submit\">{button}</button>\n</form>\n");
    }
    page + "</main>\n</body>\n</html>\n"
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn pages() -> impl Iterator<Item = (Stage, String)> {
        [ENGLISH, GERMAN].into_iter().flat_map(|texts| Stage::ALL.map(|page| (page, page.html(&texts))))
    }

    #[test]
    fn the_policy_allows_this_style_alone() {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
        let (_, policy) = HEADERS[2];
        assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "style-src 'sha256-{hash}'");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        for (_, html) in pages() {
            assert!(html.contains(&format!("<style>{STYLE}</style>")));
        }
    }

    #[test]
    fn every_page_has_what_assistive_technology_and_small_screens_need() {
        for (page, html) in pages() {
            for part in
                ["<html lang=\"", "<title>", "<h1>", "<main>", "<p>", "width=device-width", "light dark"]
            {
                assert!(html.contains(part), "{page:?}: {part}");
            }
            assert!(!html.contains("<script") && !html.contains("http"), "no script, nothing from elsewhere");
        }
    }

    #[test]
    fn only_a_page_that_can_still_object_has_a_button() {
        let button = "<form method=\"post\">\n<button type=\"submit\">";
        for (page, html) in pages() {
            assert_eq!(html.contains(button), matches!(page, Stage::Ask | Stage::Failed), "{page:?}");
            assert_eq!(html.contains("<form"), html.contains(button), "{page:?}");
        }
    }

    #[test]
    fn texts_of_the_app_are_text_and_no_markup() {
        let evil = "<script>alert('1')</script> & \"x\"";
        let texts = Texts {
            ask_title: evil.into(),
            ask_text: format!("{evil}\n\n{evil}").into(),
            ask_button: evil.into(),
            ..ENGLISH
        };
        let html = Stage::Ask.html(&texts);
        let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;";
        assert_eq!(html.matches(escaped).count(), 5, "title, heading, two paragraphs, button: {html}");
        assert!(!html.contains("<script"));
    }

    #[test]
    fn a_page_says_its_language_and_direction() {
        assert!(Stage::Ask.html(&GERMAN).contains("<html lang=\"de\" dir=\"ltr\">"));
        let arabic = Texts { lang: "ar".into(), right_to_left: true, ..ENGLISH };
        assert!(Stage::Damaged.html(&arabic).contains("<html lang=\"ar\" dir=\"rtl\">"));
    }
}
