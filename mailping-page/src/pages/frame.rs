//! What all pages share: their headers, their frame, and the plain ones that say one thing.

use askama::Template;
use http::StatusCode;

use crate::access::{Grant, Scope};
use crate::answer::Answer;
use crate::assets::{ASSETS, Assets};
use crate::prefix::Prefix;
use crate::visit::Visit;
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
    /// Whether this reader may see everything.
    pub(crate) all: bool,
}

impl Frame {
    pub(crate) fn new(visit: &Visit<'_>) -> Self {
        Self {
            session: matches!(visit.grant, Grant::Session(_)),
            granted: true,
            all: visit.scope == Scope::All,
            ..Self::locked(&visit.page.prefix)
        }
    }

    /// For whoever may see nothing, or not yet.
    pub(crate) fn locked(prefix: &Prefix) -> Self {
        Self { prefix: prefix.clone(), assets: &ASSETS, session: false, granted: false, all: false }
    }
}

/// A whole page.
pub(crate) fn html(status: StatusCode, template: &impl Template) -> Answer {
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
pub(crate) fn problem(frame: Frame, status: StatusCode, title: &str, text: &str) -> Answer {
    html(status, &Problem { frame, title, text })
}

#[derive(Template)]
#[template(path = "why.html")]
struct Why {
    frame: Frame,
    findings: Vec<Finding>,
}

/// Why nothing is recorded, as far as it can be told without one message.
pub(crate) fn why(visit: &Visit<'_>) -> Result<Answer, Answer> {
    if visit.scope != Scope::All {
        return Err(super::forbidden(&visit.page.prefix));
    }
    let findings = visit.page.setup.findings(&visit.tracker().intake().health());
    Ok(html(StatusCode::OK, &Why { frame: Frame::new(visit), findings }))
}
