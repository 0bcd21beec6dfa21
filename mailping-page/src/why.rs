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
                "Pixels of this service are fetched, so the way is open. "
            } else {
                "No pixel has been fetched since this service was started. Open the pixel's URL in a browser: if a fetch shows up \
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
            let text = "The pixels' URLs lead to this very machine (a loopback address), so mail programs elsewhere cannot fetch them. \
                        Set MAILPING_BASE_URL to the address that the service is reached at from outside.";
            Finding::new(Level::Problem, "The base URL is reached from this machine only", text)
        } else if address.is_some_and(is_private) {
            let text = "The pixels' URLs hold an address of a private network: only mail programs within it can fetch them.";
            Finding::new(Level::Problem, "The base URL is reached from your own network only", text)
        } else if uri.scheme_str() == Some("http") {
            let text = "The pixels' URLs begin with http://. Webmail pages come over https and browsers may refuse such pictures in \
                        them: serve the pixels over https.";
            Finding::new(Level::Hint, "The base URL is not encrypted", text)
        } else {
            Finding::new(Level::Fine, "The base URL can be reached from outside", "As far as its name tells.")
        })
    }

    fn places(&self, health: &Health) -> Vec<Finding> {
        let mut found = Vec::new();
        if health.geo_errors > 0 {
            let text = format!(
                "{} look-ups of a place failed: replace the files of MAILPING_GEO.",
                health.geo_errors
            );
            found.push(Finding::new(Level::Problem, "The geo database is damaged", text));
        }
        let now = Timestamp::from(SystemTime::now());
        found.push(match self.geo_built {
            None => {
                let text = "Opens have no place: only a small database of the documentation networks is built in. Set MAILPING_GEO to \
                            the path of a city database (.mmdb).";
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
        "{} hits carried a header such as X-Forwarded-For that was not read. If a reverse proxy stands before this service, every open seems to come from the proxy: set MAILPING_CLIENT_IP=xff and MAILPING_TRUSTED_PROXIES to the proxy's network. If there is none, somebody made the header up, and ignoring it is right.",
    );
    add(
        Problem,
        health.no_peer_address,
        "The client's address is not known",
        "{} hits came without a peer address, so they have no network and no place. If they are most: serve axum with into_make_service_with_connect_info, or behind a Unix socket trust unix peers by name. If they are few: the clients hung up before they were accepted.",
    );
    add(
        Problem,
        health.stray_links,
        "Pixels come in below another path",
        "{} fetches of links from here came in below another path than the pixels are served at, so mail was sent whose pictures are broken. The path of MAILPING_BASE_URL must be the one that mail programs ask for, and a reverse proxy must hand it on unchanged.",
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
        "{} hits had a token that these keys have not signed: forged, cut off by a mail program, or made with keys that are gone.",
    );
    add(
        Hint,
        health.dropped.signal,
        "Readers asked not to be tracked",
        "{} hits carried Sec-GPC, and nothing was kept of them.",
    );
    add(
        Hint,
        health.dropped.hit_limit,
        "A message was fetched very often",
        "{} hits went over the limit of opens kept for one message and hour (MAILPING_HIT_LIMIT).",
    );
    add(
        Hint,
        health.dropped.detail,
        "Some messages keep less than an open",
        "{} hits left nothing, since the detail of their message does not allow it.",
    );
    add(
        Hint,
        health.filtered,
        "Some messages record no more",
        "{} hits were for messages that are erased, withdrawn, expired or objected to.",
    );
    found
}

/// What ends the search: the message itself records nothing.
fn of_ping(receipt: &Summary) -> Option<Finding> {
    let ping = &receipt.ping;
    let problem = |title, text: &str| Some(Finding::new(Level::Problem, title, text));
    match (ping.status, ping.detail) {
        (Status::Untracked, Detail::None) => {
            problem("Nothing may be kept of this message", "Its detail is `none`, so it has no pixel.")
        }
        (Status::Untracked, _) => problem(
            "The recipient has objected",
            "This message has no pixel, since its recipient does not want to be tracked. It can be sent without one.",
        ),
        (Status::Withdrawn, _) => problem(
            "Recording was withdrawn",
            "By the sender or by an objection of the recipient. What was recorded before stays.",
        ),
        (Status::Expired, _) => problem(
            "The time for recording is over",
            "Fetches after it leave nothing, as was set when the ping was made.",
        ),
        (Status::Unknown, _) => problem(
            "A newer version has ended it",
            "Its status is one that this version does not know, so that it records nothing. Update this instance.",
        ),
        (_, Detail::LastDay) => Some(Finding::new(
            Level::Hint,
            "Only the last day is kept",
            "The detail of this message keeps no single fetches and nothing of machines.",
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
        assert!(finding.text.starts_with("1 fetches") && !finding.text.contains(path));
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
