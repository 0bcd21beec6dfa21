//! The page with its API: where it stands, who may look, and what it answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use mailping_core::Tracker;
use mailping_core::mount::Mount;
use tokio::sync::mpsc;
use tower_service::Service;

use crate::access::{Access, Grant};
use crate::answer::Answer;
use crate::body::PageBody;
use crate::erasures::{Erasure, Erasures};
use crate::guard::Guard;
use crate::live::Streams;
use crate::prefix::Prefix;
use crate::request::{BODY_TIMEOUT, Call, MAX_BODY};
use crate::visit::Visit;
use crate::why::Setup;
use crate::{api, assets, pages};

/// The receipts page and its JSON API, on one tracker. Cheap to clone: all clones are one page.
///
/// It is a [`tower::Service`](Service) on `http` 1, to be called within a tokio runtime. The
/// modules `axum` and `actix` mount it in an app of theirs.
#[derive(Debug, Clone)]
pub struct Page {
    pub(crate) tracker: Tracker,
    pub(crate) access: Access,
    pub(crate) prefix: Prefix,
    pub(crate) guard: Guard,
    pub(crate) streams: Streams,
    pub(crate) setup: Setup,
    pub(crate) erasures: Erasures,
    mount: Mount,
}

impl Page {
    /// The page below a path, such as `/receipts`, as browsers see it; `""` if it has a host of its
    /// own. Requests may come in with the path or without it: a proxy or a router in front may take
    /// it off.
    #[must_use]
    pub fn at(path: &str, tracker: Tracker, access: Access) -> Self {
        let base_url = tracker.pings().base_url();
        Self {
            prefix: Prefix::new(path),
            guard: Guard::new(base_url, access.is_this_machine()),
            setup: Setup::new(base_url),
            streams: Streams::default(),
            erasures: Erasures::default(),
            mount: Mount::new(tracker.clone()),
            access,
            tracker,
        }
    }

    /// Tells the page about the tracker's geo database: "Why is nothing recorded?" then says
    /// whether it is old, and places name whom its licence asks to be named.
    #[cfg(feature = "maxmind")]
    #[must_use]
    pub fn geo(mut self, geo: &mailping_core::geo::MaxMind) -> Self {
        self.setup = self.setup.geo(geo);
        self
    }

    /// Tells of each erasure on this page before it is answered, for whoever keeps something of a
    /// ping elsewhere. It waits for five seconds at the most.
    #[must_use]
    pub fn telling_erasures(self, sender: mpsc::Sender<Erasure>) -> Self {
        Self { erasures: Erasures::to(sender), ..self }
    }

    /// The tracker.
    #[must_use]
    pub const fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Ends all live pages, and begins no more: for a server that is told to end and then waits for
    /// its answers.
    pub fn end_streams(&self) {
        self.streams.end();
    }

    /// The path that it stands below, without a slash at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        self.prefix.as_str()
    }

    /// Answers a request whose body was read: `None` if it was too long.
    pub(crate) async fn respond(&self, head: &Parts, body: Option<Bytes>) -> Response<PageBody> {
        let path = head.uri.path();
        // The page's own 404 would hide a pixel that comes in below another path than it should.
        self.mount.stray(path);
        let call = Call { head, path: self.prefix.strip(path), body: body.as_deref() };
        let answer = self.answer(&call).await.unwrap_or_else(|answer| answer);
        response(answer, *call.method() == Method::HEAD)
    }

    async fn answer(&self, call: &Call<'_>) -> Result<Answer, Answer> {
        self.guard.admit(call)?;
        if let Some(asset) = assets::answer(call.path).filter(|_| call.reads()) {
            return Ok(asset);
        }
        let grant = self.access.grant(call).await;
        let visit = grant.scope().map(|scope| Visit { page: self, call, grant: &grant, scope });
        let api = call.path.strip_prefix("/api/");
        match (visit, call.path) {
            (_, "/login") => pages::login::answer(self, call, &grant).await,
            #[cfg(feature = "prometheus")]
            (Some(visit), "/metrics") => visit.metrics(),
            (Some(visit), _) => match api {
                Some(path) => api::answer(path, &visit).await,
                None => pages::answer(&visit).await,
            },
            (None, path) => Err(self.refusal(call, &grant, api.is_some() || path == "/metrics")),
        }
    }

    /// To a program as JSON, to a person as a page or the way to the login.
    fn refusal(&self, call: &Call<'_>, grant: &Grant, to_program: bool) -> Answer {
        match grant {
            Grant::TooManyGuesses => {
                let message = "too many wrong tokens within a minute, and this is wrong, too; the right one is let in at once";
                Answer::error(StatusCode::TOO_MANY_REQUESTS, "too_many_guesses", None, message)
                    .with("retry-after", "60")
            }
            Grant::LogIn if to_program => {
                let message = "give the admin token as `Authorization: Bearer ...`";
                Answer::error(StatusCode::UNAUTHORIZED, "unauthorized", None, message)
            }
            Grant::LogIn if call.path == "/api" => Answer::not_found(),
            Grant::LogIn if call.reads() => pages::login::redirect(&self.prefix, call.path),
            Grant::LogIn => pages::login::redirect(&self.prefix, "/"),
            _ if to_program => Answer::forbidden(),
            _ => pages::forbidden(&self.prefix),
        }
    }
}

pub(crate) fn response(answer: Answer, head: bool) -> Response<PageBody> {
    let mut response = Response::new(PageBody::from(answer.body));
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    if head {
        // Over HTTP/2 hyper sends whatever there is.
        let length = response.body().len();
        *response.body_mut() = PageBody::default();
        if let Some(length) = length {
            response.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
        }
    }
    response
}

impl<B> Service<Request<B>> for Page
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<PageBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<PageBody>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let page = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = Box::pin(Limited::new(body, MAX_BODY).collect());
            let Ok(body) = tokio::time::timeout(BODY_TIMEOUT, body).await else {
                return Ok(response(Answer::too_slow(), false));
            };
            Ok(page.respond(&head, body.ok().map(|body| body.to_bytes())).await)
        })
    }
}
