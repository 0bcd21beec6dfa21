//! The JSON of a request, read field by field, so that an error names the field and never repeats a
//! value.

use std::time::Duration;

use http::StatusCode;
use mailping_core::pings::{EprivacyGround, MessageKind, Purpose, SmtpReply, TimeStep};
use mailping_core::{Basis, Detail, NewPing, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::Scope;
use crate::answer::Answer;

/// A JSON object whose fields are taken out one by one; what is left at the end is unknown.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn read(body: Option<&[u8]>) -> Result<Self, Answer> {
        let too_large = || {
            Answer::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                None,
                "the body must have at most 64 KiB",
            )
        };
        match serde_json::from_slice(body.ok_or_else(too_large)?) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(invalid_json("the body must be a JSON object")),
            Err(error) => {
                let place =
                    format!("the body is not JSON (line {}, column {})", error.line(), error.column());
                Err(invalid_json(&place))
            }
        }
    }

    fn take(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field).filter(|value| !value.is_null())
    }

    fn optional<T: DeserializeOwned>(
        &mut self,
        field: &'static str,
        expected: &str,
    ) -> Result<Option<T>, Answer> {
        let Some(value) = self.take(field) else { return Ok(None) };
        match serde_json::from_value(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(invalid(field, &format!("{field} must be {expected}"))),
        }
    }

    pub(super) fn required<T: DeserializeOwned>(
        &mut self,
        field: &'static str,
        expected: &str,
    ) -> Result<T, Answer> {
        self.optional(field, expected)?.ok_or_else(|| {
            let message = format!("{field} is missing: it must be {expected}");
            Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "missing_field", Some(field), &message)
        })
    }

    fn days(&mut self, field: &'static str) -> Result<Option<Duration>, Answer> {
        const EXPECTED: &str = "a number of days from 1 to 1830";
        match self.optional::<u32>(field, EXPECTED)? {
            Some(days @ 1..=1_830) => Ok(Some(Duration::from_secs(86_400 * u64::from(days)))),
            Some(_) => Err(invalid(field, &format!("{field} must be {EXPECTED}"))),
            None => Ok(None),
        }
    }

    pub(super) fn finish(self) -> Result<(), Answer> {
        let Some(field) = self.0.keys().next() else { return Ok(()) };
        // A key that is no plain name may be somebody's address.
        let plain = field.len() <= 40 && field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let shown = plain.then_some(field.as_str());
        Err(Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "unknown_field", shown, "no such field"))
    }
}

const BASIS: &str = r#"{"kind":"legitimate_interest","reason":"..."}, {"kind":"consent","given_at":"...","text_version":"...","channel":"..."}, {"kind":"contract"} or {"kind":"legal_obligation"}"#;
const CODE: &str = "a mail server's final answer: 2xx, 4xx or 5xx";
const DETAIL: &str = "none, last_day, opens, country, city or network";

/// The body of `POST /api/pings`.
#[derive(ToSchema)]
#[schema(as = NewPing)]
#[expect(dead_code, reason = "only its schema is used: the fields are read one by one")]
pub(super) struct NewPingFields {
    /// Your own name for the message, such as `invoice-42`: name a document, not a person.
    reference: String,
    /// Why it is recorded.
    basis: Basis,
    /// Your own key for its sender or tenant.
    owner: Option<String>,
    /// The recipient's address, of which only a keyed hash is kept: so that objections and erasures
    /// find the ping.
    recipient: Option<String>,
    /// One message for one person (without it), or one of many.
    purpose: Option<Purpose>,
    /// How much of an open is kept at most; the city without it.
    detail: Option<Detail>,
    /// How exactly times are kept at most.
    time_step: Option<TimeStep>,
    /// The kind of message.
    kind: Option<MessageKind>,
    /// The ePrivacy ground, if you state one.
    eprivacy: Option<EprivacyGround>,
    /// When the message is sent; now without it.
    sent_at: Option<Timestamp>,
    /// For how many days opens are recorded, from 1 to 1830; 30 without it.
    #[schema(minimum = 1, maximum = 1830)]
    record_days: Option<u32>,
    /// For how many days the ping and its opens are kept, from 1 to 1830 and no fewer than
    /// `record_days`; 90 without it, or `record_days` if that is more.
    #[schema(minimum = 1, maximum = 1830)]
    keep_days: Option<u32>,
    /// Who asks the recipient to confirm receipt, in words for the page that asks: nobody without
    /// it.
    asked_by: Option<String>,
    /// Whether that page shows the reference.
    shows_reference: Option<bool>,
}

/// The body of `POST /api/pings/{id}/handed_over`.
#[derive(ToSchema)]
#[schema(as = SmtpReply)]
#[expect(dead_code, reason = "only its schema is used: the fields are read one by one")]
pub(super) struct ReplyFields {
    /// The code of the mail server's final answer, such as 250.
    code: u16,
    /// The text after the code: only an enhanced status code such as `2.0.0` is kept of it.
    text: Option<String>,
}

