//! Logging in with the admin token, and out again.

use askama::Template;
use http::{Method, StatusCode};
use mailping_core::PingId;

use super::field;
use super::frame::{Frame, page};
use crate::admin::Access;
use crate::call::{Answer, Call};
use crate::service::Service;
use crate::sessions::SessionId;
use crate::settings::Prefix;

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
pub(crate) async fn answer(service: &Service, call: &Call<'_>, access: &Access) -> Result<Answer, Answer> {
    let prefix = &service.prefix;
    let frame = Frame { session: false, granted: false, ..Frame::new(prefix, access) };
    if call.reads() {
        let next = next(field(call.query.as_bytes(), "next").as_deref());
        if access.is_granted() {
            return Ok(Answer::to(prefix, &next));
        }
        return Ok(page(StatusCode::OK, &Login { frame, next, error: None }));
    }
    if call.method != Method::POST {
        let message = "not with this method";
        return Err(Answer::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", None, message));
    }
    let body = call.body.unwrap_or_default();
    let next = next(field(body, "next").as_deref());
    let token = field(body, "token").unwrap_or_default();
    let (status, error) = match service.admin.log_in(&token).await {
        Ok(session) => {
            let cookie = session.cookie(prefix.cookie_path(), service.guard.is_https());
            return Ok(Answer::to(prefix, &next).with("set-cookie", cookie));
        }
        Err(Access::Open) => return Ok(Answer::to(prefix, &next)),
        Err(Access::TooManyGuesses) => (
            StatusCode::TOO_MANY_REQUESTS,
            "Many wrong tokens were tried within a minute, and this is none, either. It is the value of \
             MAILPING_ADMIN_TOKEN, and the right one is let in at once.",
        ),
        Err(_) => {
            (StatusCode::UNAUTHORIZED, "This is not the token. It is the value of MAILPING_ADMIN_TOKEN.")
        }
    };
    Err(page(status, &Login { frame, next, error: Some(error) }))
}

pub(crate) fn log_out(service: &Service, access: &Access) -> Answer {
    service.admin.log_out(access);
    let cookie = SessionId::no_cookie(service.prefix.cookie_path());
    Answer::to(&service.prefix, "/login").with("set-cookie", cookie)
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
