//! What the page answers, in no framework's types.

use bytes::Bytes;
use http::StatusCode;
use mailping_core::PingId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::live::Live;
use crate::prefix::Prefix;

/// What to answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Whole(Bytes),
    /// What comes as it happens.
    Live(Live),
}

/// Why a request was not carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    error: Reason,
}

#[derive(Debug, Serialize, ToSchema)]
struct Reason {
    /// A name for programs, such as `invalid_field`.
    code: String,
    /// The field or parameter that is wrong, if it is one.
    field: Option<String>,
    /// What was expected, in words. It never repeats what was sent.
    message: String,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![
            ("content-type", content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ];
        Self { status, headers, body: Body::Whole(body.into()) }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(body) => Self::new(status, "application/json", body + "\n"),
            Err(_) => {
                Self::error(StatusCode::INTERNAL_SERVER_ERROR, "internal", None, "the answer is no JSON")
            }
        }
    }

    /// The file of a certified receipt: bytes that no reader may change.
    pub(crate) fn certified(id: PingId, text: String) -> Self {
        Self::new(StatusCode::OK, "text/plain; charset=utf-8", text)
            .with("content-disposition", format!("attachment; filename=\"certified-receipt-{id}.txt\""))
    }

    /// For a path that there is, and a method that it does not have: these it has.
    pub(crate) fn not_allowed(methods: &str) -> Self {
        Self::error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", None, "not with this method")
            .with("allow", methods)
    }

    pub(crate) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "not_found", None, "there is nothing here, or no ping of this id")
    }

    /// Whoever asks may not: logging in otherwise is the app's business.
    pub(crate) fn forbidden() -> Self {
        Self::error(StatusCode::FORBIDDEN, "forbidden", None, "you may not see or change this")
    }

    pub(crate) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: Vec::new(), body: Body::Whole(Bytes::new()) }
    }

    /// To a body that took too long.
    pub(crate) fn too_slow() -> Self {
        let message = "the body did not arrive in time";
        Self::error(StatusCode::REQUEST_TIMEOUT, "too_slow", None, message).with("connection", "close")
    }

    /// To another part of the page, to be fetched with GET.
    pub(crate) fn to(prefix: &Prefix, path: &str) -> Self {
        Self { status: StatusCode::SEE_OTHER, ..Self::empty() }
            .with("location", format!("{prefix}{path}"))
            .with("cache-control", "no-store")
    }

    /// `message` must not repeat what was sent: it may be personal.
    pub(crate) fn error(status: StatusCode, code: &str, field: Option<&str>, message: &str) -> Self {
        let field = field.map(str::to_owned);
        let error = Reason { code: code.to_owned(), field, message: message.to_owned() };
        // Three texts are always JSON.
        let body = serde_json::to_string(&Problem { error }).unwrap_or_default();
        Self::new(status, "application/json", body + "\n")
    }
}
