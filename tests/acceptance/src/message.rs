//! A message's ping over HTTP, as the promises make it, fetch it and read its receipt.

use std::time::SystemTime;

use mailping_core::Timestamp;
use serde_json::{Value, json};

use crate::Client;

pub(crate) const GMAIL: &str =
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
pub(crate) const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
pub(crate) const ADMIN_TOKEN: &str = "open-sesame-7777";
/// Behind a proxy on loopback, which needs an admin token.
pub(crate) const BEHIND_PROXY: [(&str, &str); 3] = [
    ("MAILPING_CLIENT_IP", "xff"),
    ("MAILPING_TRUSTED_PROXIES", "127.0.0.0/8"),
    ("MAILPING_ADMIN_TOKEN", ADMIN_TOKEN),
];

/// The last full hour that was at least so many hours ago. Programs run by the machine's clock, so
/// no test may send at a fixed date.
pub fn hours_ago(hours: i64) -> Timestamp {
    const HOUR_MILLIS: i64 = 3_600_000;
    let hour = Timestamp::from(SystemTime::now()).unix_millis() / HOUR_MILLIS;
    Timestamp::from_unix_millis((hour - hours) * HOUR_MILLIS)
}

/// Sent an hour ago or more, so that a person's fetch is one.
pub(crate) fn new_ping() -> Value {
    json!({
        "reference": "invoice-42",
        "basis": { "kind": "legitimate_interest", "reason": "proof of delivery" },
        "sent_at": hours_ago(1).to_string(),
    })
}

pub(crate) fn with(mut ping: Value, field: &str, value: impl Into<Value>) -> Value {
    ping[field] = value.into();
    ping
}

pub(crate) fn make(client: &Client, ping: &Value) -> Value {
    let reply = client.post("/api/pings", ping);
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

pub(crate) fn path_of(url: &Value) -> String {
    let url = url.as_str().expect("a URL");
    url[url.find("/px/").expect("under /px/")..].to_owned()
}

pub(crate) fn receipt(client: &Client, ping: &Value) -> Value {
    let reply = client.get(&format!("/api/pings/{}", ping["id"].as_str().unwrap()), &[]);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

pub(crate) fn fetch(client: &Client, ping: &Value, headers: &[(&str, &str)]) {
    let reply = client.get(&path_of(&ping["pixel_url"]), headers);
    assert_eq!((reply.status, reply.body.len(), &reply.body[..6]), (200, 43, &b"GIF89a"[..]), "{reply:?}");
}
