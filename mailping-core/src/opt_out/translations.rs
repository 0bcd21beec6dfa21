//! The languages that are built in. One more is added here and in the list of `Languages::default`.

use std::borrow::Cow;

use super::Texts;

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
         the picture. If the sender gave no address for this message, or has deleted its record, it stops for this message \
         alone.\n\n\
         You are not unsubscribed from anything: the messages themselves still come.",
    ),
    ask_button: Cow::Borrowed("Object to open receipts"),
    done_title: Cow::Borrowed("Opening this message is no longer recorded"),
    done_text: Cow::Borrowed(
        "If the sender's record of this message names your address, your objection is kept: opening this sender's other messages \
         is no longer recorded either, also for those already sent.\n\n\
         If the sender gave no address for this message, or had deleted its record before, nothing is kept for other messages: \
         to object for those, please write to the sender.\n\n\
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
         f\u{fc}r sp\u{e4}tere, die ohne das Bild kommen. Hat der Absender f\u{fc}r diese Nachricht keine Adresse angegeben oder \
         ihren Eintrag gel\u{f6}scht, so h\u{f6}rt es nur f\u{fc}r diese Nachricht auf.\n\n\
         Sie werden von nichts abgemeldet: Die Nachrichten selbst kommen weiterhin.",
    ),
    ask_button: Cow::Borrowed("Lesebest\u{e4}tigungen widersprechen"),
    done_title: Cow::Borrowed("Das \u{d6}ffnen dieser Nachricht wird nicht mehr erfasst"),
    done_text: Cow::Borrowed(
        "Nennt der Eintrag des Absenders zu dieser Nachricht Ihre Adresse, so ist Ihr Widerspruch gespeichert: Auch das \
         \u{d6}ffnen anderer Nachrichten dieses Absenders wird nicht mehr erfasst, auch nicht bei schon gesendeten.\n\n\
         Hat der Absender f\u{fc}r diese Nachricht keine Adresse angegeben oder den Eintrag vorher gel\u{f6}scht, so ist f\u{fc}r \
         andere Nachrichten nichts gespeichert: Um auch f\u{fc}r sie zu widersprechen, schreiben Sie bitte dem Absender.\n\n\
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
