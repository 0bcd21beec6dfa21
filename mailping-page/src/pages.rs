//! The pages that people look at: plain HTML that needs no script; a script adds copying and live
//! updates.

mod form;
mod frame;
mod groups;
mod headline;
mod list;
pub(crate) mod login;
mod moment;
mod places;
mod receipt;
mod sample;
mod shown;
mod steps;
mod words;

use http::{Method, StatusCode};
use mailping_core::store::StoreError;
use mailping_core::{Error, PingId};

use self::frame::Frame;
use crate::answer::Answer;
use crate::prefix::Prefix;
use crate::visit::Visit;

/// Answers a request for a page by someone who may see it.
pub(crate) async fn answer(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let segments: Vec<&str> = visit.call.path.split('/').skip(1).collect();
    let (reads, posts) = (visit.call.reads(), *visit.call.method() == Method::POST);
    match segments.as_slice() {
        [""] if reads => list::answer(visit).await,
        ["pings.csv"] if reads => list::csv(visit).await,
        ["why"] if reads => frame::why(visit),
        ["sample"] if reads => sample::answer(visit).await,
        ["pings"] if posts => form::make(visit).await,
        ["logout"] if posts => Ok(login::log_out(visit)),
        ["pings", id] if reads => receipt::answer(visit, ping_id(visit, id)?).await,
        ["pings", id, "live"] if *visit.call.method() == Method::GET => {
            receipt::live(visit, ping_id(visit, id)?).await
        }
        ["pings", id, "export"] if reads => receipt::export(visit, ping_id(visit, id)?).await,
        ["pings", id, "certified.txt"] if reads => receipt::certified(visit, ping_id(visit, id)?).await,
        ["pings", id, "certified.html"] if reads => {
            receipt::certified_to_print(visit, ping_id(visit, id)?).await
        }
        ["pings", id, "erase"] if reads => receipt::ask_to_erase(visit, ping_id(visit, id)?).await,
        ["pings", id, "erase"] if posts => receipt::erase(visit, ping_id(visit, id)?).await,
        ["pings", id, "withdraw"] if posts => receipt::withdraw(visit, ping_id(visit, id)?).await,
        ["" | "pings.csv" | "why" | "sample"]
        | ["pings", _]
        | ["pings", _, "export" | "certified.txt" | "certified.html"] => {
            Err(Answer::not_allowed("GET, HEAD"))
        }
        ["pings", _, "live"] => Err(Answer::not_allowed("GET")),
        ["pings", _, "erase"] => Err(Answer::not_allowed("GET, HEAD, POST")),
        ["pings" | "logout"] | ["pings", _, "withdraw"] => Err(Answer::not_allowed("POST")),
        _ => Err(Answer::not_found()),
    }
}

/// The app has said no.
pub(crate) fn forbidden(prefix: &Prefix) -> Answer {
    let text = "Your login does not let you see this.";
    frame::problem(Frame::locked(prefix), StatusCode::FORBIDDEN, "Not for you", text)
}

fn ping_id(visit: &Visit<'_>, text: &str) -> Result<PingId, Answer> {
    text.parse().map_err(|_| no_such_ping(visit))
}

fn no_such_ping(visit: &Visit<'_>) -> Answer {
    let text = "There is no such message. It may have been erased, or its time may have come.";
    frame::problem(Frame::new(visit), StatusCode::NOT_FOUND, "There is nothing here", text)
}

fn failed(visit: &Visit<'_>, error: &Error) -> Answer {
    tracing::error!(?error, "the store failed");
    let text = match error {
        Error::Store(StoreError::Corrupt { .. }) => {
            "The database is damaged and did not carry it out. Nothing was changed. The program's log says more."
        }
        _ => "The database did not carry it out. Nothing was changed; please try again.",
    };
    frame::problem(Frame::new(visit), StatusCode::SERVICE_UNAVAILABLE, "That did not work", text)
}

/// The value of a field in a query or form; `None` if it is missing or blank.
fn field(encoded: &[u8], name: &str) -> Option<String> {
    let (_, value) = form_urlencoded::parse(encoded).find(|(given, _)| given == name)?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
