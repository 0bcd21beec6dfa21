//! The words of the pages that recipients see, in one language. They are plain text: whatever looks
//! like markup is shown as it is.

use std::borrow::Cow;

use crate::text::ParseError;

/// The most bytes of one text.
const MAX_BYTES: usize = 8 * 1024;
/// Stands for who asks.
pub(crate) const SENDER: &str = "{sender}";
/// Stands for the reference.
pub(crate) const REFERENCE: &str = "{reference}";
/// The most bytes of a language tag: RFC 5646 asks for room for 35.
const MAX_TAG_BYTES: usize = 35;

const TAG: &str = "the tag of the texts' language, such as `de` or `pt-BR`";
const NO_PLACE: &str = "lacks its `{sender}` or `{reference}`";
const EMPTY: &str = "is empty";
const TOO_LONG: &str = "is longer than 8 KiB";

/// The words of the pages that recipients see in one language, those that object and those that
/// confirm receipt: [`ENGLISH`](super::ENGLISH) and [`GERMAN`](super::GERMAN) are built in, and
/// [`TrackerBuilder::opt_out_texts`](crate::TrackerBuilder::opt_out_texts) adds yours or replaces
/// one of those.
///
/// ```
/// use mailping_core::opt_out::{ENGLISH, Texts};
///
/// let done_text = "Opening our messages is no longer recorded.".into();
/// let shorter = Texts { done_text, ..ENGLISH };
/// ```
///
/// Each field is needed, so the compiler finds a text that a language lacks. An empty line begins a
/// new paragraph of a `_text`. `{sender}` and `{reference}` stand for what the sender allows to be
/// shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a language that lacks a text must not compile")]
pub struct Texts {
    /// The tag of the language, such as `de` or `pt-BR`.
    pub lang: Cow<'static, str>,
    /// Whether it is written from right to left, such as Arabic and Hebrew.
    pub right_to_left: bool,
    /// The heading of the page that asks.
    pub ask_title: Cow<'static, str>,
    /// What the pixel does, and what objecting changes. Nothing is changed by reading it.
    pub ask_text: Cow<'static, str>,
    /// The button that objects.
    pub ask_button: Cow<'static, str>,
    /// The heading once opening the message is no longer recorded. It must not say that an
    /// objection is kept: for a message whose record was deleted before, none is.
    pub done_title: Cow<'static, str>,
    /// What holds from then on, in words that are true also of a message without an address, and of
    /// one whose record was deleted before.
    pub done_text: Cow<'static, str>,
    /// The heading for a damaged link.
    pub damaged_title: Cow<'static, str>,
    /// That no objection is kept, and what to do.
    pub damaged_text: Cow<'static, str>,
    /// The heading if the objection could not be kept.
    pub failed_title: Cow<'static, str>,
    /// That it is to be tried again.
    pub failed_text: Cow<'static, str>,
    /// The button that tries it again.
    pub failed_button: Cow<'static, str>,
    /// The heading of the page that asks to confirm receipt.
    pub confirm_title: Cow<'static, str>,
    /// Who asks, as `{sender}`; what will be kept; and that it cannot be taken back.
    pub confirm_text: Cow<'static, str>,
    /// For which message, as `{reference}`, if the sender allows it to be shown.
    pub confirm_reference: Cow<'static, str>,
    /// The button that confirms.
    pub confirm_button: Cow<'static, str>,
    /// The heading once receipt is confirmed.
    pub confirmed_title: Cow<'static, str>,
    /// What holds from then on.
    pub confirmed_text: Cow<'static, str>,
    /// The heading if the ping takes no confirmation any more.
    pub closed_title: Cow<'static, str>,
    /// That nothing is confirmed and why that can be: it must not tell which of the reasons it is.
    pub closed_text: Cow<'static, str>,
    /// The heading if the request was not one of the recipient in person.
    pub unproven_title: Cow<'static, str>,
    /// That nothing is confirmed, and what to do.
    pub unproven_text: Cow<'static, str>,
    /// For a damaged link, under the heading of `damaged_title`: that nothing is confirmed.
    pub confirm_damaged_text: Cow<'static, str>,
    /// The heading if the confirmation could not be kept, or the message not be looked up.
    pub confirm_failed_title: Cow<'static, str>,
    /// That nothing is confirmed yet, and is to be tried again.
    pub confirm_failed_text: Cow<'static, str>,
}

