//! Where the routes stand in an app, and what is answered there: all that an adapter has to ask.
//!
//! The calls into the tracker that a request leads to are here and nowhere else.

mod edges;
mod timeout;

pub use self::edges::EdgeBatch;
pub use self::timeout::Timeout;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::confirm::{self, Shown};
use crate::links::{self, Link};
use crate::opt_out::{self, Stage};
use crate::queue::Recording;
use crate::{PixelRequest, Tracker, pixel};

/// The place of a tracker's routes in an app. Cheap to clone.
#[derive(Clone)]
pub struct Mount {
    tracker: Tracker,
    path: Arc<str>,
}

impl Mount {
    /// Below the path of the tracker's base URL, such as `/px`.
    #[must_use]
    pub fn new(tracker: Tracker) -> Self {
        let path = tracker.0.base_path().to_owned();
        Self::at(&path, tracker)
    }

    /// Below another path, such as `/px` or `px`, for a proxy that changes it on the way; `""` or
    /// `/` is every path of the app.
    #[must_use]
    pub fn at(path: &str, tracker: Tracker) -> Self {
        // So that the purge runs before there is a hit.
        tracker.intake().start();
        let path = path.trim_end_matches('/');
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        Self { tracker, path: format!("{slash}{path}").into() }
    }

    /// The path, percent-encoded and without a slash at its end: empty for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a request's path, as it came, is the mount's or below it.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        path.strip_prefix(&*self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Takes a request; call it before there is anything to await. An open is queued when this
    /// returns, so a client that hangs up drops only the waiting, and to drop it loses no open. The
    /// request itself is not needed any more then.
    ///
    /// | path | GET | HEAD | POST |
    /// |---|---|---|---|
    /// | `/{token}.gif` and every other path below | records, then the picture | notes a checker of links, then the picture's headers | 405 |
    /// | `/{token}/opt-out` | the page | the page's headers | objects, then the page |
    /// | `/{token}/confirm` | the page | the page's headers | confirms receipt, then the page |
    /// | `/log-key`, if the tracker [seals](crate::TrackerBuilder::seal) | the log's origin and public key | the headers | 405 |
    /// | not below | 404 | 404 | 404 |
    ///
    /// Every path below is ours, however a mail program changed it on its way: a page's link that
    /// lost its end leads to its page by its token. A page is in the first language of
    /// `Accept-Language` that there is.
    ///
    /// The answer is ready for a picture when its open is on disk, or at the tracker's deadline. It
    /// has every header and the whole body: an adapter adds nothing, and leaves the body away if
    /// the method is HEAD.
    pub fn answer(
        &self,
        method: &str,
        request: &PixelRequest<'_>,
    ) -> impl Future<Output = Response<Bytes>> + Send + Unpin + use<> {
        self.answering(method, request)
    }

