//! What all pages share: their headers, their frame, and the plain ones that say one thing.

use askama::Template;
use http::StatusCode;

use crate::admin::Access;
use crate::assets::{ASSETS, Assets};
use crate::call::Answer;
use crate::service::Service;
use crate::settings::Prefix;
use crate::why::Finding;

/// Nothing from elsewhere, nothing inline, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every page's frame needs.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// What every link begins with.
    pub(crate) prefix: Prefix,
    pub(crate) assets: &'static Assets,
    /// Whether there is a session to log out of.
    pub(crate) session: bool,
    /// Whether there is anything that this reader may go to.
    pub(crate) granted: bool,
}

impl Frame {
    pub(crate) fn new(prefix: &Prefix, access: &Access) -> Self {
        let session = matches!(access, Access::Session(_));
        Self { prefix: prefix.clone(), assets: &ASSETS, session, granted: access.is_granted() }
    }
}

/// A whole page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Answer {
    match template.render() {
        Ok(html) => Answer::new(status, "text/html; charset=utf-8", html)
            .with("content-security-policy", POLICY)
            .with("cross-origin-opener-policy", "same-origin")
            // Not `no-referrer`: with it browsers send `Origin: null` with the page's own forms.
            .with("referrer-policy", "same-origin")
            .with("x-robots-tag", "noindex"),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            Answer::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                None,
                "the page could not be written",
            )
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
}

/// A page that says what went wrong, and nothing of what was sent.
pub(crate) fn problem(prefix: &Prefix, status: StatusCode, title: &str, text: &str) -> Answer {
    let frame = Frame { prefix: prefix.clone(), assets: &ASSETS, session: false, granted: true };
    page(status, &Problem { frame, title, text })
}

#[derive(Template)]
#[template(path = "why.html")]
struct Why {
    frame: Frame,
    findings: Vec<Finding>,
}

/// Why nothing is recorded, as far as it can be told without one message.
pub(crate) fn why(frame: Frame, service: &Service) -> Answer {
    let findings = service.setup.findings(&service.tracker.intake().health());
    page(StatusCode::OK, &Why { frame, findings })
}
