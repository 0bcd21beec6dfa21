//! The JSON API. One table names its routes: what is not in it is not answered, and a test compares
//! it with the OpenAPI document.

mod document;
mod input;
mod parameters;

use http::StatusCode;
use mailping_core::intake::Health;
use mailping_core::people::{Deleted, RecipientExport};
use mailping_core::pings::Ping;
use mailping_core::receipts::{OpenCursor, OpenQuery, Summary};
use mailping_core::{Error, PingId, PreparedPing, Receipt};
use serde::Serialize;
use utoipa::ToSchema;

use self::input::{Fields, NewPingFields, RecipientField, ReplyFields, invalid, new_ping, smtp_reply};
use self::parameters::Parameters;
use crate::answer::{Answer, Problem};
use crate::certified as file;
use crate::visit::{Visit, failed};

/// What a program can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Create,
    List,
    Receipt,
    Certified,
    Erase,
    Withdraw,
    HandedOver,
    Object,
    EraseRecipient,
    Export,
    Health,
    Document,
}

/// Method, path below `/api/`, and what it is.
const ROUTES: [(&str, &str, Route); 12] = [
    ("POST", "pings", Route::Create),
    ("GET", "pings", Route::List),
    ("GET", "pings/{id}", Route::Receipt),
    ("GET", "pings/{id}/certified", Route::Certified),
    ("DELETE", "pings/{id}", Route::Erase),
    ("POST", "pings/{id}/withdraw", Route::Withdraw),
    ("POST", "pings/{id}/handed_over", Route::HandedOver),
    ("POST", "objections", Route::Object),
    ("POST", "erase", Route::EraseRecipient),
    ("POST", "export", Route::Export),
    ("GET", "health", Route::Health),
    ("GET", "openapi.json", Route::Document),
];

/// Answers a request below `/api/`.
pub(crate) async fn answer(path: &str, visit: &Visit<'_>) -> Result<Answer, Answer> {
    let (route, id) = find(visit.call.method().as_str(), path)?;
    match route {
        Route::Create => create(visit).await,
        Route::List => list(visit).await,
        Route::Receipt => receipt(visit, ping_id(id)?).await,
        Route::Certified => certified(visit, ping_id(id)?).await,
        Route::Erase => erase(visit, ping_id(id)?).await,
        Route::Withdraw => withdraw(visit, ping_id(id)?).await,
        Route::HandedOver => handed_over(visit, ping_id(id)?).await,
        Route::Object => object(visit).await,
        Route::EraseRecipient => erase_recipient(visit).await,
        Route::Export => export(visit).await,
        Route::Health => health(visit),
        Route::Document => Ok(openapi(visit)),
    }
}

/// The route and the id in its path.
fn find<'p>(method: &str, path: &'p str) -> Result<(Route, &'p str), Answer> {
    let mut methods = Vec::new();
    for (of, template, route) in ROUTES {
        if let Some(id) = id_in(template, path) {
            if of == method {
                return Ok((route, id));
            }
            methods.push(of);
        }
    }
    Err(if methods.is_empty() { Answer::not_found() } else { Answer::not_allowed(&methods.join(", ")) })
}

/// What stands for `{id}`; empty if the template has none, `None` if the path is another one.
fn id_in<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    let mut id = "";
    let (mut parts, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return Some(id),
            (Some("{id}"), Some(segment)) => id = segment,
            (Some(part), Some(segment)) if part == segment => {}
            _ => return None,
        }
    }
}

/// A ping that was made.
#[derive(Debug, Serialize, ToSchema)]
struct Made<'a> {
    #[serde(flatten)]
    ping: &'a Ping,
    /// The pixel's URL; `null` unless the ping is live: send the message without a pixel.
    pixel_url: Option<&'a str>,
    /// The pixel as an HTML tag; empty unless the ping is live.
    img_tag: String,
    /// Where the recipient can object: a link for the message's foot.
    opt_out_url: &'a str,
    /// Where the recipient can confirm receipt, if `asked_by` asks for it; `null` otherwise.
    confirm_url: Option<&'a str>,
    /// The value of the header line `Mailping-Key` for the mail, which binds it to its certified
    /// receipt; `null` if nothing is sealed.
    key_header: Option<&'a str>,
}

/// Makes a ping for one message to one recipient.
#[utoipa::path(post, path = "/api/pings", tag = "mailping", request_body = NewPingFields, responses(
    (status = 201, description = "The ping is durable; paste its pixel and links into the message", body = inline(Made)),
    (status = 400, description = "The body is not a JSON object", body = Problem),
    (status = 413, description = "The body is larger than 64 KiB", body = Problem),
    (status = 422, description = "A field is missing, unknown or wrong", body = Problem),
))]
async fn create(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let new = new_ping(visit.call.body, &visit.scope)?;
    let made: PreparedPing = visit.tracker().pings().create(new).await.map_err(refused_ping)?;
    let made = Made {
        ping: made.ping(),
        pixel_url: made.pixel_url(),
        img_tag: made.img_tag(),
        opt_out_url: made.opt_out_url(),
        confirm_url: made.confirm_url(),
        key_header: file::header(&made),
    };
    Ok(Answer::json(StatusCode::CREATED, &made))
}

