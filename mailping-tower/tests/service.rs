//! What a framework sees of the service, without a socket.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{Request, Response, Version};
use http_body::{Body, Frame};
use mailping_tower::{Basis, Keyring, MemoryStore, NewPing, PixelService, Tracker, pixel};
use tower::ServiceExt as _;

/// A request's body that is no `Unpin` and never says how long it is.
struct Filler {
    is_endless: bool,
    _pinned: std::marker::PhantomPinned,
}

impl Body for Filler {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = self.is_endless;
        Poll::Ready(left.then(|| Ok(Frame::data(Bytes::from_static(&[0; 4_096])))))
    }
}

async fn tracker() -> Tracker {
    let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
    builder.base_url("https://app.example/px").unwrap().build().await.unwrap()
}

fn body_of(answer: &Response<impl Body>) -> u64 {
    answer.body().size_hint().exact().unwrap()
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let service = PixelService::new(tracker().await);
    for path in ["/px/x.gif", "/px/x/opt-out"] {
        let ask = |method: &str| Request::builder().method(method).uri(path).body(String::new()).unwrap();
        let get = service.clone().oneshot(ask("GET")).await.unwrap();
        let head = service.clone().oneshot(ask("HEAD")).await.unwrap();
        assert_eq!((head.status(), head.headers()), (get.status(), get.headers()), "{path}");
        assert_eq!(head.headers()[CONTENT_LENGTH], body_of(&get).to_string());
        assert!(head.body().is_end_stream() && body_of(&head) == 0 && body_of(&get) > 0);
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_to_be_read_ends_its_connection_by_saying_so() {
    let service = PixelService::new(tracker().await);
    for (version, is_endless, closes) in
        [(Version::HTTP_11, true, true), (Version::HTTP_2, true, false), (Version::HTTP_11, false, false)]
    {
        let body = Filler { is_endless, _pinned: std::marker::PhantomPinned };
        let request = Request::post("/px/x.gif").version(version).body(body).unwrap();
        let answer = service.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers().contains_key(CONNECTION), closes, "{version:?}");
    }
}

#[tokio::test]
async fn elsewhere_it_answers_404_and_notes_a_link_of_ours() {
    let tracker = tracker().await;
    let service = PixelService::new(tracker.clone());
    let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract)).await.unwrap();
    let path = ping.pixel_url().unwrap().strip_prefix("https://app.example/px").unwrap();
    for (path, stray) in [("/favicon.ico", 0), (path, 1)] {
        let answer = service.clone().oneshot(Request::get(path).body(String::new()).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), body_of(&answer)), (404, 0), "{path}");
        assert_eq!(tracker.intake().health().stray_links, stray, "{path}");
    }
    let stripped = PixelService::at("", tracker.clone());
    let answer = stripped.oneshot(Request::get(path).body(String::new()).unwrap()).await.unwrap();
    assert_eq!(body_of(&answer), pixel::BYTES.len() as u64);
}
