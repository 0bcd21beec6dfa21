//! Takes our pixels out of HTML, wherever a program that shows it may fetch from, and nothing else.

use html5gum::{StartTag, Token};
use url::Url;

use super::spelling::Spelling;
use super::tokens;

/// Comments within raw text within comments, at most.
const MAX_DEPTH: usize = 4;

/// The HTML without pixels of the service at this base URL.
pub(crate) fn without(html: &str, base_url: &str) -> String {
    let spelling = Spelling::new(base_url);
    let mut html = html.to_owned();
    // What is cut can bring together what was apart. The bound is for an input that is made for it.
    for _ in 0..8 {
        let stripped = Strip { spelling: &spelling, document: document(&html), depth: 0 }.strip(&html);
        if stripped == html {
            break;
        }
        html = stripped;
    }
    html
}

/// The text of HTML without its entities.
pub(super) fn text_of(html: &str) -> String {
    let mut text = String::new();
    for token in tokens(&html.replace('<', " ")) {
        if let Token::String(part) = token {
            text.push_str(&String::from_utf8_lossy(&part.value));
        }
    }
    text
}

/// What relative addresses start from, if the document says so.
fn document(html: &str) -> Option<Url> {
    tokens(html).find_map(|token| match token {
        Token::StartTag(tag) if tag.name.as_slice() == b"base" => {
            Url::parse(String::from_utf8_lossy(tag.attributes.get(b"href".as_slice())?).trim()).ok()
        }
        _ => None,
    })
}

struct Strip<'a> {
    spelling: &'a Spelling,
    document: Option<Url>,
    depth: usize,
}

/// The text behind some start tags is no HTML to a tokenizer.
enum Raw {
    Style,
    /// HTML to a program without scripts, as mail programs are.
    Html,
}

impl Strip<'_> {
    fn strip(&self, html: &str) -> String {
        let mut kept = Kept { html, text: String::with_capacity(html.len()), from: 0 };
        let mut raw = None;
        for token in tokens(html) {
            let start = match &token {
                Token::StartTag(tag) => tag.span.start,
                Token::EndTag(tag) => tag.span.start,
                Token::Comment(comment) => comment.span.start,
                _ => continue,
            };
            if let Some((kind, from)) = raw.take() {
                self.strip_raw(&mut kept, &kind, from, start);
            }
            match token {
                Token::StartTag(tag) => {
                    self.strip_tag(&mut kept, &tag);
                    raw = match tag.name.as_slice() {
                        b"style" => Some((Raw::Style, tag.span.end)),
                        b"noscript" | b"noembed" | b"iframe" => Some((Raw::Html, tag.span.end)),
                        _ => None,
                    };
                }
                Token::Comment(comment) => {
                    let text = html.get(comment.span.start..comment.span.end).unwrap_or_default();
                    if let Some(stripped) = self.strip_conditional(text) {
                        kept.replace(comment.span.start, comment.span.end, &stripped);
                    }
                }
                _ => {}
            }
        }
        if let Some((kind, from)) = raw {
            self.strip_raw(&mut kept, &kind, from, html.len());
        }
        kept.finish()
    }

    fn inner(&self) -> Option<Self> {
        (self.depth < MAX_DEPTH).then(|| Self {
            spelling: self.spelling,
            document: self.document.clone(),
            depth: self.depth + 1,
        })
    }

    fn is_ours(&self, value: &str) -> bool {
        self.spelling.is_in(value, self.document.as_ref())
    }

    fn strip_raw(&self, kept: &mut Kept<'_>, kind: &Raw, from: usize, until: usize) {
        let text = kept.html.get(from..until).unwrap_or_default();
        let stripped = match kind {
            Raw::Style => self.strip_css(text, str::to_owned),
            Raw::Html => self.inner().map(|inner| inner.strip(text)),
        };
        if let Some(stripped) = stripped
            && stripped != text
        {
            kept.replace(from, until, &stripped);
        }
    }

    /// Outlook reads the HTML within `<!--[if mso]>` and `<![endif]-->`; nobody reads another
    /// comment.
    fn strip_conditional(&self, comment: &str) -> Option<String> {
        let inside = comment.strip_prefix("<!--")?;
        let condition = inside.trim_start();
        if !condition.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("[if")) {
            return None;
        }
        let start = comment.len() - condition.len() + condition.find('>')? + 1;
        let end = comment.rfind("<![").filter(|end| *end >= start).unwrap_or(comment.len());
        let (head, rest) = comment.split_at_checked(start)?;
        let (html, foot) = rest.split_at_checked(end - start)?;
        let stripped = self.inner()?.strip(html);
        if stripped == html {
            return None;
        }
        // What is cut must not end the comment.
        let ends = stripped.contains("--") && !html.contains("--");
        Some(format!("{head}{}{foot}", if ends { "" } else { &stripped }))
    }

    fn strip_tag(&self, kept: &mut Kept<'_>, tag: &StartTag<usize>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        let attribute =
            |attribute: &[u8]| tag.attributes.get(attribute).map(|value| String::from_utf8_lossy(value));
        let mut ours: Vec<(usize, usize, Option<String>)> = Vec::new();
        let mut only_beside = true;
        for (attribute, value) in &tag.attributes {
            let attribute = String::from_utf8_lossy(attribute);
            let text = String::from_utf8_lossy(value);
            if !is_fetched(&name, &attribute) || !self.is_ours(&text) {
                continue;
            }
            let source = kept.html.get(value.span.start..value.span.end).unwrap_or_default();
            // The span of an unquoted value has what ends it.
            let source = source.trim_end_matches(|c: char| c.is_ascii_whitespace() || c == '>');
            let styled = if attribute == "style" { self.strip_css(source, text_of) } else { None };
            only_beside &=
                matches!(attribute.as_ref(), "srcset" | "style" | "background" | "lowsrc" | "dynsrc");
            ours.push((value.span.start, value.span.start + source.len(), styled));
        }
        if ours.is_empty() {
            return;
        }
        let shows_another = only_beside && attribute(b"src").is_some_and(|src| !src.trim().is_empty());
        if is_image(&name) && !shows_another {
            kept.replace(tag.span.start, tag.span.end, "");
            return;
        }
        // The tokenizer sorts them by name.
        ours.sort_by_key(|(start, ..)| *start);
        for (start, end, styled) in ours {
            match styled {
                Some(styled) => kept.replace(start, end, &styled),
                None => {
                    let before = kept.html.get(..start).unwrap_or_default();
                    let blank = before.ends_with(|c: char| c.is_ascii_whitespace());
                    kept.replace(start - usize::from(blank), end, "");
                }
            }
        }
    }

    /// The style sheet without our addresses; none if it has none of ours. `plain` resolves the
    /// entities that an attribute has.
    fn strip_css(&self, css: &str, plain: impl Fn(&str) -> String) -> Option<String> {
        if !self.is_ours(&plain(css)) {
            return None;
        }
        let mut kept = String::with_capacity(css.len());
        let mut rest = css;
        let lower = css.to_ascii_lowercase();
        while let Some(at) = lower.get(css.len() - rest.len()..).and_then(|lower| lower.find("url(")) {
            let (before, from) = rest.split_at_checked(at)?;
            kept.push_str(before);
            let end = url_end(from);
            let (url, after) = from.split_at_checked(end)?;
            kept.push_str(if self.is_ours(&plain(url)) { "none" } else { url });
            rest = after;
        }
        kept.push_str(rest);
        // Not in `url()`, as in `@import "..."` and `image-set("...")`: all of it goes.
        if self.is_ours(&plain(&kept)) { Some(String::new()) } else { Some(kept) }
    }
}