/// A page of receipts without their opens.
#[derive(Debug, Serialize, ToSchema)]
struct List {
    pings: Vec<Summary>,
    /// The `after` of the next page; `null` on the last.
    next: Option<PingId>,
    /// How many pings between them are left out because their rows are damaged.
    unreadable: u64,
}

/// Lists receipts, the newest first.
#[utoipa::path(get, path = "/api/pings", tag = "mailping", params(
    ("after" = Option<PingId>, Query, description = "The `next` of the page before"),
    ("limit" = Option<u16>, Query, description = "At most so many, from 1 to 1000; 100 without it"),
    ("owner" = Option<String>, Query, description = "Only those of this owner"),
    ("reference" = Option<String>, Query, description = "Only those of this reference"),
), responses(
    (status = 200, description = "A page of receipts without their opens", body = List),
    (status = 400, description = "A parameter is unknown or wrong", body = Problem),
))]
async fn list(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let parameters = Parameters::read(visit.call.query(), &["after", "limit", "owner", "reference"])?;
    let mut query = visit.newest(parameters.limit()?);
    if let Some(owner) = parameters.get("owner") {
        if !visit.scope.may_name(owner) {
            return Err(Answer::forbidden());
        }
        query.owner = Some(owner.to_owned());
    }
    query.reference = parameters.get("reference").map(str::to_owned);
    query.after = parameters.parsed("after", "the `next` of the page before")?;
    let page = visit.tracker().receipts().list(&query).await.map_err(|error| failed(&error))?;
    let list = List { pings: page.items, next: page.next, unreadable: page.unreadable };
    Ok(Answer::json(StatusCode::OK, &list))
}

/// One receipt with its opens, the oldest first.
#[utoipa::path(get, path = "/api/pings/{id}", tag = "mailping", params(
    ("id" = PingId, Path, description = "The ping"),
    ("after" = Option<OpenCursor>, Query, description = "The `next` of the page before"),
    ("limit" = Option<u16>, Query, description = "At most so many opens, from 1 to 1000; 100 without it"),
), responses(
    (status = 200, description = "The receipt with a page of its opens", body = Receipt),
    (status = 400, description = "A parameter is unknown or wrong", body = Problem),
    (status = 404, description = "There is no such ping", body = Problem),
))]
async fn receipt(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let parameters = Parameters::read(visit.call.query(), &["after", "limit"])?;
    let after: Option<OpenCursor> = parameters.parsed("after", "the `next` of the page before")?;
    let query = OpenQuery::oldest(id, parameters.limit()?).after(after);
    let receipt = visit.tracker().receipts().page(&query).await.map_err(|error| failed(&error))?;
    let receipt = receipt.filter(|receipt| visit.scope.holds(receipt.summary.ping.owner.as_deref()));
    receipt.map(|receipt| Answer::json(StatusCode::OK, &receipt)).ok_or_else(Answer::not_found)
}

/// The certified receipt as a file that a stranger verifies offline, as of the last seal.
#[utoipa::path(get, path = "/api/pings/{id}/certified", tag = "mailping", params(("id" = PingId, Path, description = "The ping")), responses(
    (status = 200, description = "The certified receipt, a text file", body = String, content_type = "text/plain"),
    (status = 404, description = "There is no such ping, nothing of it is sealed yet, or this program does not seal", body = Problem),
))]
async fn certified(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    if !visit.holds(id).await.map_err(|error| failed(&error))? {
        return Err(Answer::not_found());
    }
    let text = file::made(visit.tracker(), id, file::Form::Text).await.map_err(|error| failed(&error))?;
    text.map(|text| Answer::certified(id, text)).ok_or_else(Answer::not_found)
}

/// Erases a ping and its opens. Mail already sent records nothing from then on.
#[utoipa::path(delete, path = "/api/pings/{id}", tag = "mailping", params(("id" = PingId, Path, description = "The ping")), responses(
    (status = 204, description = "The ping and its opens are erased"),
    (status = 404, description = "There is no such ping", body = Problem),
))]
async fn erase(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let erased = visit.holds(id).await.map_err(|error| failed(&error))?
        && visit.tracker().people().erase(id).await.map_err(|error| failed(&error))?.is_some();
    if !erased {
        return Err(Answer::not_found());
    }
    visit.page.erasures.tell(Some(id)).await;
    Ok(Answer::empty())
}

