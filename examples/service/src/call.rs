//! One request to the API and its answer, in no framework's types.

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::json;

/// The most bytes of a body that are read: an adapter must not collect more, and hands over `None` then.
pub const MOST_BODY_BYTES: usize = 64 * 1024;

/// A request that is not for a pixel.
#[derive(Debug)]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The path, not decoded.
    pub path: &'a str,
    /// The query without its `?`.
    pub query: &'a str,
    /// The value of `Authorization`.
    pub authorization: Option<&'a [u8]>,
    /// The body; `None` where it has more than [`MOST_BODY_BYTES`].
    pub body: Option<&'a [u8]>,
}

/// What to answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The value of `content-type`; `None` where there is no body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: String,
}

impl Answer {
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_string(value) {
            Ok(body) => Self { status, content_type: Some("application/json"), body: body + "\n" },
            Err(_) => {
                Self::error(StatusCode::INTERNAL_SERVER_ERROR, "internal", None, "the answer is no JSON")
            }
        }
    }

    pub(crate) fn html(body: String) -> Self {
        Self { status: StatusCode::OK, content_type: Some("text/html; charset=utf-8"), body }
    }

    pub(crate) fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, content_type: None, body: String::new() }
    }

    /// `message` must not repeat what was sent: it may be personal.
    pub(crate) fn error(status: StatusCode, code: &str, field: Option<&str>, message: &str) -> Self {
        let body = json!({ "error": { "code": code, "field": field, "message": message } });
        Self { status, content_type: Some("application/json"), body: format!("{body}\n") }
    }
}