impl Texts {
    pub(super) fn check(&self) -> Result<(), ParseError> {
        if !is_tag(&self.lang) {
            return Err(ParseError::new(TAG).in_field("lang"));
        }
        for (field, text) in self.all() {
            if text.trim().is_empty() {
                return Err(refused(field, EMPTY));
            }
            if text.len() > MAX_BYTES {
                return Err(refused(field, TOO_LONG));
            }
        }
        for (field, text, placeholder) in [
            ("confirm_text", &self.confirm_text, SENDER),
            ("confirm_reference", &self.confirm_reference, REFERENCE),
        ] {
            if !text.contains(placeholder) {
                return Err(refused(field, NO_PLACE));
            }
        }
        Ok(())
    }

    fn all(&self) -> [(&'static str, &str); 23] {
        [
            ("ask_title", &self.ask_title),
            ("ask_text", &self.ask_text),
            ("ask_button", &self.ask_button),
            ("done_title", &self.done_title),
            ("done_text", &self.done_text),
            ("damaged_title", &self.damaged_title),
            ("damaged_text", &self.damaged_text),
            ("failed_title", &self.failed_title),
            ("failed_text", &self.failed_text),
            ("failed_button", &self.failed_button),
            ("confirm_title", &self.confirm_title),
            ("confirm_text", &self.confirm_text),
            ("confirm_reference", &self.confirm_reference),
            ("confirm_button", &self.confirm_button),
            ("confirmed_title", &self.confirmed_title),
            ("confirmed_text", &self.confirmed_text),
            ("closed_title", &self.closed_title),
            ("closed_text", &self.closed_text),
            ("unproven_title", &self.unproven_title),
            ("unproven_text", &self.unproven_text),
            ("confirm_damaged_text", &self.confirm_damaged_text),
            ("confirm_failed_title", &self.confirm_failed_title),
            ("confirm_failed_text", &self.confirm_failed_text),
        ]
    }
}

fn refused(field: &'static str, problem: &str) -> ParseError {
    ParseError::because(format_args!("the text `{field}` of the pages {problem}")).in_field(field)
}

/// Letters, then further parts of letters and digits.
pub(super) fn is_tag(text: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = text.split('-').next().unwrap_or_default();
    text.len() <= MAX_TAG_BYTES && first.bytes().all(|b| b.is_ascii_alphabetic()) && text.split('-').all(part)
}

/// The paragraphs of a text, without the empty lines between them.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let (mut rest, mut lines) = (text, text.split_inclusive('\n'));
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let mut len = 0;
            for line in lines.by_ref() {
                len += line.len();
                if line.trim().is_empty() {
                    break;
                }
            }
            let (paragraph, after) = rest.split_at_checked(len)?;
            rest = after;
            if !paragraph.trim().is_empty() {
                return Some(paragraph.trim());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::translations::{ENGLISH, GERMAN};
    use super::*;

    #[test]
    fn every_built_in_language_has_all_texts_of_its_own() {
        for texts in [ENGLISH, GERMAN] {
            texts.check().unwrap();
        }
        for ((field, english), (_, german)) in ENGLISH.all().into_iter().zip(GERMAN.all()) {
            assert_ne!(english, german, "{field}");
            assert_eq!(paragraphs(english).count(), paragraphs(german).count(), "{field}");
        }
    }

    #[test]
    fn texts_that_lack_something_are_refused_by_name() {
        assert_eq!(Texts { done_text: " \n".into(), ..ENGLISH }.check(), Err(refused("done_text", EMPTY)));
        let long = Texts { failed_button: "x".repeat(MAX_BYTES + 1).into(), ..ENGLISH };
        assert_eq!(long.check(), Err(refused("failed_button", TOO_LONG)));
        for tag in ["", "-", "de-", "-de", "de_DE", "d\u{e9}", "\"><script>", "1a", "abcdefghi", "x y"] {
            let texts = Texts { lang: tag.to_owned().into(), ..ENGLISH };
            assert_eq!(texts.check(), Err(ParseError::new(TAG).in_field("lang")), "{tag}");
        }
        for tag in ["de", "pt-BR", "zh-Hant-TW", "sr-Latn", "es-419"] {
            assert_eq!(Texts { lang: tag.into(), ..ENGLISH }.check(), Ok(()), "{tag}");
        }
    }

    #[test]
    fn an_empty_line_begins_a_paragraph() {
        for (text, expected) in [
            ("one", vec!["one"]),
            ("one\ntwo", vec!["one\ntwo"]),
            ("one\n\ntwo", vec!["one", "two"]),
            ("\n\none\n \n\n\ttwo\r\n\r\nthree\n", vec!["one", "two", "three"]),
        ] {
            assert_eq!(paragraphs(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }
}
