//! Ids, cursors and names of the core in actix-web's extractors.
#![allow(clippy::unwrap_used, reason = "a test")]

use actix_web::test::TestRequest;
use actix_web::web::Query;
use mailping_core::receipts::{OpenCursor, StepTime};
use mailping_core::{PingId, State};
use serde::Deserialize;

#[derive(Deserialize)]
struct Page {
    after: Option<OpenCursor>,
    state: Option<State>,
    since: Option<StepTime>,
}

fn path<T: serde::de::DeserializeOwned>(id: &'static str) -> Result<T, String> {
    let request = TestRequest::default().param("id", id).to_http_request();
    request.match_info().load().map_err(|error| error.to_string())
}

const ID: &str = "019ab1c2-d3e4-7f56-8a9b-0c1d2e3f4a5b";

#[test]
fn a_path_is_a_ping_id_and_a_query_has_cursors_states_and_times() {
    assert_eq!(path::<PingId>(ID).unwrap().to_string(), ID);
    let all = "after=1795428120250-0123456789abcdef&state=opened&since=2026-11-27T10%3A00Z";
    let page = Query::<Page>::from_query(all).unwrap();
    assert_eq!(page.after.unwrap().to_string(), "1795428120250-0123456789abcdef");
    assert_eq!(page.state, Some(State::Opened));
    assert_eq!(page.since.unwrap().to_string(), "2026-11-27T10:00Z");
}

#[test]
fn what_is_none_is_refused_with_what_was_expected_and_is_not_repeated() {
    let refused = [
        (path::<PingId>("ada@example.com").unwrap_err(), "expected the id of a ping"),
        (path::<State>("ada@example.com").unwrap_err(), "expected a state, one of: no_fetch"),
        (
            Query::<Page>::from_query("state=ada@example.com").err().unwrap().to_string(),
            "expected a state, one of: no_fetch",
        ),
    ];
    for (error, expected) in refused {
        assert!(error.contains(expected) && !error.contains("ada"), "{error}");
    }
}
