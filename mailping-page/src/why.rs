//! "Why is nothing recorded?": findings from the settings, the counters and the ping, none of which
//! holds anything personal.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use mailping_core::intake::Health;
use mailping_core::pings::Status;
use mailping_core::receipts::Summary;
use mailping_core::{Detail, Timestamp};

use crate::source::Source;

/// From this age on a geo database is called old: address ranges change hands.
const OLD: Duration = Duration::from_secs(120 * 86_400);

/// What of the settings bears on it.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    base_url: String,
    geo_built: Option<Timestamp>,
    /// Whom the geo database's licence asks to be named.
    pub(crate) source: Option<Source>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) title: &'static str,
    pub(crate) text: String,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Problem,
    Hint,
    Fine,
}

impl Level {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Hint => "hint",
            Self::Fine => "fine",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Problem => "To fix",
            Self::Hint => "Good to know",
            Self::Fine => "Fine",
        }
    }
}

impl Finding {
    fn new(level: Level, title: &'static str, text: impl Into<String>) -> Self {
        Self { level, title, text: text.into() }
    }
}

impl Setup {
    pub(crate) fn new(base_url: &str) -> Self {
        Self { base_url: base_url.to_owned(), geo_built: None, source: None }
    }

    #[cfg(feature = "maxmind")]
    pub(crate) fn geo(self, geo: &mailping_core::geo::MaxMind) -> Self {
        Self { geo_built: Some(geo.built()), source: Source::of(&geo.types()), ..self }
    }

    /// What holds for all messages.
    pub(crate) fn findings(&self, health: &Health) -> Vec<Finding> {
        let mut found = Vec::new();
        found.extend(self.reach());
        found.extend(traffic(health));
        found.extend(self.places(health));
        found.push(disks(health));
        found
    }

    /// What holds for one message of which nothing is recorded.
    /// `health` is for whoever may see all of it.
    pub(crate) fn findings_for(&self, receipt: &Summary, health: Option<&Health>) -> Vec<Finding> {
        let mut found: Vec<_> = of_ping(receipt).into_iter().collect();
        let ended = !found.is_empty();
        let all = health.map(|health| self.findings(health)).unwrap_or_default();
        found.extend(all.into_iter().filter(|finding| finding.level != Level::Fine));
        if !ended {
            let answered = health.is_some_and(|health| health.durable + health.spooled + health.late > 0);
            let reached = self.reach().is_none_or(|finding| finding.level != Level::Problem);
            let way = if health.is_none() || answered && !reached {
                ""
            } else if answered {
                "Pixels of this server are loaded, so the way is open. "
            } else {
                "No pixel has been loaded since this server was started. Open the picture's address in a browser: if that shows up \
                 here, the way is open. "
            };
            let text = format!(
                "{way}Many mail programs load pictures only when their reader asks for it, and some readers block them for good: then \
                 nothing is ever recorded, which does not mean unread."
            );
            found.push(Finding::new(
                Level::Hint,
                "Pictures may be blocked, or the message is not opened yet",
                text,
            ));
        }
        found
    }

    fn reach(&self) -> Option<Finding> {
        let uri: http::Uri = self.base_url.parse().ok()?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let address: Option<IpAddr> = host.parse().ok();
        let local = host == "localhost" || host.ends_with(".localhost");
        Some(if local || address.is_some_and(|address| address.is_loopback()) {
            let text = "The pixels' addresses lead to this very machine, so mail programs elsewhere cannot load them. Set the base URL \
                        (`base_url`, or MAILPING_BASE_URL) to the address that this server is reached at from outside.";
            Finding::new(Level::Problem, "The base URL is reached from this machine only", text)
        } else if address.is_some_and(is_private) {
            let text =
                "The pixels' addresses are of a private network: only mail programs within it can load them.";
            Finding::new(Level::Problem, "The base URL is reached from your own network only", text)
        } else if uri.scheme_str() == Some("http") {
            let text = "The pixels' addresses begin with http://. Webmail comes over https, and browsers may refuse such pictures in it: \
                        serve the pixels over https.";
            Finding::new(Level::Hint, "The base URL is not encrypted", text)
        } else {
            Finding::new(Level::Fine, "The base URL can be reached from outside", "As far as its name tells.")
        })
    }

