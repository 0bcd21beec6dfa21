//! A receipt in one honest sentence. It says what was fetched and what that means, never that
//! anyone read anything.

mod journey;

use std::fmt;

use crate::fetcher::{Evidence, Fetcher, Provider, Verdict};
use crate::receipt::{Receipt, State, Summary};
use crate::{Open, TimeStep, Timestamp};

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary.fmt(f)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.milestones.is_empty() {
            self.fetched(f)?
        } else {
            journey::write(self, f)?
        }
        match self.unreadable {
            0 => Ok(()),
            1 => f.write_str(" 1 open cannot be read."),
            rows => write!(f, " {rows} opens cannot be read."),
        }
    }
}

impl Summary {
    fn fetched(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.telling, self.state, self.last_human_open) {
            (Some(open), ..) => sentence(f, open)?,
            (None, State::Opened, Some(day)) => {
                write!(
                    f,
                    "Last fetched {}, which happens when the message is displayed",
                    Moment(day.start(), TimeStep::Day)
                )?;
            }
            _ if self.fetches > 0 => f.write_str("Fetched from the sender's own network only")?,
            _ if self.unreadable > 0 => return f.write_str("Fetched, and nothing more is known."),
            _ => return f.write_str("Not fetched, which does not mean unread: many readers block images."),
        }
        if self.several_places {
            f.write_str("; fetched from several places, so perhaps forwarded")?;
        }
        f.write_str(".")
    }
}

fn sentence(f: &mut fmt::Formatter<'_>, open: &Open) -> fmt::Result {
    write!(f, "Fetched by {} {}, which {}", Name::of(open), Moment(open.at, open.time_step), meaning(open))?;
    match whereabouts(open) {
        Some(place) => write!(f, "; {place}"),
        None => f.write_str("; place unknown"),
    }
}

/// The place, or what stands between the reader and us in place of one.
fn whereabouts(open: &Open) -> Option<String> {
    if let Some(country) = open.country {
        let city = open.city.as_ref().map(|city| format!("{city}, ")).unwrap_or_default();
        return Some(format!("place {city}{country}"));
    }
    let came = |evidence| open.verdict != Verdict::Machine && open.evidence.contains(evidence);
    let between = [
        (Evidence::NetPrivateRelay, "Apple's private relay"),
        (Evidence::NetWebGateway, "a company's web gateway"),
        (Evidence::NetVpn, "a VPN or relay"),
    ];
    let (_, between) = between.into_iter().find(|(evidence, _)| came(*evidence))?;
    Some(if is_hint(open) {
        format!("perhaps through {between}: its place may not be the reader's")
    } else {
        format!("through {between}: its place is not the reader's")
    })
}

/// Is it likely, and not certain, that the network is what the evidence names?
const fn is_hint(open: &Open) -> bool {
    open.evidence.contains(Evidence::NetPartial) || open.evidence.contains(Evidence::NetByAsn)
}

/// Why it is uncertain, the strongest reason first.
const DOUBTS: [(Evidence, &str); 10] = [
    (Evidence::NetBurst, "came with many others at once, so that a scanner is likelier than a person"),
    (
        Evidence::SeqAfterHead,
        "came behind a request without a picture, as checkers of links send it, so that one is likelier than a person",
    ),
    (Evidence::SeqSameAgent, "came from what had fetched before as a machine or too early for a person"),
    (
        Evidence::NetHosting,
        "came from a cloud or hosting company, where scanners are as likely as people on a VPN or a remote desktop",
    ),
    (Evidence::NetForeign, "came from a network that the mail provider it names never fetches from"),
    (
        Evidence::HeaderPlatform,
        "named one system in its agent and another in its headers, as programs do that borrow a browser's name",
    ),
    (Evidence::HeaderFetchDest, "did not ask for a picture, although a displayed message always does"),
    (
        Evidence::TimeBeforeSent,
        "came before the message was sent, so that a machine is likelier than the reader",
    ),
    (
        Evidence::TimeBeforeAccepted,
        "came before the recipient's mail server took the message, so that a machine is likelier than the reader",
    ),
    (Evidence::TimeEarly, "came so early that a machine is likelier than a person"),
];

fn meaning(open: &Open) -> &'static str {
    match open.verdict {
        Verdict::Human => "happens when the message is displayed",
        Verdict::Machine => "happens without a person",
        Verdict::Uncertain => doubt(open),
    }
}

