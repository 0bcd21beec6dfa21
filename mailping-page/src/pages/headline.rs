//! The answer, in one line: `Opened 3 minutes ago in Linköping, Sweden, in a browser`. And,
//! smaller, what it does not prove.

use mailping_core::fetcher::{Evidence, Fetcher, Verdict};
use mailping_core::receipts::{Open, Summary};
use mailping_core::{State, Timestamp};

use super::moment::Moment;
use super::words::{count, shown_in};
use crate::countries::CountryOnMap;

/// A sentence around a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Headline {
    pub(crate) before: &'static str,
    pub(crate) time: Option<Moment>,
    pub(crate) after: String,
    /// What it does not prove.
    pub(crate) caveat: String,
}

impl Headline {
    pub(crate) fn of(summary: &Summary, now: Timestamp) -> Self {
        let telling = summary.telling();
        let mut headline = match (summary.state, telling) {
            (State::Opened, Some(open)) => Self {
                before: "Opened ",
                time: Some(Moment::new(open.time(), now)),
                after: whereabouts(open),
                caveat:
                    "Its picture was loaded as mail programs do to display a message. Nobody can tell whether it was read.".to_owned(),
            },
            (State::Opened, None) => Self {
                before: "Opened ",
                time: summary.last_human_open.map(|time| Moment::new(time, now)),
                after: String::new(),
                caveat: "Of this message only the last day is kept. Nobody can tell whether it was read."
                    .to_owned(),
            },
            (State::Uncertain, Some(open)) => Self {
                before: "Perhaps opened ",
                time: Some(Moment::new(open.time(), now)),
                after: whereabouts(open),
                caveat: unclear(open).to_owned(),
            },
            (State::MachineOnly, Some(open)) => Self::plain("Only machines so far", machines(open)),
            _ if summary.unreadable > 0 => Self::plain(
                "Loaded, and nothing more is known",
                "It may have been a person or a machine.",
            ),
            _ if summary.fetches > 0 => Self::plain(
                "Only you have looked at it",
                "Its picture was loaded from your own network alone, which says nothing about the recipient.",
            ),
            _ => Self::plain(
                "No sign of it yet",
                "Many readers block pictures, and then nothing is ever seen: this does not mean unread.",
            ),
        };
        if let Some(reason) = telling.filter(|_| summary.state >= State::Uncertain).and_then(no_place) {
            headline.add(&reason);
        }
        if summary.several_places {
            headline.add("It was opened in several places, so perhaps it was forwarded.");
        }
        if summary.unreadable > 0 {
            let loads = count(summary.unreadable, "load", "loads");
            headline.add(&format!("{loads} cannot be read, because the database is damaged."));
        }
        headline
    }

    fn plain(text: &'static str, caveat: &str) -> Self {
        Self { before: text, time: None, after: String::new(), caveat: caveat.to_owned() }
    }

    fn add(&mut self, sentence: &str) {
        self.caveat.push(' ');
        self.caveat.push_str(sentence);
    }
}

/// ` in Linköping, Sweden, in a browser`, as far as it is known.
fn whereabouts(open: &Open) -> String {
    match place(open) {
        Some(place) => format!(" in {place}, {}", shown_in(open)),
        None => format!(" {}", shown_in(open)),
    }
}

/// `Linköping, Sweden`; `None` if it is not known.
pub(crate) fn place(open: &Open) -> Option<String> {
    let country = open.country.as_ref().map(|country| {
        let code = country.as_str();
        CountryOnMap::of(code).map_or_else(|| code.to_owned(), |country| country.name.to_owned())
    });
    match (&open.city, country) {
        (Some(city), Some(country)) if city.as_str() != country => Some(format!("{city}, {country}")),
        (Some(city), _) => Some(city.to_string()),
        (None, country) => country,
    }
}

/// Why there is no place, if something stands between the reader and us.
fn no_place(open: &Open) -> Option<String> {
    if open.country.is_some() || open.city.is_some() {
        return None;
    }
    let between = [
        (Evidence::NetPrivateRelay, "Apple's private relay"),
        (Evidence::NetWebGateway, "a company's web gateway"),
        (Evidence::NetVpn, "a VPN"),
    ];
    if let Some((_, between)) = between.into_iter().find(|(evidence, _)| open.evidence.contains(*evidence)) {
        let perhaps = if is_hint(open) { " perhaps" } else { "" };
        return Some(format!("It{perhaps} came through {between}, which hides the place."));
    }
    matches!(open.fetcher, Fetcher::GmailProxy | Fetcher::YahooProxy | Fetcher::OtherMailProxy)
        .then(|| "The mail provider loads pictures for its readers, which hides the place.".to_owned())
}

/// Is it likely, and not certain, that the network is what the evidence names?
fn is_hint(open: &Open) -> bool {
    open.evidence.contains(Evidence::NetPartial) || open.evidence.contains(Evidence::NetByAsn)
}

fn unclear(open: &Open) -> &'static str {
    let came = |evidence| open.evidence.contains(evidence);
    if came(Evidence::NetBurst) {
        "Many messages' pictures were loaded at once, so a scanner is likelier than a person."
    } else if came(Evidence::SeqAfterHead) {
        "It was looked at first without loading it, as programs do that check links: one of those is likelier than a person."
    } else if came(Evidence::SeqSameAgent) {
        "The same program had loaded it before as a machine does, or too early for a person."
    } else if came(Evidence::TimeEarly) {
        "It came so soon after sending that a machine is likelier than a person."
    } else if came(Evidence::NetHosting) && open.fetcher.is_direct() {
        // Mail providers' proxies belong there.
        if is_hint(open) {
            "It perhaps came from a cloud or hosting company, where scanners are as likely as people on a VPN."
        } else {
            "It came from a cloud or hosting company, where scanners are as likely as people on a VPN."
        }
    } else if came(Evidence::HeaderPlatform) {
        "It named two systems, as programs do that borrow a browser's name."
    } else if came(Evidence::HeaderFetchDest) {
        "It did not ask for a picture, although a displayed message always does."
    } else {
        "It may have been a person or a machine."
    }
}

