//! Where the routes stand in an app, and what is answered there: all that an adapter has to ask.
//!
//! The calls into the tracker that a request leads to are here and nowhere else.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::confirm::{self, Shown};
use crate::links::{self, Link};
use crate::opt_out::{self, Page};
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

    /// Below another path, for a proxy that changes it on the way; `""` or `/` is every path of the
    /// app.
    #[must_use]
    pub fn at(path: &str, tracker: Tracker) -> Self {
        // So that the purge runs before there is a hit.
        tracker.intake().start();
        Self { tracker, path: path.trim_end_matches('/').into() }
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
    /// returns, so a client that hangs up drops only the [`Answering`]. The request itself is not
    /// needed any more then.
    ///
    /// | path | GET | HEAD | POST |
    /// |---|---|---|---|
    /// | `/{token}.gif` and every other path below | records, then the picture | notes a checker of links, then the picture's headers | 405 |
    /// | `/{token}/opt-out` | the page | the page's headers | objects, then the page |
    /// | `/{token}/confirm` | the page | the page's headers | confirms receipt, then the page |
    /// | not below | 404 | 404 | 404 |
    ///
    /// Every path below is ours, however a mail program changed it on its way. A page is in the
    /// first language of `Accept-Language` that there is.
    pub fn answer(&self, method: &str, request: &PixelRequest<'_>) -> Answering {
        let path = request.path;
        if !self.holds(path) {
            self.stray(path);
            return Answering::ready(Kind::NotFound);
        }
        if self.is_elsewhere(path) {
            self.stray(path);
        }
        match (Link::of(path), method) {
            (Link::Pixel, "GET") => Answering(Work::Record(self.tracker.intake().record(request))),
            (Link::Pixel, "HEAD") => {
                // What sends one checks links.
                self.tracker.intake().note_head(request);
                Answering::ready(Kind::Picture)
            }
            (Link::Pixel, _) => Answering::ready(Kind::NotAllowed(Link::Pixel)),
            (Link::OptOut, "GET" | "HEAD") => {
                let page =
                    if self.tracker.people().is_opt_out_link(path) { Page::Ask } else { Page::Damaged };
                Answering::ready(self.page(page, request))
            }
            (Link::OptOut, "POST") => {
                let pages = [Page::Done, Page::Damaged, Page::Failed].map(|page| self.page(page, request));
                Answering(Work::Page(Box::pin(object(self.tracker.clone(), path.to_owned(), pages))))
            }
            (Link::Confirm, "GET" | "HEAD" | "POST") => self.confirm(method == "POST", request),
            (Link::OptOut | Link::Confirm, _) => Answering::ready(Kind::NotAllowed(Link::OptOut)),
        }
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

    fn page(&self, page: Page, request: &PixelRequest<'_>) -> Kind {
        let html = self.tracker.0.languages.choose(request.headers).page(page);
        Kind::Page { status: page.status(), html }
    }
}

async fn object(tracker: Tracker, path: String, [done, damaged, failed]: [Kind; 3]) -> Kind {
    match opt_out::object(&tracker, &path).await {
        Page::Done => done,
        Page::Damaged => damaged,
        Page::Ask | Page::Failed => failed,
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What is to be answered, once it is ready: for a picture when its open is on disk, or at the
/// tracker's deadline. Dropping it loses no open.
#[must_use = "await it before answering, so that the answer means that the open is on disk"]
pub struct Answering(Work);

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
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        match &mut self.0 {
            // Whatever became of the open, the answer is the same; the tracker counts what was
            // lost.
            Work::Record(recording) => Pin::new(recording).poll(context).map(|_| Kind::Picture),
            Work::Page(page) => page.as_mut().poll(context),
            Work::Ready(answer) => Poll::Ready(answer.clone()),
        }
        .map(Answer)
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}

/// What to send back: a status, headers and a body, to which an adapter adds `content-length` and
/// nothing else. HEAD is answered without the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Picture,
    Page { status: u16, html: Arc<str> },
    NotAllowed(Link),
    NotFound,
}

impl From<Shown> for Kind {
    fn from(Shown { status, html }: Shown) -> Self {
        Self::Page { status, html: html.into() }
    }
}

impl Answer {
    /// Whether it is the picture, the answer that is sent often: always 200 with [`pixel::HEADERS`]
    /// and [`pixel::BYTES`], so an adapter may keep it in its framework's own form.
    #[must_use]
    pub const fn is_picture(&self) -> bool {
        matches!(self.0, Kind::Picture)
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.0 {
            Kind::Picture => 200,
            Kind::Page { status, .. } => status,
            Kind::NotAllowed(_) => 405,
            Kind::NotFound => 404,
        }
    }

    /// The headers, by lower-case name.
    #[must_use]
    pub const fn headers(&self) -> &'static [(&'static str, &'static str)] {
        match self.0 {
            Kind::Picture => &pixel::HEADERS,
            Kind::Page { .. } => &opt_out::HEADERS,
            Kind::NotAllowed(Link::Pixel) => &[("allow", "GET, HEAD")],
            Kind::NotAllowed(Link::OptOut | Link::Confirm) => &[("allow", "GET, HEAD, POST")],
            Kind::NotFound => &[],
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match &self.0 {
            Kind::Picture => &pixel::BYTES,
            Kind::Page { html, .. } => html.as_bytes(),
            Kind::NotAllowed(_) | Kind::NotFound => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;
    use crate::{Basis, Keyring, MemoryStore, NewPing};

    fn tracker(base_url: &str) -> Tracker {
        let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
        block_on(builder.base_url(base_url).unwrap().build()).unwrap()
    }

    fn path_of(tracker: &Tracker, opt_out: bool) -> String {
        let ping =
            block_on(tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract))).unwrap();
        let url = if opt_out { ping.opt_out_url() } else { ping.pixel_url().unwrap() };
        url.strip_prefix("https://app.example").unwrap().to_owned()
    }

    fn get(mount: &Mount, path: &str) -> Answer {
        let headers = http::HeaderMap::new();
        block_on(mount.answer("GET", &PixelRequest::new(path, None, &headers)))
    }

    #[test]
    fn a_mount_is_below_the_path_of_the_base_url() {
        for (base_url, path) in [
            ("https://app.example", ""),
            ("https://app.example/", ""),
            ("https://app.example/px/", "/px"),
            ("http://[::1]:8080/a/b", "/a/b"),
            ("https://app.example/t\u{e4}st", "/t%C3%A4st"),
        ] {
            assert_eq!(Mount::new(tracker(base_url)).path(), path, "{base_url}");
        }
    }

    #[test]
    fn only_what_is_below_a_mount_is_held() {
        let tracker = tracker("https://app.example/px");
        let mount = Mount::new(tracker.clone());
        for (path, holds) in [
            ("/px", true),
            ("/px/", true),
            ("/px/x.gif", true),
            ("/px//x", true),
            ("/pxx", false),
            ("/p", false),
            ("/", false),
            ("", false),
            ("//px/x", false),
            ("/PX/x", false),
        ] {
            assert_eq!(mount.holds(path), holds, "{path}");
            assert_eq!(
                get(&mount, path),
                if holds { Answer(Kind::Picture) } else { Answer(Kind::NotFound) },
                "{path}"
            );
        }
        for root in ["", "/"] {
            let mount = Mount::at(root, tracker.clone());
            assert!(["/", "/x", "/a/b.gif"].iter().all(|path| mount.holds(path)), "{root}");
        }
    }

    #[test]
    fn a_link_of_ours_below_another_path_is_counted_and_answered_as_a_forged_one() {
        let tracker = tracker("https://app.example/px");
        let mount = Mount::new(tracker.clone());
        let (pixel, opt_out) = (path_of(&tracker, false), path_of(&tracker, true));
        let stray = || tracker.intake().health().stray_links;
        for path in [&pixel, &opt_out] {
            assert_eq!(get(&mount, path).status(), 200);
        }
        assert_eq!(stray(), 0);
        let forged = format!("/{}.gif", "a".repeat(48));
        for path in ["/favicon.ico", "/", &forged, "/px/x.gif", "/px/px/x.gif"] {
            let _ = get(&mount, path);
            assert_eq!(stray(), 0, "{path}");
        }
        let mut expected = 0;
        for link in [&pixel, &opt_out] {
            for path in [link.strip_prefix("/px").unwrap(), &format!("/app{link}")] {
                assert_eq!(get(&mount, path), get(&mount, &forged), "nothing tells them apart");
                expected += 1;
                assert_eq!(stray(), expected, "{path}");
            }
        }
        assert_eq!(
            get(&mount, &format!("/px{pixel}")),
            Answer(Kind::Picture),
            "a prefix that was added twice"
        );
        expected += 1;
        assert_eq!(stray(), expected);
        // A proxy that strips the prefix, and a framework that gives the whole path to what it
        // nests.
        let stripped = Mount::at("", tracker.clone());
        for path in [pixel.strip_prefix("/px").unwrap(), &pixel] {
            assert_eq!(get(&stripped, path), Answer(Kind::Picture));
            assert_eq!(stray(), expected, "{path}");
        }
    }

    #[test]
    fn whatever_is_touched_by_a_mail_program_is_not_stray() {
        let tracker = tracker("https://app.example/px");
        let mount = Mount::new(tracker.clone());
        let token = path_of(&tracker, false).strip_prefix("/px/").unwrap().to_owned();
        for path in ["/px//", "/px/%2F", "/px/3D", "/px/%3C"].map(|start| format!("{start}{token}")) {
            assert_eq!(get(&mount, &path), Answer(Kind::Picture));
            assert_eq!(tracker.intake().health().stray_links, 0, "{path}");
        }
        assert_eq!(tracker.intake().health().durable, 4);
    }
}