    fn places(&self, health: &Health) -> Vec<Finding> {
        let mut found = Vec::new();
        if health.geo_errors > 0 {
            let text =
                format!("{} look-ups of a place failed: replace the database's files.", health.geo_errors);
            found.push(Finding::new(Level::Problem, "The geo database is damaged", text));
        }
        let now = Timestamp::from(SystemTime::now());
        found.push(match self.geo_built {
            None => {
                let text = "Without one no message shows a place. Give the tracker a city database (`geo`, or the path of a .mmdb file in \
                            MAILPING_GEO).";
                Finding::new(Level::Hint, "There is no geo database", text)
            }
            Some(built) if now.since(built).is_some_and(|age| age > OLD) => {
                let text = format!(
                    "It was built on {}. Address ranges change hands, so some places will be wrong: fetch a newer file.",
                    day(built)
                );
                Finding::new(Level::Hint, "The geo database is old", text)
            }
            Some(built) => {
                Finding::new(Level::Fine, "The geo database is current", format!("It was built on {}.", day(built)))
            }
        });
        found
    }
}

/// What the counters since the start tell.
fn traffic(health: &Health) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |level, count: u64, title, text: &str| {
        if count > 0 {
            found.push(Finding::new(level, title, text.replace("{}", &count.to_string())));
        }
    };
    use Level::{Hint, Problem};
    add(
        Problem,
        u64::from(health.store_failing),
        "The database does not take opens",
        "It is tried again and again; see the log.",
    );
    add(
        Problem,
        health.forwarding_ignored,
        "A proxy's header is not trusted",
        "{} loads carried a header such as X-Forwarded-For that was not read. If a reverse proxy stands in front, every open seems to come from the proxy: trust its network (`client_ip`, or MAILPING_CLIENT_IP=xff and MAILPING_TRUSTED_PROXIES). If there is none, somebody made the header up, and ignoring it is right.",
    );
    add(
        Problem,
        health.no_peer_address,
        "The client's address is not known",
        "{} loads came without a peer address, so they have no network and no place. If they are most: serve axum with into_make_service_with_connect_info, or behind a Unix socket trust unix peers by name. If they are few: the clients hung up before they were accepted.",
    );
    add(
        Problem,
        health.stray_links,
        "Pixels come in below another path",
        "{} loads of pixels from here came in below another path than they are served at, so mail was sent whose pictures are broken. The path of the base URL (`base_url`, or MAILPING_BASE_URL) must be the one that mail programs ask for, and a reverse proxy must hand it on unchanged.",
    );
    let lost = health.dropped.queue_full + health.dropped.closed + health.dropped.no_random;
    add(
        Problem,
        lost,
        "Opens were lost",
        "{} opens came faster than the database took them, or while the service ended.",
    );
    add(
        Hint,
        health.dropped.bad_token,
        "Pixels that are not from here",
        "{} loads had a token that these keys have not signed: forged, cut off by a mail program, or made with keys that are gone.",
    );
    add(
        Hint,
        health.dropped.signal,
        "Readers asked not to be tracked",
        "{} loads carried Sec-GPC, and nothing was kept of them.",
    );
    add(
        Hint,
        health.dropped.hit_limit,
        "A message was loaded very often",
        "{} loads went over the limit of opens kept for one message and hour (`hit_limit`, or MAILPING_HIT_LIMIT).",
    );
    add(
        Hint,
        health.dropped.detail,
        "Some messages keep less than an open",
        "{} loads left nothing, since so little may be kept of their message.",
    );
    add(
        Hint,
        health.filtered,
        "Some messages record no more",
        "{} loads were of messages that are erased, stopped or ended, or whose recipient objected.",
    );
    found
}

