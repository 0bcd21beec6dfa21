//! The form that makes a ping: two fields, and the rest for whoever wants more.

use askama::Template;
use http::StatusCode;
use mailping_core::pings::MessageKind;
use mailping_core::{Basis, Detail, Error, NewPing};

use super::frame::{Frame, html};
use super::words::count;
use super::{failed, field};
use crate::answer::Answer;
use crate::visit::Visit;

/// What the form holds, as typed.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) reference: String,
    pub(crate) owner: String,
    pub(crate) recipient: String,
    pub(crate) reason: String,
    /// What can be kept, of which one is chosen.
    pub(crate) details: Vec<Choice>,
    detail: String,
    pub(crate) kind: String,
    /// Whether the reader may choose an owner.
    pub(crate) asks_owner: bool,
    /// The fields that are wrong, and why.
    pub(crate) errors: Vec<(&'static str, String)>,
}

/// A detail that the tracker's ceiling allows.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) text: &'static str,
    pub(crate) chosen: bool,
}

/// The details that the form offers; the library's default is chosen if nothing is.
const DETAILS: [(Detail, &str); 5] = [
    (Detail::LastDay, "the last day on which it was opened"),
    (Detail::Opens, "each load, without a place"),
    (Detail::Country, "each load, with its country"),
    (Detail::City, "each load, with country and city"),
    (Detail::Network, "each load, with city and a masked network"),
];

fn choices(ceiling: Detail, chosen: &str) -> Vec<Choice> {
    let chosen = chosen.parse().unwrap_or(Detail::City).min(ceiling);
    let offered = DETAILS.into_iter().filter(|(detail, _)| *detail <= ceiling);
    offered.map(|(detail, text)| Choice { value: detail.as_str(), text, chosen: detail == chosen }).collect()
}

impl Form {
    /// One to be filled in.
    pub(crate) fn empty(ceiling: Detail, asks_owner: bool) -> Self {
        Self::read(b"", ceiling, asks_owner)
    }

    fn read(body: &[u8], ceiling: Detail, asks_owner: bool) -> Self {
        let text = |name| field(body, name).unwrap_or_default();
        Self {
            reference: text("reference"),
            owner: text("owner"),
            recipient: text("recipient"),
            // Browsers send line breaks as CR LF.
            reason: text("reason").replace("\r\n", "\n"),
            details: choices(ceiling, &text("detail")),
            detail: text("detail"),
            kind: text("kind"),
            asks_owner,
            errors: Vec::new(),
        }
    }

    /// What is wrong with a field.
    pub(crate) fn error_of(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(wrong, _)| *wrong == field).map(|(_, text)| text.as_str())
    }

    /// Whether something beyond the two fields was filled in, or is wrong.
    pub(crate) fn shows_more(&self) -> bool {
        let more = ["recipient", "owner", "detail", "kind"];
        more.into_iter().any(|field| self.error_of(field).is_some())
            || [&self.recipient, &self.owner, &self.kind].into_iter().any(|text| !text.is_empty())
    }

    /// How many fields are wrong, in words.
    pub(crate) fn wrong_fields(&self) -> String {
        count(self.errors.len() as u64, "field needs", "fields need") + " another look"
    }

    /// The ping, or all that is missing or chosen wrongly.
    fn new_ping(&self) -> Result<NewPing, Vec<(&'static str, String)>> {
        const CHOOSE: &str = "Choose one of these.";
        let mut errors = Vec::new();
        for (field, value, needed) in [
            ("reference", &self.reference, "Give the message a name, such as invoice-42."),
            ("reason", &self.reason, "Say why, such as: proof that the invoice arrived."),
        ] {
            if value.is_empty() {
                errors.push((field, needed.to_owned()));
            }
        }
        let basis = Basis::legitimate_interest(&self.reason);
        let mut ping = NewPing::one_to_one(&self.reference, basis);
        if !self.owner.is_empty() {
            ping = ping.owner(&self.owner);
        }
        if !self.recipient.is_empty() {
            ping = ping.to(&self.recipient);
        }
        match self.detail.parse::<Detail>() {
            Ok(detail) => ping = ping.detail(detail),
            Err(_) if self.detail.is_empty() => {}
            Err(_) => errors.push(("detail", CHOOSE.to_owned())),
        }
        match self.kind.parse::<MessageKind>() {
            Ok(kind) => ping = ping.kind(kind),
            Err(_) if self.kind.is_empty() => {}
            Err(_) => errors.push(("kind", CHOOSE.to_owned())),
        }
        if errors.is_empty() { Ok(ping) } else { Err(errors) }
    }
}

#[derive(Template)]
#[template(path = "form_page.html")]
struct FormPage {
    frame: Frame,
    form: Form,
}

/// Makes the ping of a form, then leads to its receipt; or shows the form again with what is wrong.
pub(crate) async fn make(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let frame = Frame::new(visit);
    let Some(body) = visit.call.body else {
        let text = "The form held more than 64 KiB.";
        return Err(super::frame::problem(frame, StatusCode::PAYLOAD_TOO_LARGE, "That is too much", text));
    };
    let own = visit.scope.owner();
    let mut form = Form::read(body, visit.tracker().pings().ceiling(), own.is_none());
    if let Some(owner) = own {
        form.owner = owner.to_owned();
    }
    form.errors = match form.new_ping() {
        Err(errors) => errors,
        Ok(new) => match visit.tracker().pings().create(new).await {
            Ok(made) => return Ok(Answer::to(&visit.page.prefix, &format!("/pings/{}", made.id()))),
            Err(error) if error.is_invalid() => vec![(form_field(&error), error.to_string())],
            Err(error) => return Err(failed(visit, &error)),
        },
    };
    Err(html(StatusCode::UNPROCESSABLE_ENTITY, &FormPage { frame, form }))
}

/// The library's names of fields are those of JSON.
fn form_field(error: &Error) -> &'static str {
    match error.field() {
        Some("basis.reason") => "reason",
        Some(field @ ("owner" | "recipient")) => field,
        _ => "reference",
    }
}