    fn answering(&self, method: &str, request: &PixelRequest<'_>) -> Answering {
        let path = request.path;
        if !self.holds(path) {
            self.stray(path);
            return Answering::ready(Kind::NotFound);
        }
        if self.is_elsewhere(path) {
            self.stray(path);
        }
        if let Some(key) = self.log_key(path) {
            let answer = if matches!(method, "GET" | "HEAD") { key } else { Kind::NotAllowed(Link::Pixel) };
            return Answering::ready(answer);
        }
        match (links::asked_for(path, &self.tracker.0.observer.keys), method) {
            (Link::Pixel, "GET") => Answering(Work::Record(self.tracker.intake().recording(request))),
            (Link::Pixel, "HEAD") => {
                // What sends one checks links.
                self.tracker.intake().note_head(request);
                Answering::ready(Kind::Picture)
            }
            (Link::Pixel, _) => Answering::ready(Kind::NotAllowed(Link::Pixel)),
            // An edge can neither check these links nor keep what they are for.
            (Link::OptOut, "GET" | "HEAD" | "POST") if self.tracker.0.observer.keys.is_of_edge() => {
                Answering::ready(self.page(Stage::Failed, request))
            }
            (Link::Confirm, "GET" | "HEAD" | "POST") if self.tracker.0.observer.keys.is_of_edge() => {
                let language = self.tracker.0.languages.choose(request.headers);
                Answering::ready(Shown::new(confirm::Page::Unavailable, language).into())
            }
            (Link::OptOut, "GET" | "HEAD") => {
                let page =
                    if self.tracker.people().is_opt_out_link(path) { Stage::Ask } else { Stage::Damaged };
                Answering::ready(self.page(page, request))
            }
            (Link::OptOut, "POST") => {
                let pages = [Stage::Done, Stage::Damaged, Stage::Failed].map(|page| self.page(page, request));
                Answering(Work::Page(Box::pin(object(self.tracker.clone(), path.to_owned(), pages))))
            }
            (Link::Confirm, "GET" | "HEAD" | "POST") => self.confirm(method == "POST", request),
            (Link::OptOut | Link::Confirm, _) => Answering::ready(Kind::NotAllowed(Link::OptOut)),
        }
    }

    /// The batch of an [edge](crate::edge) that a request brings, if the tracker accepts edges: a
    /// `POST` to `/edges` below the mount. `None` for any other request: [`answer`](Self::answer)
    /// it.
    ///
    /// Hand the body over part by part to [`EdgeBatch::add`], until that wants no more or there is
    /// none, also if it ends in an error; then send what [`EdgeBatch::answer`] says.
    #[must_use]
    pub fn batch(&self, method: &str, path: &str) -> Option<EdgeBatch> {
        edges::batch(&self.tracker, method, |route| self.is_at(route, path))
    }

    /// Whether a path is a route of this name, below the mount. A proxy or a scope may leave the
    /// base URL's path there as well.
    fn is_at(&self, route: &str, path: &str) -> bool {
        let parents = [&*self.path, self.tracker.0.base_path()];
        self.holds(path) && parents.iter().any(|parent| path.strip_prefix(parent) == Some(route))
    }

    /// The log's origin and public key, at a path that no token can have.
    #[cfg(feature = "certified")]
    fn log_key(&self, path: &str) -> Option<Kind> {
        let key = self.tracker.seals().filter(|_| self.is_at(links::LOG_KEY, path))?.public_key();
        Some(Kind::LogKey(format!("{}\n{key}\n", key.name()).into()))
    }

    #[cfg(not(feature = "certified"))]
    const fn log_key(&self, _: &str) -> Option<Kind> {
        None
    }

    /// Notes a request that no route of the app took: call it for what is answered with 404. If the
    /// path holds a link of ours, mail was sent whose pixel is broken, since the routes are not
    /// mounted where the base URL leads to. It is counted in
    /// [`Health::stray_links`](crate::intake::Health::stray_links) and logged once, without the
    /// link. The answer must not depend on it.
    pub fn stray(&self, path: &str) {
        self.tracker.intake().note_stray_link(path, &self.path);
    }

    /// Whether an untouched link stands below neither the mount nor the base URL's path, such as
    /// `/px/px/{token}.gif`.
    fn is_elsewhere(&self, path: &str) -> bool {
        links::untouched_parent(path).is_some_and(|parent| {
            let parent = parent.trim_end_matches('/');
            parent != &*self.path && parent != self.tracker.0.base_path()
        })
    }

    /// Asks for a confirmation, or takes one if the button was pressed.
    fn confirm(&self, is_pressed: bool, request: &PixelRequest<'_>) -> Answering {
        let language = Arc::clone(self.tracker.0.languages.choose(request.headers));
        let Some(token) = confirm::token(&self.tracker, request.path) else {
            return Answering::ready(Shown::new(confirm::Page::Damaged, &language).into());
        };
        let tracker = self.tracker.clone();
        if is_pressed {
            let milestone = confirm::judge(&tracker, token, request);
            Answering(Work::Page(Box::pin(async move {
                confirm::confirm(tracker, milestone, language).await.into()
            })))
        } else {
            Answering(Work::Page(Box::pin(
                async move { confirm::ask(tracker, token, language).await.into() },
            )))
        }
    }