/// The body of what concerns one recipient.
#[derive(ToSchema)]
#[schema(as = Recipient)]
#[expect(dead_code, reason = "only its schema is used: the field is read by itself")]
pub(super) struct RecipientField {
    /// An address such as `ada@example.com`.
    recipient: String,
}

/// Reads the body of `POST /api/pings`. Who may see one owner's pings makes pings of that owner.
pub(super) fn new_ping(body: Option<&[u8]>, scope: &Scope) -> Result<NewPing, Answer> {
    let mut fields = Fields::read(body)?;
    let reference: String = fields.required("reference", "a text")?;
    let basis: Basis = fields.required("basis", BASIS)?;
    let purpose: Option<Purpose> = fields.optional("purpose", "one_to_one or bulk")?;
    let mut ping = match (purpose.unwrap_or_default(), basis) {
        (Purpose::Bulk, Basis::Consent { given_at, text_version, channel }) => {
            NewPing::bulk(reference, given_at, text_version, channel)
        }
        (Purpose::Bulk, _) => {
            return Err(invalid("basis", "bulk mail needs the recipient's consent as its basis"));
        }
        (_, basis) => NewPing::one_to_one(reference, basis),
    };
    let owner = fields.optional::<String>("owner", "a text")?;
    if owner.as_ref().is_some_and(|owner| !scope.may_name(owner)) {
        return Err(invalid("owner", "owner must be your own, or left out"));
    }
    if let Some(owner) = owner.or_else(|| scope.owner().map(str::to_owned)) {
        ping = ping.owner(owner);
    }
    if let Some(recipient) = fields.optional::<String>("recipient", "an address such as ada@example.com")? {
        ping = ping.to(recipient);
    }
    if let Some(detail) = fields.optional::<Detail>("detail", DETAIL)? {
        ping = ping.detail(detail);
    }
    if let Some(step) = fields.optional::<TimeStep>("time_step", "exact, hour or day")? {
        ping = ping.time_step(step);
    }
    if let Some(kind) = fields.optional::<MessageKind>("kind", "commercial, transactional or relationship")? {
        ping = ping.kind(kind);
    }
    let grounds = "consent, strictly_necessary, national_exemption or not_applicable";
    if let Some(ground) = fields.optional::<EprivacyGround>("eprivacy", grounds)? {
        ping = ping.eprivacy(ground);
    }
    if let Some(sent_at) = fields.optional::<Timestamp>("sent_at", "a time such as 2026-11-23T10:02:00Z")? {
        ping = ping.sent_at(sent_at);
    }
    if let Some(days) = fields.days("record_days")? {
        ping = ping.record_for(days);
    }
    if let Some(days) = fields.days("keep_days")? {
        ping = ping.keep_for(days);
    }
    if let Some(asked_by) = fields.optional::<String>("asked_by", "a text")? {
        ping = ping.confirmable(asked_by);
    }
    if fields.optional::<bool>("shows_reference", "true or false")? == Some(true) {
        ping = ping.show_reference();
    }
    fields.finish()?;
    Ok(ping)
}

/// Reads the body of `POST /api/pings/{id}/handed_over`: what the recipient's mail server answered.
pub(super) fn smtp_reply(body: Option<&[u8]>) -> Result<SmtpReply, Answer> {
    let mut fields = Fields::read(body)?;
    let code: u16 = fields.required("code", CODE)?;
    let text: Option<String> = fields.optional("text", "the text after the code")?;
    fields.finish()?;
    let reply = SmtpReply::new(code, text.as_deref().unwrap_or_default());
    reply.ok_or_else(|| invalid("code", &format!("code must be {CODE}")))
}

fn invalid_json(message: &str) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "invalid_json", None, message)
}

pub(super) fn invalid(field: &str, message: &str) -> Answer {
    Answer::error(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", Some(field), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Body;

    fn refusal(fields: &str) -> Option<(String, String)> {
        let body = format!(r#"{{"reference":"x","basis":{{"kind":"contract"}},{fields}}}"#);
        let answer = new_ping(Some(body.as_bytes()), &Scope::All).err()?;
        let Body::Whole(body) = answer.body else { panic!("an error is whole") };
        let error = serde_json::from_slice::<Value>(&body).unwrap()["error"].take();
        let text = |name: &str| error[name].as_str().unwrap().to_owned();
        Some((text("field"), text("message")))
    }

    #[test]
    fn lifetimes_are_named_and_bounded_in_days() {
        for field in ["record_days", "keep_days"] {
            for days in ["0", "1831", "-1", "1.5", "\"7\""] {
                let message = format!("{field} must be a number of days from 1 to 1830");
                assert_eq!(
                    refusal(&format!("\"{field}\":{days}")),
                    Some((field.to_owned(), message)),
                    "{days}"
                );
            }
            for days in ["1", "1830", "null"] {
                assert_eq!(refusal(&format!("\"{field}\":{days}")), None, "{field}: {days}");
            }
        }
    }
}
