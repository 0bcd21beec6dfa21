//! Logging in with the admin token, and out again.

use askama::Template;
use http::{Method, StatusCode};
use mailping_core::PingId;

use super::field;
use super::frame::{Frame, html};
use crate::access::Grant;
use crate::answer::Answer;
use crate::page::Page;
use crate::prefix::Prefix;
use crate::request::Call;
use crate::sessions::SessionId;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    next: String,
    error: Option<&'static str>,
}

/// To the login page, and afterwards back.
pub(crate) fn redirect(prefix: &Prefix, path: &str) -> Answer {
    match next(Some(path)).as_str() {
        "/" => Answer::to(prefix, "/login"),
        path => Answer::to(prefix, &format!("/login?next={path}")),
    }
}

/// The login page, and the attempt.
pub(crate) async fn answer(page: &Page, call: &Call<'_>, grant: &Grant) -> Result<Answer, Answer> {
    let prefix = &page.prefix;
    if matches!(grant, Grant::Refused) {
        return Err(super::forbidden(prefix));
    }
    let frame = Frame::locked(prefix);
    if call.reads() {
        let next = next(field(call.query().as_bytes(), "next").as_deref());
        if grant.scope().is_some() {
            return Ok(Answer::to(prefix, &next));
        }
        return Ok(html(StatusCode::OK, &Login { frame, next, error: None }));
    }
    if *call.method() != Method::POST {
        return Err(Answer::not_allowed("GET, HEAD, POST"));
    }
    let body = call.body.unwrap_or_default();
    let next = next(field(body, "next").as_deref());
    let token = field(body, "token").unwrap_or_default();
    let (status, error) = match page.access.log_in(&token).await {
        Ok(session) => {
            let cookie = session.cookie(prefix.cookie_path(), page.guard.is_https());
            return Ok(Answer::to(prefix, &next).with("set-cookie", cookie));
        }
        Err(Grant::Refused) => return Ok(Answer::to(prefix, &next)),
        Err(Grant::TooManyGuesses) => (
            StatusCode::TOO_MANY_REQUESTS,
            "Many wrong tokens were tried within a minute, and this is none, either. It is the value of \
             MAILPING_ADMIN_TOKEN, and the right one is let in at once.",
        ),
        Err(_) => {
            (StatusCode::UNAUTHORIZED, "This is not the token. It is the value of MAILPING_ADMIN_TOKEN.")
        }
    };
    Err(html(status, &Login { frame, next, error: Some(error) }))
}

pub(crate) fn log_out(visit: &Visit<'_>) -> Answer {
    let page = visit.page;
    page.access.log_out(visit.grant);
    let cookie = SessionId::no_cookie(page.prefix.cookie_path());
    Answer::to(&page.prefix, "/login").with("set-cookie", cookie)
}

/// Only to a page of this service that is known to exist, never to an address that a link brought
/// in.
fn next(path: Option<&str>) -> String {
    let id = path.and_then(|path| path.strip_prefix("/pings/")).and_then(|id| id.parse::<PingId>().ok());
    match (path, id) {
        (_, Some(id)) => format!("/pings/{id}"),
        (Some("/why"), _) => "/why".to_owned(),
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_a_page_of_this_service_alone() {
        let receipt = "/pings/019ab1c2-d3e4-7f56-8a9b-0c1d2e3f4a5b";
        assert_eq!(next(Some(receipt)), receipt);
        for elsewhere in
            [None, Some("https://evil.example"), Some("//evil.example"), Some("/pings/x"), Some("/logout")]
        {
            assert_eq!(next(elsewhere), "/");
        }
    }
}
