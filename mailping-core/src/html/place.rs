//! Where a pixel is fetched as part of the message itself: before what the message quotes, which a
//! mail program may cut off.

use html5gum::{EndTag, StartTag, Token};

use super::tokens;

/// Where a pixel is put into HTML that has none.
pub(super) fn place(html: &str, pixel: &str) -> usize {
    // With a pixel at its end it shows whether the end is open: in a comment or a style it is no
    // tag.
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
                    None if is_reply(tag) => return tag.span.start,
                    None if tag.name.0 == b"blockquote" => quote = Some(Quote::new(tag)),
                    _ => {}
                }
                tag.span.end
            }
            Token::EndTag(tag) => {
                match &mut quote {
                    Some(open) if open.name == tag.name.0 => {
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

/// A quotation that is open.
struct Quote {
    name: Vec<u8>,
    start: usize,
    depth: usize,
}

impl Quote {
    fn new(tag: &StartTag<usize>) -> Self {
        Self { name: tag.name.0.clone(), start: tag.span.start, depth: 1 }
    }
}

/// Classes of the element that a mail program puts a quoted message, or the line above it, in.
const CLASSES: [&str; 21] = [
    "gmail_quote",
    "gmail_quote_container",
    "gmail_extra",
    "yahoo_quoted",
    "moz-cite-prefix",
    "moz-forward-container",
    "protonmail_quote",
    "tutanota_quote",
    "zmail_extra",
    "gmx_quote",
    "ms-outlook-mobile-reference-message",
    "outlookmessageheader",
    "appleoriginalcontents",
    "skiff_quote",
    "front-blockquote",
    "freshdesk_quote",
    "missive_quote",
    "hs_reply",
    "wm-quote",
    "mailru-blockquote",
    "quoted-message",
];

/// Its ids. Outlook marks only where it begins.
const IDS: [&str; 10] = [
    "divrplyfwdmsg",
    "appendonsend",
    "mail-editor-reference-message-container",
    "olk_src_body_section",
    "replybody",
    "reply-intro",
    "isforwardcontent",
    "isreplycontent",
    "qt",
    "originalcontent",
];

/// Its names, for programs that use neither.
const NAMES: [&str; 2] = ["quote", "messagereplysection"];

/// The rule that Outlook draws above a quoted message.
const OUTLOOK_RULES: [&str; 2] = ["border-top:solid#e1e1e1", "border-top:solid#b5c4df"];

/// Whether an element begins the message that this one answers or forwards.
fn is_reply(tag: &StartTag<usize>) -> bool {
    let value = |attribute: &[u8]| {
        let value = tag.attributes.get(attribute).map_or(&[][..], |value| value.as_slice());
        String::from_utf8_lossy(value).to_ascii_lowercase()
    };
    let any = |attribute: &[u8], of: &[&str]| {
        value(attribute).split_ascii_whitespace().any(|word| of.contains(&word))
    };
    // A `cite` that names a page quotes the page.
    if tag.name.0 == b"blockquote" && (value(b"type") == "cite" || value(b"cite").starts_with("mid:")) {
        return true;
    }
    let is_container = !matches!(tag.name.as_slice(), b"a" | b"html" | b"body" | b"input" | b"meta");
    let style: String = value(b"style").split_ascii_whitespace().collect();
    is_container
        && (any(b"class", &CLASSES)
            || any(b"id", &IDS)
            || any(b"name", &NAMES)
            || value(b"id").starts_with("yahoo_quoted")
            || OUTLOOK_RULES.iter().any(|rule| style.contains(rule)))
}

/// Whether this is a document of AMP, such as one for e-mail: `<html amp4email>`.
pub(super) fn is_amp(html: &str) -> bool {
    let first = tokens(html).find_map(|token| match token {
        Token::StartTag(tag) => Some(tag),
        _ => None,
    });
    first.is_some_and(|tag| {
        tag.name.0 == b"html"
            && tag.attributes.keys().any(|name| {
                let name = String::from_utf8_lossy(name).replace('\u{26a1}', "amp").replace('\u{fe0f}', "");
                matches!(name.as_str(), "amp" | "amp4email")
            })
    })
}