fn machines(open: &Open) -> &'static str {
    match (open.verdict, open.fetcher) {
        (Verdict::Machine, Fetcher::AppleMpp) => {
            "Apple Mail loads every picture by itself, so it cannot be seen whether this reader opens the message. This \
             does not mean unread."
        }
        _ => {
            "Mail systems, scanners and tools such as curl load pictures with nobody looking. This does not mean unread: \
             many readers block pictures."
        }
    }
}

#[cfg(test)]
mod tests {
    use mailping_core::PingId;
    use mailping_core::fetcher::Fetcher;
    use mailping_core::receipts::OpenId;

    use super::super::words::Badge;
    use super::*;

    fn open(fetcher: Fetcher, country: &str, city: &str) -> Open {
        let at = "2026-11-27T10:00:00Z".parse().unwrap();
        let mut open =
            Open::new(PingId::from_bytes([7; 16]), OpenId::from_bytes([1; 8]), at, fetcher, Verdict::Human);
        (open.country, open.city) = (country.parse().ok(), city.parse().ok());
        open
    }

    #[test]
    fn where_it_was_opened_is_said_as_far_as_it_is_known() {
        let mut word = open(Fetcher::OutlookClient, "", "");
        word.evidence.insert(Evidence::UaOffice);
        for (open, expected) in [
            (open(Fetcher::Browser, "SE", "Link\u{f6}ping"), " in Link\u{f6}ping, Sweden, in a browser"),
            (open(Fetcher::OutlookClient, "SE", ""), " in Sweden, in Outlook"),
            (open(Fetcher::Browser, "SG", "Singapore"), " in Singapore, in a browser"),
            (open(Fetcher::Thunderbird, "", "Lisbon"), " in Lisbon, in Thunderbird"),
            (open(Fetcher::GmailProxy, "", ""), " in Gmail"),
            (open(Fetcher::Unknown, "", ""), " by unknown software"),
            (word, " in an Office program"),
        ] {
            assert_eq!(whereabouts(&open), expected);
        }
    }

    #[tokio::test]
    async fn loads_that_cannot_be_read_are_not_called_none() {
        use mailping_core::{Basis, Keyring, MemoryStore, NewPing, Tracker};
        let builder = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
        let tracker = builder.base_url("https://app.example/px").unwrap().build().await.unwrap();
        let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", Basis::Contract)).await.unwrap();
        let mut summary = tracker.receipts().get(ping.id()).await.unwrap().unwrap().summary;
        let now = summary.ping.sent_at;
        assert_eq!(Headline::of(&summary, now).before, "No sign of it yet");
        assert_eq!(Badge::of(&summary).text, "Nothing yet");
        summary.unreadable = 30;
        for fetches in [0, 1] {
            summary.fetches = fetches;
            let headline = Headline::of(&summary, now);
            assert_eq!(headline.before, "Loaded, and nothing more is known");
            assert!(headline.caveat.contains("30 loads cannot be read"), "{}", headline.caveat);
            assert_eq!(Badge::of(&summary).text, "Unreadable");
        }
    }

    #[test]
    fn what_hides_the_place_is_named() {
        let hidden = |evidence: &[Evidence]| {
            let mut open = open(Fetcher::Browser, "", "");
            open.evidence.extend(evidence.iter().copied());
            no_place(&open)
        };
        assert!(
            hidden(&[Evidence::NetVpn, Evidence::NetPrivateRelay]).unwrap().contains("Apple's private relay")
        );
        assert!(hidden(&[Evidence::NetWebGateway]).unwrap().contains("web gateway"));
        assert!(hidden(&[Evidence::NetVpn]).unwrap().contains("a VPN"));
        let hint = hidden(&[Evidence::NetVpn, Evidence::NetPartial]);
        assert_eq!(hint.as_deref(), Some("It perhaps came through a VPN, which hides the place."));
        assert_eq!(hidden(&[]), None);
        assert!(no_place(&open(Fetcher::GmailProxy, "", "")).unwrap().contains("mail provider"));
    }

    #[test]
    fn a_doubt_is_told_by_its_own_reason() {
        let told = |fetcher, evidence: &[Evidence]| {
            let mut open = open(fetcher, "", "");
            open.evidence.extend(evidence.iter().copied());
            unclear(&open)
        };
        let cloud = [Evidence::NetHosting];
        assert!(told(Fetcher::Browser, &cloud).starts_with("It came from a cloud"));
        assert!(
            told(Fetcher::Browser, &[Evidence::NetHosting, Evidence::NetByAsn])
                .starts_with("It perhaps came")
        );
        assert_eq!(told(Fetcher::OtherMailProxy, &cloud), told(Fetcher::OtherMailProxy, &[]));
        for reason in [Evidence::HeaderPlatform, Evidence::HeaderFetchDest] {
            assert_ne!(told(Fetcher::Browser, &[reason]), told(Fetcher::Browser, &[]));
        }
    }
}