/// Where an open is when its picture is answered.
fn disks(health: &Health) -> Finding {
    let waiting = health.spool.map_or(0, |spool| spool.waiting);
    if waiting > 0 {
        let text = format!(
            "{waiting} opens are on this machine's disk alone and wait for the database. They show up here once they are handed over."
        );
        return Finding::new(Level::Hint, "Some opens wait for the database", text);
    }
    let (level, text) = match health.copies {
        0 => (Level::Hint, "In memory alone: nothing survives a restart of this service.".to_owned()),
        1 => (Level::Fine, "On one machine's disk.".to_owned()),
        copies => (Level::Fine, format!("On the disks of {copies} machines.")),
    };
    Finding::new(level, "Where an open is when its picture is answered", text)
}

/// What ends the search: the message itself records nothing.
fn of_ping(receipt: &Summary) -> Option<Finding> {
    let ping = &receipt.ping;
    let problem = |title, text: &str| Some(Finding::new(Level::Problem, title, text));
    match (ping.status, ping.detail) {
        (Status::Untracked, Detail::None) => {
            problem("Nothing may be kept of this message", "It was made to keep nothing, so it has no pixel.")
        }
        (Status::Untracked, _) => problem(
            "The recipient has objected",
            "This message has no pixel, since its recipient does not want to be tracked. It can be sent without one.",
        ),
        (Status::Withdrawn, _) => problem(
            "Recording was stopped",
            "By the sender or by an objection of the recipient. What was recorded before stays.",
        ),
        (Status::Expired, _) => problem(
            "The time for recording is over",
            "Loads after it leave nothing, as was set when the message was made.",
        ),
        (Status::Unknown, _) => problem(
            "A newer version has ended it",
            "Its status is one that this version does not know, so that it records nothing. Update this instance.",
        ),
        (_, Detail::LastDay) => Some(Finding::new(
            Level::Hint,
            "Only the last day is kept",
            "Of this message no single loads are kept, and nothing of machines.",
        )),
        _ => None,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(base_url: &str) -> &'static str {
        Setup::new(base_url).reach().unwrap().title
    }

    #[tokio::test]
    async fn where_an_open_is_when_it_is_answered_is_said() {
        use mailping_core::{Keyring, MemoryStore, Tracker};
        let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
        let tracker = builder.base_url("https://app.example/px").unwrap().build().await.unwrap();
        let mut health = tracker.intake().health();
        assert!(disks(&health).text.starts_with("In memory alone"));
        health.copies = 2;
        assert_eq!(disks(&health).text, "On the disks of 2 machines.");
        health.spool = Some(mailping_core::store::Backlog::new(7, None));
        assert!(disks(&health).text.starts_with("7 opens are on this machine's disk alone"));
    }

    #[tokio::test]
    async fn a_pixel_below_another_path_is_found() {
        use mailping_core::mount::Mount;
        use mailping_core::{Basis, Keyring, MemoryStore, NewPing, Tracker};
        let keys = Keyring::generate().unwrap();
        let builder = Tracker::builder(keys, MemoryStore::new()).base_url("https://app.example/px").unwrap();
        let tracker = builder.build().await.unwrap();
        let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract)).await.unwrap();
        let setup = Setup::new("https://app.example/px");
        let found = |setup: &Setup| {
            let findings = setup.findings(&tracker.intake().health());
            findings.into_iter().find(|finding| finding.title == "Pixels come in below another path")
        };
        assert_eq!(found(&setup), None);
        let path = ping.pixel_url().unwrap().strip_prefix("https://app.example/px").unwrap();
        Mount::new(tracker.clone()).stray(path);
        let finding = found(&setup).unwrap();
        assert_eq!(finding.level, Level::Problem);
        assert!(finding.text.starts_with("1 loads") && !finding.text.contains(path));
    }

    #[test]
    fn a_base_url_that_mail_cannot_reach_is_found() {
        for url in ["http://127.0.0.1:3000", "http://localhost", "http://[::1]:3000", "https://a.localhost"] {
            assert!(title(url).contains("this machine only"), "{url}");
        }
        assert!(title("http://10.0.0.7").contains("own network"));
        assert!(title("http://app.example").contains("not encrypted"));
        assert!(title("https://app.example").contains("can be reached"));
    }
}
