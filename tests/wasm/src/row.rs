//! A line of a corpus, of any of the forms that its README describes, as hits and settings.

use std::net::IpAddr;

use ipnet::IpNet;
use mailping_core::observe::HeaderSource;
use mailping_core::{ClientIp, Timestamp};
use serde_json::Value;

/// What a fetch without a time counts as: two hours after sending.
const LATE_S: i64 = 7_200;
/// The proxy that names the client of a fetch.
const PROXY: &str = "127.0.0.1";

/// A line: its hits, and the settings that they are judged with.
pub(crate) struct Row {
    pub(crate) client_ip: ClientIp,
    pub(crate) mask: (u8, u8),
    pub(crate) own_networks: Vec<IpNet>,
    pub(crate) hits: Vec<Hit>,
}

/// A request for a pixel.
pub(crate) struct Hit {
    pub(crate) peer: Option<IpAddr>,
    pub(crate) headers: Headers,
    /// Seconds since the message was sent.
    pub(crate) since_sent: i64,
}

impl Hit {
    pub(crate) fn time(&self, sent: Timestamp) -> Timestamp {
        Timestamp::from_unix_millis(sent.unix_millis().saturating_add(self.since_sent.saturating_mul(1_000)))
    }
}

/// Header lines: names in lower case, and values.
pub(crate) struct Headers(Vec<(String, String)>);

impl HeaderSource for Headers {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a [u8])) {
        for (name, value) in &self.0 {
            visit(name, value.as_bytes());
        }
    }
}

impl Row {
    /// `None` if it is of no known form.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let row: Value = serde_json::from_str(line).ok()?;
        if row.get("input").is_some() {
            Self::address(&row)
        } else if row.get("strategy").is_some() {
            Self::forwarded(&row)
        } else if let Some(hits) = row.get("hits") {
            let hits = hits.as_array()?.iter().map(|hit| Hit::fetch(hit, "at_s")).collect::<Option<_>>()?;
            Self::fetches(&row, hits)
        } else {
            Self::fetches(&row, vec![Hit::fetch(&row, "since_sent_s")?])
        }
    }

    /// `client_ip.jsonl`: whose request it is.
    fn forwarded(row: &Value) -> Option<Self> {
        let trusted: Vec<&str> = texts(row.get("trusted")?)?;
        let trusted = trusted.join(",");
        let client_ip = match row.get("strategy")?.as_str()? {
            "xff" => ClientIp::x_forwarded_for(&trusted),
            "forwarded" => ClientIp::forwarded(&trusted),
            other => ClientIp::header(other.strip_prefix("header:")?, &trusted),
        };
        let lines = row.get("headers")?.as_array()?.iter().map(|line| match texts(line)?[..] {
            [name, value] => Some((name.to_ascii_lowercase(), value.to_owned())),
            _ => None,
        });
        // The corpus writes a peer's zone; a socket address keeps it apart from the address.
        let peer = match row.get("peer")?.as_str()?.split('%').next()? {
            "unix" => None,
            address => Some(address.parse().ok()?),
        };
        let headers = Headers(lines.collect::<Option<_>>()?);
        let hit = Hit { peer, headers, since_sent: LATE_S };
        Some(Self { client_ip: client_ip.ok()?, mask: (24, 48), own_networks: Vec::new(), hits: vec![hit] })
    }

    /// `truncate.jsonl`: what is left of an address.
    fn address(row: &Value) -> Option<Self> {
        let prefix = |field| row.get(field)?.as_u64()?.try_into().ok();
        let headers = Headers(vec![("x-real-ip".to_owned(), row.get("input")?.as_str()?.to_owned())]);
        Some(Self {
            client_ip: ClientIp::header("x-real-ip", PROXY).ok()?,
            mask: (prefix("v4_prefix")?, prefix("v6_prefix")?),
            own_networks: Vec::new(),
            hits: vec![Hit { peer: PROXY.parse().ok(), headers, since_sent: LATE_S }],
        })
    }

    /// A fetch, or the fetches of a story.
    fn fetches(row: &Value, hits: Vec<Hit>) -> Option<Self> {
        let own = row.get("own_networks").map_or(Some(Vec::new()), texts)?;
        Some(Self {
            client_ip: ClientIp::x_forwarded_for(PROXY).ok()?,
            mask: (24, 48),
            own_networks: own.into_iter().map(|network| network.parse().ok()).collect::<Option<_>>()?,
            hits,
        })
    }
}

impl Hit {
    fn fetch(hit: &Value, time: &str) -> Option<Self> {
        let mut lines = Vec::new();
        let mut add = |name: &str, value: &str| lines.push((name.to_ascii_lowercase(), value.to_owned()));
        for (name, field) in [("x-forwarded-for", "ip"), ("user-agent", "user_agent")] {
            if let Some(value) = hit.get(field).filter(|value| !value.is_null()) {
                add(name, value.as_str()?);
            }
        }
        for (name, value) in hit.get("headers").and_then(Value::as_object).into_iter().flatten() {
            add(name, value.as_str()?);
        }
        let since_sent = hit.get(time).map_or(Some(LATE_S), Value::as_i64)?;
        Some(Self { peer: PROXY.parse().ok(), headers: Headers(lines), since_sent })
    }
}

fn texts(list: &Value) -> Option<Vec<&str>> {
    list.as_array()?.iter().map(Value::as_str).collect()
}