/// Ends recording, also from mail already sent. What is kept stays.
#[utoipa::path(post, path = "/api/pings/{id}/withdraw", tag = "mailping", params(("id" = PingId, Path, description = "The ping")), responses(
    (status = 204, description = "The ping records no more opens"),
    (status = 404, description = "There is no such ping", body = Problem),
))]
async fn withdraw(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let withdrawn = visit.holds(id).await.map_err(|error| failed(&error))?
        && visit.tracker().pings().withdraw(id).await.map_err(|error| failed(&error))?;
    if withdrawn { Ok(Answer::empty()) } else { Err(Answer::not_found()) }
}

/// Keeps what the recipient's mail server answered: its codes, and nothing of its text.
#[utoipa::path(post, path = "/api/pings/{id}/handed_over", tag = "mailping", params(("id" = PingId, Path, description = "The ping")), request_body = ReplyFields, responses(
    (status = 204, description = "The answer is kept"),
    (status = 404, description = "There is no such ping, its recipient has objected to everything, or its certified receipt has ended", body = Problem),
    (status = 422, description = "A field is missing, unknown or wrong", body = Problem),
))]
async fn handed_over(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let reply = smtp_reply(visit.call.body)?;
    let kept = visit.holds(id).await.map_err(|error| failed(&error))?
        && visit.tracker().pings().handed_over(id, reply).await.map_err(|error| failed(&error))?;
    if kept { Ok(Answer::empty()) } else { Err(Answer::not_found()) }
}

/// Keeps a recipient's objection: for messages already sent, and for later ones.
#[utoipa::path(post, path = "/api/objections", tag = "mailping", request_body = RecipientField, responses(
    (status = 204, description = "The objection is kept"),
    (status = 422, description = "The recipient is missing or is not an e-mail address, or a field is unknown", body = Problem),
))]
async fn object(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let recipient = recipient(visit)?;
    visit.tracker().people().object(&recipient).await.map_err(refused_recipient)?;
    Ok(Answer::empty())
}

/// Erases all pings of a recipient. An objection stays.
#[utoipa::path(post, path = "/api/erase", tag = "mailping", request_body = RecipientField, responses(
    (status = 200, description = "How many pings and opens were erased", body = Deleted),
    (status = 422, description = "The recipient is missing or is not an e-mail address, or a field is unknown", body = Problem),
))]
async fn erase_recipient(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let recipient = recipient(visit)?;
    let erased = visit.tracker().people().erase_recipient(&recipient).await.map_err(refused_recipient)?;
    visit.page.erasures.tell(None).await;
    Ok(Answer::json(StatusCode::OK, &erased))
}

/// All that is kept of a recipient.
#[utoipa::path(post, path = "/api/export", tag = "mailping", request_body = RecipientField, responses(
    (status = 200, description = "The recipient's pings with their receipts, and whether there is an objection", body = RecipientExport),
    (status = 422, description = "The recipient is missing or is not an e-mail address, or a field is unknown", body = Problem),
))]
async fn export(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let recipient = recipient(visit)?;
    let export = visit.tracker().people().export(&recipient).await.map_err(refused_recipient)?;
    Ok(Answer::json(StatusCode::OK, &export))
}

/// How the tracker is doing.
#[utoipa::path(get, path = "/api/health", tag = "mailping", responses((status = 200, description = "Counters since the start", body = Health)))]
fn health(visit: &Visit<'_>) -> Result<Answer, Answer> {
    visit.needs_all()?;
    Ok(Answer::json(StatusCode::OK, &visit.tracker().intake().health()))
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "mailping", responses((status = 200, description = "The OpenAPI 3.1 document", body = Object)))]
fn openapi(visit: &Visit<'_>) -> Answer {
    Answer::json(StatusCode::OK, &document::openapi(&visit.page.prefix))
}

fn ping_id(text: &str) -> Result<PingId, Answer> {
    text.parse().map_err(|_| Answer::not_found())
}

fn recipient(visit: &Visit<'_>) -> Result<String, Answer> {
    visit.needs_all()?;
    let mut fields = Fields::read(visit.call.body)?;
    let recipient = fields.required("recipient", "an address such as ada@example.com")?;
    fields.finish()?;
    Ok(recipient)
}

/// The library's words for lifetimes differ from this API's.
fn refused_ping(error: Error) -> Answer {
    match error.field() {
        // Each by itself is checked already.
        Some("record_for" | "keep_for") => {
            invalid("keep_days", "keep_days must not be less than record_days, which is 30 if left out")
        }
        Some(field) => invalid(field, &error.to_string()),
        None => failed(&error),
    }
}

fn refused_recipient(error: Error) -> Answer {
    if error.is_invalid() { invalid("recipient", &error.to_string()) } else { failed(&error) }
}
