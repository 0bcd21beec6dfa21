//! The words of the opt-out page in one language. They are plain text: whatever looks like markup
//! is shown as it is.

use std::borrow::Cow;

use crate::text::ParseError;

/// The most bytes of one text.
const MAX_BYTES: usize = 8 * 1024;
/// The most bytes of a language tag: RFC 5646 asks for room for 35.
const MAX_TAG_BYTES: usize = 35;

const TAG: &str = "the tag of the texts' language, such as `de` or `pt-BR`";
const EMPTY: &str = "is empty";
const TOO_LONG: &str = "is longer than 8 KiB";

/// The words of the opt-out page in one language: [`ENGLISH`] and [`GERMAN`] are built in, and
/// [`TrackerBuilder::opt_out_texts`](crate::TrackerBuilder::opt_out_texts) adds yours or replaces
/// one of those.
///
/// ```
/// use mailping_core::opt_out::{ENGLISH, Texts};
///
/// let shorter = Texts { done_text: "Opening our messages is no longer recorded.".into(), ..ENGLISH };
/// ```
///
/// Each field is needed, so the compiler finds a text that a language lacks. An empty line begins a
/// new paragraph of a `_text`.
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
    /// The heading once the objection is kept.
    pub done_title: Cow<'static, str>,
    /// What holds from then on: the same for a message whose record was deleted before.
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
}

/// The words in English.
pub const ENGLISH: Texts = Texts {
    lang: Cow::Borrowed("en"),
    right_to_left: false,
    ask_title: Cow::Borrowed("Object to open receipts"),
    ask_text: Cow::Borrowed(
        "The message that led you here holds an invisible picture. When the message is shown, the picture is fetched, and the \
         sender learns that it was probably opened, when, and at most from which city and network. Your full IP address is \
         not kept.\n\n\
         If you object, this stops: for messages that this sender has already sent you, and for later ones, which come without \
         the picture. If the sender gave no address for this message, it stops for this message alone.\n\n\
         You are not unsubscribed from anything: the messages themselves still come.",
    ),
    ask_button: Cow::Borrowed("Object to open receipts"),
    done_title: Cow::Borrowed("Your objection is kept"),
    done_text: Cow::Borrowed(
        "From now on, opening this sender's messages is no longer recorded, also for those already sent. If the sender gave no \
         address for this message, that holds for this message alone. If the record of this message was deleted before, it \
         names nobody any more: to object for later messages, please write to the sender.\n\n\
         You are not unsubscribed from anything. You can close this page.",
    ),
    damaged_title: Cow::Borrowed("This link is incomplete"),
    damaged_text: Cow::Borrowed(
        "Part of the link was lost or changed on its way to you, so we cannot tell which message it belongs to.\n\n\
         Nothing was changed, and no objection is kept.\n\n\
         Please open the link in the message again, or copy all of it if it is broken over two lines. If that does not help, \
         write to the sender of the message and ask that opening it is no longer recorded.",
    ),
    failed_title: Cow::Borrowed("Your objection is not kept yet"),
    failed_text: Cow::Borrowed(
        "Something went wrong on our side, and your objection could not be kept. Please try again in a few minutes.",
    ),
    failed_button: Cow::Borrowed("Try again"),
};

/// The words in German.
pub const GERMAN: Texts = Texts {
    lang: Cow::Borrowed("de"),
    right_to_left: false,
    ask_title: Cow::Borrowed("Lesebest\u{e4}tigungen widersprechen"),
    ask_text: Cow::Borrowed(
        "Die Nachricht, die Sie hierher gef\u{fc}hrt hat, enth\u{e4}lt ein unsichtbares Bild. Wird die Nachricht angezeigt, so wird \
         das Bild abgerufen, und der Absender erf\u{e4}hrt, dass sie wahrscheinlich ge\u{f6}ffnet wurde, wann, und h\u{f6}chstens \
         aus welcher Stadt und welchem Netz. Ihre vollst\u{e4}ndige IP-Adresse wird nicht gespeichert.\n\n\
         Wenn Sie widersprechen, h\u{f6}rt das auf: f\u{fc}r Nachrichten, die dieser Absender Ihnen schon geschickt hat, und \
         f\u{fc}r sp\u{e4}tere, die ohne das Bild kommen. Hat der Absender f\u{fc}r diese Nachricht keine Adresse angegeben, so \
         h\u{f6}rt es nur f\u{fc}r diese Nachricht auf.\n\n\
         Sie werden von nichts abgemeldet: Die Nachrichten selbst kommen weiterhin.",
    ),
    ask_button: Cow::Borrowed("Lesebest\u{e4}tigungen widersprechen"),
    done_title: Cow::Borrowed("Ihr Widerspruch ist gespeichert"),
    done_text: Cow::Borrowed(
        "Von jetzt an wird nicht mehr erfasst, ob Sie Nachrichten dieses Absenders \u{f6}ffnen, auch nicht bei schon gesendeten. \
         Hat der Absender f\u{fc}r diese Nachricht keine Adresse angegeben, so gilt das nur f\u{fc}r diese Nachricht. Wurde der \
         Eintrag zu dieser Nachricht schon gel\u{f6}scht, so nennt er niemanden mehr: Um auch f\u{fc}r sp\u{e4}tere Nachrichten \
         zu widersprechen, schreiben Sie bitte dem Absender.\n\n\
         Sie wurden von nichts abgemeldet. Sie k\u{f6}nnen diese Seite schlie\u{df}en.",
    ),
    damaged_title: Cow::Borrowed("Dieser Link ist unvollst\u{e4}ndig"),
    damaged_text: Cow::Borrowed(
        "Ein Teil des Links ging auf dem Weg zu Ihnen verloren oder wurde ver\u{e4}ndert. Deshalb ist nicht zu erkennen, zu welcher \
         Nachricht er geh\u{f6}rt.\n\n\
         Es wurde nichts ge\u{e4}ndert, und es ist kein Widerspruch gespeichert.\n\n\
         Bitte \u{f6}ffnen Sie den Link in der Nachricht noch einmal, oder kopieren Sie ihn ganz, falls er \u{fc}ber zwei Zeilen \
         geht. Hilft das nicht, so schreiben Sie dem Absender, dass das \u{d6}ffnen nicht mehr erfasst werden soll.",
    ),
    failed_title: Cow::Borrowed("Ihr Widerspruch ist noch nicht gespeichert"),
    failed_text: Cow::Borrowed(
        "Bei uns ist etwas schiefgegangen, und Ihr Widerspruch konnte nicht gespeichert werden. Bitte versuchen Sie es in ein \
         paar Minuten noch einmal.",
    ),
    failed_button: Cow::Borrowed("Noch einmal versuchen"),
};

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
        Ok(())
    }

    fn all(&self) -> [(&'static str, &str); 10] {
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
        ]
    }
}

fn refused(field: &'static str, problem: &str) -> ParseError {
    ParseError::because(format_args!("the text `{field}` of the opt-out page {problem}")).in_field(field)
}

/// Letters, then further parts of letters and digits.
pub(super) fn is_tag(text: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = text.split('-').next().unwrap_or_default();
    text.len() <= MAX_TAG_BYTES && first.bytes().all(|b| b.is_ascii_alphabetic()) && text.split('-').all(part)
}

/// The paragraphs of a text, without the empty lines between them.
pub(super) fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
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