    fn page(&self, page: Stage, request: &PixelRequest<'_>) -> Kind {
        let html = self.tracker.0.languages.choose(request.headers).page(page);
        Kind::Page { status: page.status(), html }
    }
}

/// Keeps the objection of whoever holds the link. A request's body says nothing that is needed: a
/// mail provider's one-click form (RFC 8058) and the page's own button are the same.
async fn object(tracker: Tracker, path: String, [done, damaged, failed]: [Kind; 3]) -> Kind {
    match tracker.people().object_by_link(&path).await {
        Ok(()) => done,
        Err(error) if error.is_invalid() => damaged,
        Err(failure) => {
            confirm::note(&failure, "an objection was not kept; its sender was asked to try again");
            failed
        }
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What is to be answered, once it is ready.
struct Answering(Work);

enum Work {
    Record(Recording),
    Page(Pin<Box<dyn Future<Output = Kind> + Send>>),
    Ready(Kind),
}

impl Answering {
    const fn ready(answer: Kind) -> Self {
        Self(Work::Ready(answer))
    }
}

impl Future for Answering {
    type Output = Response<Bytes>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response<Bytes>> {
        match &mut self.0 {
            // Whatever became of the open, the answer is the same; the tracker counts what was
            // lost.
            Work::Record(recording) => Pin::new(recording).poll(context).map(|_| Kind::Picture),
            Work::Page(page) => page.as_mut().poll(context),
            Work::Ready(answer) => Poll::Ready(answer.clone()),
        }
        .map(Kind::response)
    }
}

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Picture,
    Page {
        status: u16,
        html: Arc<str>,
    },
    #[cfg(feature = "certified")]
    LogKey(Arc<str>),
    NotAllowed(Link),
    NotFound,
}

impl From<Shown> for Kind {
    fn from(Shown { status, html }: Shown) -> Self {
        Self::Page { status, html: html.into() }
    }
}

/// It changes seldom, and whoever asks wants the one of now.
#[cfg(feature = "certified")]
pub(crate) const LOG_KEY_HEADERS: [(&str, &str); 3] = [
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-cache"),
    ("x-content-type-options", "nosniff"),
];

/// Parsed once: it is sent often.
static PICTURE: LazyLock<HeaderMap> = LazyLock::new(|| headers(&pixel::HEADERS, pixel::BYTES.len()));

fn headers(lines: &[(&'static str, &'static str)], length: usize) -> HeaderMap {
    let lines =
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    lines.chain([(CONTENT_LENGTH, HeaderValue::from(length))]).collect()
}

impl Kind {
    fn response(self) -> Response<Bytes> {
        let (status, headers, body) = match self {
            Self::Picture => (200, PICTURE.clone(), Bytes::from_static(&pixel::BYTES)),
            Self::Page { status, html } => {
                (status, headers(&opt_out::HEADERS, html.len()), Bytes::copy_from_slice(html.as_bytes()))
            }
            #[cfg(feature = "certified")]
            Self::LogKey(key) => {
                (200, headers(&LOG_KEY_HEADERS, key.len()), Bytes::copy_from_slice(key.as_bytes()))
            }
            Self::NotAllowed(Link::Pixel) => (405, headers(&[("allow", "GET, HEAD")], 0), Bytes::new()),
            Self::NotAllowed(Link::OptOut | Link::Confirm) => {
                (405, headers(&[("allow", "GET, HEAD, POST")], 0), Bytes::new())
            }
            Self::NotFound => (404, headers(&[], 0), Bytes::new()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        *response.headers_mut() = headers;
        response
    }
}

#[cfg(test)]
mod tests;