/// The bytes of `url(...)`, whose text may be quoted.
fn url_end(css: &str) -> usize {
    let inside = css.get(4..).unwrap_or_default();
    let quote = inside.trim_start().chars().next().filter(|c| matches!(c, '"' | '\''));
    let blanks = inside.len() - inside.trim_start().len();
    let text = 4 + blanks + usize::from(quote.is_some());
    let closing = quote.and_then(|quote| css.get(text..)?.find(quote)).map_or(text, |at| text + at);
    css.get(closing..).and_then(|rest| rest.find(')')).map_or(css.len(), |at| closing + at + 1)
}

/// Whether an element is nothing but an image or a file that is loaded.
fn is_image(element: &str) -> bool {
    // A parser takes `image` for `img`.
    matches!(
        element,
        "img"
            | "image"
            | "input"
            | "source"
            | "embed"
            | "link"
            | "param"
            | "track"
            | "bgsound"
            | "meta"
            | "feimage"
            | "amp-img"
            | "amp-pixel"
            | "amp-anim"
            | "v:imagedata"
    )
}

/// Whether a program may fetch what an attribute holds. Links are followed by people; some
/// attributes are text.
fn is_fetched(element: &str, attribute: &str) -> bool {
    if attribute == "style" || attribute == "background" {
        return true;
    }
    if matches!(element, "a" | "area" | "base") {
        return false;
    }
    match attribute {
        "value" => element == "param",
        "content" => element == "meta",
        "alt" | "title" | "name" | "id" | "class" | "label" | "placeholder" | "summary" | "cite"
        | "action" | "formaction" | "ping" | "usemap" | "longdesc" => false,
        _ => !attribute.starts_with("aria-"),
    }
}

/// The HTML that stays, up to a place that only moves on.
struct Kept<'a> {
    html: &'a str,
    text: String,
    from: usize,
}

impl Kept<'_> {
    fn replace(&mut self, start: usize, end: usize, text: &str) {
        if start < self.from || end < start {
            return;
        }
        self.keep(self.html.get(self.from..start).unwrap_or_default());
        self.text.push_str(text);
        self.from = end;
    }

    /// What stood on both sides of a pixel must not become a tag together.
    fn keep(&mut self, next: &str) {
        if self.text.ends_with('<')
            && next.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c))
        {
            self.text.pop();
            self.text.push_str("&lt;");
        }
        self.text.push_str(next);
    }

    fn finish(mut self) -> String {
        self.keep(self.html.get(self.from..).unwrap_or_default());
        self.text
    }
}
