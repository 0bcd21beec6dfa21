//! The form that makes a ping.

use askama::Template;
use http::StatusCode;
use mailping_core::pings::MessageKind;
use mailping_core::{Basis, Detail, Error, NewPing};

use super::frame::{Frame, html};
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
    /// The field that is wrong, and why.
    pub(crate) error: Option<(&'static str, String)>,
}

/// A detail that the service's ceiling allows.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) text: &'static str,
    pub(crate) chosen: bool,
}

/// The details that the form offers; the library's default is chosen if nothing is.
const DETAILS: [(Detail, &str); 5] = [
    (Detail::LastDay, "the day of the last display"),
    (Detail::Opens, "each fetch, without a place"),
    (Detail::Country, "each fetch with its country"),
    (Detail::City, "each fetch with country and city"),
    (Detail::Network, "each fetch with city and masked network"),
];

fn choices(ceiling: Detail, chosen: &str) -> Vec<Choice> {
    let chosen = chosen.parse().unwrap_or(Detail::City).min(ceiling);
    let offered = DETAILS.into_iter().filter(|(detail, _)| *detail <= ceiling);
    offered.map(|(detail, text)| Choice { value: detail.as_str(), text, chosen: detail == chosen }).collect()
}

impl Form {
    /// One to be filled in.
    pub(crate) fn empty(ceiling: Detail) -> Self {
        Self::read(b"", ceiling)
    }

    fn read(body: &[u8], ceiling: Detail) -> Self {
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
            error: None,
        }
    }

    /// What is wrong with a field.
    pub(crate) fn error_of(&self, field: &str) -> Option<&str> {
        self.error.as_ref().filter(|(wrong, _)| *wrong == field).map(|(_, text)| text.as_str())
    }

    fn new_ping(&self) -> Result<NewPing, (&'static str, String)> {
        let required = |field, value: &str| match value {
            "" => Err((field, "This is needed.".to_owned())),
            value => Ok(value.to_owned()),
        };
        let reference = required("reference", &self.reference)?;
        let reason = required("reason", &self.reason)?;
        let mut ping = NewPing::one_to_one(reference, Basis::legitimate_interest(reason));
        if !self.owner.is_empty() {
            ping = ping.owner(&self.owner);
        }
        if !self.recipient.is_empty() {
            ping = ping.to(&self.recipient);
        }
        if !self.detail.is_empty() {
            let detail: Detail =
                self.detail.parse().map_err(|_| ("detail", "Choose one of these.".to_owned()))?;
            ping = ping.detail(detail);
        }
        if !self.kind.is_empty() {
            let kind: MessageKind =
                self.kind.parse().map_err(|_| ("kind", "Choose one of these.".to_owned()))?;
            ping = ping.kind(kind);
        }
        Ok(ping)
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
    let mut form = Form::read(body, visit.tracker().pings().ceiling());
    if let Some(owner) = visit.scope.owner() {
        form.owner = owner.to_owned();
    }
    let error = match form.new_ping() {
        Err(error) => error,
        Ok(new) => match visit.tracker().pings().create(new).await {
            Ok(made) => return Ok(Answer::to(&visit.page.prefix, &format!("/pings/{}", made.id()))),
            Err(error) if error.is_invalid() => (form_field(&error), error.to_string()),
            Err(error) => return Err(failed(visit, &error)),
        },
    };
    form.error = Some(error);
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
