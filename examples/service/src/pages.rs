//! The pages that people look at: plain HTML that needs no script; a script adds copying and live
//! updates.

mod form;
mod frame;
mod list;
pub(crate) mod login;
mod receipt;
mod shown;

use http::{Method, StatusCode};
use mailping_core::{Error, PingId};

use self::frame::Frame;
use crate::admin::Access;
use crate::api::not_found;
use crate::call::{Answer, Call};
use crate::service::Service;
use crate::settings::with_sources;

/// Answers a request for a page by someone who may see it.
pub(crate) async fn answer(service: &Service, call: &Call<'_>, access: &Access) -> Result<Answer, Answer> {
    let frame = Frame::new(&service.prefix, access);
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    let (reads, posts) = (call.reads(), call.method == Method::POST);
    match segments.as_slice() {
        [""] if reads => list::answer(service, call, frame).await,
        ["pings.csv"] if reads => list::csv(service, call).await,
        ["why"] if reads => Ok(frame::why(frame, service)),
        ["pings"] if posts => form::make(service, call, frame).await,
        ["logout"] if posts => Ok(login::log_out(service, access)),
        ["pings", id] if reads => receipt::answer(service, ping_id(service, id)?, call, frame).await,
        ["pings", id, "live"] if call.method == Method::GET => {
            receipt::live(service, ping_id(service, id)?, access).await
        }
        ["pings", id, "export"] if reads => receipt::export(service, ping_id(service, id)?).await,
        ["pings", id, "erase"] if reads => receipt::ask_to_erase(service, ping_id(service, id)?, frame).await,
        ["pings", id, "erase"] if posts => receipt::erase(service, ping_id(service, id)?).await,
        ["pings", id, "withdraw"] if posts => receipt::withdraw(service, ping_id(service, id)?).await,
        ["" | "pings" | "pings.csv" | "why" | "logout"]
        | ["pings", _]
        | ["pings", _, "live" | "export" | "erase" | "withdraw"] => Err(Answer::error(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            None,
            "not with this method",
        )),
        _ => Err(not_found()),
    }
}

fn ping_id(service: &Service, text: &str) -> Result<PingId, Answer> {
    text.parse().map_err(|_| no_such_ping(service))
}

fn no_such_ping(service: &Service) -> Answer {
    let text = "There is no ping of this id. It may have been erased, or its time may have come.";
    frame::problem(&service.prefix, StatusCode::NOT_FOUND, "There is nothing here", text)
}

fn failed(service: &Service, error: &Error) -> Answer {
    tracing::error!(error = with_sources(error), "the store failed");
    let text = "The database did not carry it out. Nothing was changed; please try again.";
    frame::problem(&service.prefix, StatusCode::SERVICE_UNAVAILABLE, "That did not work", text)
}

/// The value of a field in a query or form; `None` if it is missing or blank.
fn field(encoded: &[u8], name: &str) -> Option<String> {
    let (_, value) = form_urlencoded::parse(encoded).find(|(given, _)| given == name)?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}
