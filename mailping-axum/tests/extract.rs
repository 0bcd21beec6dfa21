//! Ids, cursors and names of the core in axum's extractors.
#![allow(clippy::unwrap_used, reason = "a test")]

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::routing::get;
use http_body_util::BodyExt as _;
use hyper::{Request, StatusCode};
use mailping_core::receipts::{OpenCursor, StepTime};
use mailping_core::{PingId, State};
use serde::Deserialize;
use tower::ServiceExt as _;

#[derive(Deserialize)]
struct Page {
    after: Option<OpenCursor>,
    state: Option<State>,
    since: Option<StepTime>,
}

async fn shown(Path(id): Path<PingId>, Query(page): Query<Page>) -> String {
    let Page { after, state, since } = page;
    let [after, state, since] =
        [after.map(|at| at.to_string()), state.map(|is| is.to_string()), since.map(|at| at.to_string())]
            .map(Option::unwrap_or_default);
    format!("{id} {after} {state} {since}")
}

async fn get_text(path: &str) -> (StatusCode, String) {
    let app = Router::new().route("/receipts/{id}", get(shown));
    let answer = app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

const ID: &str = "019ab1c2-d3e4-7f56-8a9b-0c1d2e3f4a5b";

#[tokio::test]
async fn a_path_is_a_ping_id_and_a_query_has_cursors_states_and_times() {
    let all = "after=1795428120250-0123456789abcdef&state=opened&since=2026-11-27T10:00Z";
    let (status, text) = get_text(&format!("/receipts/{ID}?{all}")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(text, format!("{ID} 1795428120250-0123456789abcdef opened 2026-11-27T10:00Z"));
    assert_eq!(get_text(&format!("/receipts/{ID}")).await, (StatusCode::OK, format!("{ID}   ")));
}

#[tokio::test]
async fn what_is_none_is_refused_with_what_was_expected_and_is_not_repeated() {
    for (path, expected) in [
        (format!("/receipts/{ID}?state=ada@example.com"), "expected a state"),
        (format!("/receipts/{ID}?after=ada@example.com"), "expected the `next` of the page before"),
        (format!("/receipts/{ID}?since=ada@example.com"), "expected a day"),
    ] {
        let (status, text) = get_text(&path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(text.contains(expected) && !text.contains("ada"), "{path}: {text}");
    }
    // Here axum puts the value into its own sentence, for whoever sent it.
    let (status, text) = get_text("/receipts/invoice-42").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        text.ends_with(": expected the id of a ping, such as 019ab1c2-d3e4-7f56-8a9b-0c1d2e3f4a5b"),
        "{text}"
    );
}
