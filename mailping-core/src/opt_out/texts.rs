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
/// confirm receipt: [`ENGLISH`] and [`GERMAN`] are built in, and
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
    confirm_title: Cow::Borrowed("Confirm receipt"),
    confirm_text: Cow::Borrowed(
        "{sender} asks you to confirm that you have received this message.\n\n\
         If you press the button, the sender learns that receipt was confirmed, and when. Kept are the time, and whether the \
         confirmation seems to come from a person, with the reasons for that. Neither your IP address nor where you are is kept.\n\n\
         You do not have to confirm. A confirmation cannot be taken back.",
    ),
    confirm_reference: Cow::Borrowed("The sender's reference: {reference}"),
    confirm_button: Cow::Borrowed("Confirm receipt"),
    confirmed_title: Cow::Borrowed("Receipt is confirmed"),
    confirmed_text: Cow::Borrowed(
        "The sender can now see that receipt of this message was confirmed, and when. That cannot be taken back.\n\n\
         You can close this page.",
    ),
    closed_title: Cow::Borrowed("This message can no longer be confirmed"),
    closed_text: Cow::Borrowed(
        "Nothing is confirmed. The record of this message takes nothing any more: it was deleted, its time is over, or its \
         recipient has objected to everything.\n\n\
         If you want the sender to know that you have received the message, please answer it.",
    ),
    unproven_title: Cow::Borrowed("Receipt is not confirmed"),
    unproven_text: Cow::Borrowed(
        "Nothing is confirmed: the request looked as programs send it, or came from the sender's own network.\n\n\
         If you are the recipient, please open the link in your usual browser and press the button there, or answer the message.",
    ),
    confirm_damaged_text: Cow::Borrowed(
        "Part of the link was lost or changed on its way to you, so we cannot tell which message it belongs to.\n\n\
         Nothing was changed, and nothing is confirmed.\n\n\
         Please open the link in the message again, or copy all of it if it is broken over two lines. If that does not help, \
         answer the message.",
    ),
    confirm_failed_title: Cow::Borrowed("Receipt is not confirmed yet"),
    confirm_failed_text: Cow::Borrowed(
        "Something went wrong on our side, and nothing is confirmed yet. Please try again in a few minutes.",
    ),
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
    confirm_title: Cow::Borrowed("Empfang best\u{e4}tigen"),
    confirm_text: Cow::Borrowed(
        "{sender} bittet Sie, den Empfang dieser Nachricht zu best\u{e4}tigen.\n\n\
         Wenn Sie auf den Knopf dr\u{fc}cken, erf\u{e4}hrt der Absender, dass und wann der Empfang best\u{e4}tigt wurde. Gespeichert \
         werden die Zeit und ob die Best\u{e4}tigung von einem Menschen zu kommen scheint, mit den Gr\u{fc}nden daf\u{fc}r. Weder \
         Ihre IP-Adresse noch Ihr Ort wird gespeichert.\n\n\
         Sie m\u{fc}ssen nicht best\u{e4}tigen. Eine Best\u{e4}tigung l\u{e4}sst sich nicht zur\u{fc}cknehmen.",
    ),
    confirm_reference: Cow::Borrowed("Zeichen des Absenders: {reference}"),
    confirm_button: Cow::Borrowed("Empfang best\u{e4}tigen"),
    confirmed_title: Cow::Borrowed("Der Empfang ist best\u{e4}tigt"),
    confirmed_text: Cow::Borrowed(
        "Der Absender sieht jetzt, dass und wann der Empfang dieser Nachricht best\u{e4}tigt wurde. Das l\u{e4}sst sich nicht \
         zur\u{fc}cknehmen.\n\n\
         Sie k\u{f6}nnen diese Seite schlie\u{df}en.",
    ),
    closed_title: Cow::Borrowed("Diese Nachricht l\u{e4}sst sich nicht mehr best\u{e4}tigen"),
    closed_text: Cow::Borrowed(
        "Es ist nichts best\u{e4}tigt. Der Eintrag zu dieser Nachricht nimmt nichts mehr auf: Er wurde gel\u{f6}scht, seine Zeit ist \
         vorbei, oder der Empf\u{e4}nger hat allem widersprochen.\n\n\
         Soll der Absender wissen, dass Sie die Nachricht erhalten haben, so antworten Sie ihm bitte.",
    ),
    unproven_title: Cow::Borrowed("Der Empfang ist nicht best\u{e4}tigt"),
    unproven_text: Cow::Borrowed(
        "Es ist nichts best\u{e4}tigt: Die Anfrage sah aus, wie Programme sie senden, oder kam aus dem Netz des Absenders.\n\n\
         Sind Sie der Empf\u{e4}nger, so \u{f6}ffnen Sie den Link bitte in Ihrem gewohnten Browser und dr\u{fc}cken Sie dort auf den \
         Knopf, oder antworten Sie auf die Nachricht.",
    ),
    confirm_damaged_text: Cow::Borrowed(
        "Ein Teil des Links ging auf dem Weg zu Ihnen verloren oder wurde ver\u{e4}ndert. Deshalb ist nicht zu erkennen, zu welcher \
         Nachricht er geh\u{f6}rt.\n\n\
         Es wurde nichts ge\u{e4}ndert, und es ist nichts best\u{e4}tigt.\n\n\
         Bitte \u{f6}ffnen Sie den Link in der Nachricht noch einmal, oder kopieren Sie ihn ganz, falls er \u{fc}ber zwei Zeilen \
         geht. Hilft das nicht, so antworten Sie auf die Nachricht.",
    ),
    confirm_failed_title: Cow::Borrowed("Der Empfang ist noch nicht best\u{e4}tigt"),
    confirm_failed_text: Cow::Borrowed(
        "Bei uns ist etwas schiefgegangen, und es ist noch nichts best\u{e4}tigt. Bitte versuchen Sie es in ein paar Minuten noch \
         einmal.",
    ),
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