fn doubt(open: &Open) -> &'static str {
    // Mail providers' proxies belong in clouds.
    let counts = |evidence| evidence != Evidence::NetHosting || open.fetcher.is_direct();
    match DOUBTS.iter().find(|(evidence, _)| open.evidence.contains(*evidence) && counts(*evidence)) {
        Some((Evidence::NetHosting, _)) if is_hint(open) => {
            "perhaps came from a cloud or hosting company, where scanners are as likely as people on a VPN or a remote \
             desktop"
        }
        Some((_, doubt)) => doubt,
        None => "may or may not mean that a person displayed the message",
    }
}

impl Open {
    /// Who fetched, in words such as `Gmail's proxy`.
    #[must_use]
    pub fn fetched_by(&self) -> impl fmt::Display + use<> {
        Name::of(self)
    }
}

struct Moment(Timestamp, TimeStep);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let (day, time) = text.split_once('T').unwrap_or((&text, ""));
        match self.1 {
            TimeStep::Exact => write!(f, "at {} UTC on {day}", time.get(..5).unwrap_or(time)),
            TimeStep::Hour => write!(f, "in the hour from {} UTC on {day}", time.get(..5).unwrap_or(time)),
            TimeStep::Day => write!(f, "on {day} (UTC)"),
        }
    }
}

struct Name {
    fetcher: Fetcher,
    provider: Option<Provider>,
    is_office: bool,
}

impl Name {
    const fn of(open: &Open) -> Self {
        let is_office = open.evidence.contains(Evidence::UaOffice);
        Self { fetcher: open.fetcher, provider: open.provider, is_office }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fetcher, provider, is_office } = self;
        f.write_str(match fetcher {
            Fetcher::OutlookClient if *is_office => "an Office program",
            Fetcher::GmailProxy => "Gmail's proxy",
            Fetcher::YahooProxy => "Yahoo's proxy",
            Fetcher::AppleMpp => "Apple's privacy protection",
            Fetcher::OtherMailProxy => "a mail provider's proxy",
            Fetcher::OutlookClient => "Outlook",
            Fetcher::Thunderbird => "Thunderbird",
            Fetcher::AppleMailDirect => "Apple Mail",
            Fetcher::OtherMailClient => "a mail program",
            Fetcher::Browser => "a browser",
            Fetcher::SecurityScanner => "a security scanner",
            Fetcher::LinkPreviewBot => "a link preview",
            Fetcher::Crawler => "a crawler",
            Fetcher::HttpClient => "an HTTP library",
            Fetcher::Unknown => "unknown software",
        })?;
        match provider {
            Some(provider) if matches!(fetcher, Fetcher::OtherMailProxy | Fetcher::SecurityScanner) => {
                write!(f, " ({provider})")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::receipt::Tally;
    use crate::{Basis, OpenId, Ping, PingId, Status};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn summary(last_day: Option<Timestamp>, opens: &[Open]) -> Summary {
        let id = PingId::from_bytes([0; 16]);
        let ping = Ping::stored(id, "invoice-42".into(), Basis::Contract, Status::Live);
        let mut tally = Tally::new(Ping { last_day, ..ping }, time("2026-11-23T12:00:00Z"), Duration::ZERO);
        opens.iter().for_each(|open| tally.add(open));
        tally.finish()
    }

    fn open(at: &str, fetcher: Fetcher, verdict: Verdict) -> Open {
        Open::new(PingId::from_bytes([0; 16]), OpenId::from_bytes([0; 8]), time(at), fetcher, verdict)
    }

    #[test]
    fn the_latest_of_the_strongest_is_told() {
        let proxy = open("2026-11-23T10:02:30Z", Fetcher::GmailProxy, Verdict::Human);
        let mut later = open("2026-11-23T10:09:00Z", Fetcher::AppleMpp, Verdict::Machine);
        assert_eq!(
            summary(None, &[proxy, later.clone()]).to_string(),
            "Fetched by Gmail's proxy at 10:02 UTC on 2026-11-23, which happens when the message is displayed; place unknown."
        );
        later.time_step = TimeStep::Hour;
        assert_eq!(
            summary(None, &[later]).to_string(),
            "Fetched by Apple's privacy protection in the hour from 10:09 UTC on 2026-11-23, which happens without a \
             person; place unknown."
        );
    }

    #[test]
    fn a_place_is_named_where_it_is_kept_and_several_are_said() {
        let mut home = open("2026-11-23T10:02:30Z", Fetcher::Browser, Verdict::Human);
        home.country = "PT".parse().ok();
        home.city = "Lisbon".parse().ok();
        home.time_step = TimeStep::Day;
        let mut away = home.clone();
        away.city = "Porto".parse().ok();
        let text = summary(None, &[home, away]).to_string();
        assert!(text.contains("on 2026-11-23 (UTC)") && text.contains("place Porto, PT"), "{text}");
        assert!(text.ends_with("from several places, so perhaps forwarded."), "{text}");
    }

    #[test]
    fn what_stands_between_the_reader_and_us_is_named_in_plain_words() {
        let told = |verdict, evidence: &[Evidence]| {
            let mut open = open("2026-11-23T10:02:30Z", Fetcher::Browser, verdict);
            open.evidence.extend(evidence.iter().copied());
            summary(None, &[open]).to_string()
        };
        for (verdict, evidence, expected) in [
            (
                Verdict::Human,
                Evidence::NetWebGateway,
                "; through a company's web gateway: its place is not the reader's.",
            ),
            (Verdict::Human, Evidence::NetVpn, "; through a VPN or relay: its place is not the reader's."),
            (
                Verdict::Human,
                Evidence::NetPrivateRelay,
                "; through Apple's private relay: its place is not the reader's.",
            ),
            (Verdict::Machine, Evidence::NetPrivateRelay, "without a person; place unknown."),
            (
                Verdict::Uncertain,
                Evidence::NetHosting,
                "where scanners are as likely as people on a VPN or a remote desktop; place unknown.",
            ),
            (
                Verdict::Uncertain,
                Evidence::SeqAfterHead,
                "so that one is likelier than a person; place unknown.",
            ),
            (
                Verdict::Uncertain,
                Evidence::SeqSameAgent,
                "as a machine or too early for a person; place unknown.",
            ),
            (
                Verdict::Uncertain,
                Evidence::NetBurst,
                "so that a scanner is likelier than a person; place unknown.",
            ),
        ] {
            let text = told(verdict, &[evidence]);
            assert!(text.ends_with(expected), "{text}");
        }
        let both = told(Verdict::Human, &[Evidence::NetVpn, Evidence::NetPrivateRelay]);
        assert!(both.contains("Apple's private relay"), "{both}");
    }

    #[test]
    fn a_doubt_is_told_by_its_own_reason_and_a_hint_as_one() {
        let told = |fetcher, evidence: &[Evidence]| {
            let mut open = open("2026-11-23T10:02:30Z", fetcher, Verdict::Uncertain);
            open.evidence.extend(evidence.iter().copied());
            let text = summary(None, &[open]).to_string();
            text.split_once("which ").unwrap().1.to_owned()
        };
        let unknown = "may or may not mean that a person displayed the message; place unknown.";
        for evidence in [Evidence::NetHosting, Evidence::UaMailProxy] {
            assert_eq!(told(Fetcher::OtherMailProxy, &[evidence]), unknown);
        }
        assert_eq!(
            told(Fetcher::OtherMailProxy, &[Evidence::NetHosting, Evidence::TimeEarly]),
            "came so early that a machine is likelier than a person; place unknown."
        );
        for hint in [Evidence::NetPartial, Evidence::NetByAsn] {
            let text = told(Fetcher::Browser, &[Evidence::NetHosting, hint]);
            assert!(text.starts_with("perhaps came from a cloud"), "{text}");
            let text = told(Fetcher::Browser, &[Evidence::NetWebGateway, hint]);
            assert!(
                text.ends_with("perhaps through a company's web gateway: its place may not be the reader's.")
            );
        }
        let mut texts: Vec<_> =
            DOUBTS.iter().map(|(evidence, _)| told(Fetcher::Browser, &[*evidence])).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), DOUBTS.len());
        assert!(!texts.iter().any(|text| text == unknown));
    }

    #[test]
    fn an_office_program_is_not_called_outlook() {
        let mut word = open("2026-11-23T10:02:30Z", Fetcher::OutlookClient, Verdict::Uncertain);
        assert_eq!(word.fetched_by().to_string(), "Outlook");
        word.evidence.insert(Evidence::UaOffice);
        assert_eq!(word.fetched_by().to_string(), "an Office program");
        let text = summary(None, &[word]).to_string();
        assert!(text.starts_with("Fetched by an Office program at 10:02"), "{text}");
    }

    #[test]
    fn no_fetch_is_not_called_unread_and_a_day_is_only_a_day() {
        assert!(summary(None, &[]).to_string().contains("does not mean unread"));
        let day = summary(Some(time("2026-11-23T00:00:00Z")), &[]);
        assert_eq!(
            day.to_string(),
            "Last fetched on 2026-11-23 (UTC), which happens when the message is displayed."
        );
    }
}
