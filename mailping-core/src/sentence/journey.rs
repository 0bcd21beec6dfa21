//! A receipt in one sentence if more is known of the message than its fetches: what mail servers
//! told, whether it was displayed, and whether receipt is confirmed, in the order of its way.

use std::fmt;

use super::{Moment, Name, meaning, whereabouts};
use crate::fetcher::{Fetcher, Verdict};
use crate::milestone::{Milestone, MilestoneKind};
use crate::receipt::{State, Summary};
use crate::{StepTime, TimeStep};

/// Writes the parts of the sentence, and a day only where it differs from the one named before.
struct Parts<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    is_begun: bool,
    day: Option<String>,
}

pub(super) fn write(summary: &Summary, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut parts = Parts { f, is_begun: false, day: None };
    for milestone in &summary.milestones {
        // Those before the most that is known are of interest no more, but that a server took it.
        let is_past = milestone.kind != summary.delivery && milestone.kind != MilestoneKind::Accepted;
        if milestone.kind <= summary.delivery && !is_past {
            parts.told(milestone)?;
        }
    }
    parts.displayed(summary)?;
    for milestone in summary.milestones.iter().filter(|one| one.kind == MilestoneKind::Confirmed) {
        parts.begin(match milestone.verdict {
            Some(Verdict::Human) => "receipt confirmed by the recipient ",
            _ => "receipt confirmed, by the recipient or a program, ",
        })?;
        parts.moment(milestone.time())?;
    }
    f.write_str(".")
}

impl Parts<'_, '_> {
    fn begin(&mut self, text: &str) -> fmt::Result {
        if self.is_begun {
            self.f.write_str("; ")?;
            return self.f.write_str(text);
        }
        self.is_begun = true;
        let mut letters = text.chars();
        letters
            .next()
            .map_or(Ok(()), |first| write!(self.f, "{}{}", first.to_ascii_uppercase(), letters.as_str()))
    }

    fn told(&mut self, milestone: &Milestone) -> fmt::Result {
        self.begin(match milestone.kind {
            MilestoneKind::Deferred => "deferred by the recipient's mail server ",
            MilestoneKind::Refused => "refused by the recipient's mail server ",
            MilestoneKind::Accepted => "accepted by the recipient's mail server ",
            MilestoneKind::Delayed => "reported as delayed ",
            MilestoneKind::Failed => "reported as undeliverable ",
            MilestoneKind::Delivered => "reported as delivered ",
            MilestoneKind::Confirmed | MilestoneKind::Unknown => return Ok(()),
        })?;
        self.moment(milestone.time())?;
        match milestone.status_code.filter(|status| status.class() != 2) {
            Some(status) => write!(self.f, " ({status})"),
            None => Ok(()),
        }
    }

    fn displayed(&mut self, summary: &Summary) -> fmt::Result {
        match (&summary.telling, summary.state, summary.last_human_open) {
            (Some(open), ..) if open.verdict == Verdict::Human => {
                self.begin("displayed in ")?;
                write!(self.f, "{} ", App(Name::of(open)))?;
                self.moment(open.time())?;
                if let Some(place) = whereabouts(open) {
                    write!(self.f, ", {place}")?;
                }
            }
            (Some(open), ..) => {
                self.begin("fetched by ")?;
                write!(self.f, "{} ", Name::of(open))?;
                self.moment(open.time())?;
                write!(self.f, ", which {}", meaning(open))?;
                if let Some(place) = whereabouts(open) {
                    write!(self.f, "; {place}")?;
                }
            }
            (None, State::Opened, Some(day)) => {
                self.begin("last displayed ")?;
                self.moment(day)?;
            }
            _ if summary.fetches > 0 => self.begin("fetched from the sender's own network only")?,
            _ if summary.unreadable > 0 => self.begin("fetched, and nothing more is known")?,
            _ if matches!(summary.delivery, MilestoneKind::Refused | MilestoneKind::Failed) => {
                self.begin("not fetched")?;
            }
            _ => self.begin("not fetched, which does not mean unread: many readers block images")?,
        }
        if summary.several_places {
            self.begin("fetched from several places, so perhaps forwarded")?;
        }
        Ok(())
    }

    fn moment(&mut self, time: StepTime) -> fmt::Result {
        let text = time.start().to_string();
        let (day, clock) = text.split_once('T').unwrap_or((&text, ""));
        if time.step() == TimeStep::Exact && self.day.as_deref() == Some(day) {
            return write!(self.f, "at {} UTC", clock.get(..5).unwrap_or(clock));
        }
        write!(self.f, "{}", Moment(time.start(), time.step()))?;
        self.day = Some(day.to_owned());
        Ok(())
    }
}

/// Where a message was displayed, as its reader would call it.
struct App(Name);

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.fetcher {
            Fetcher::GmailProxy => f.write_str("Gmail"),
            Fetcher::YahooProxy => f.write_str("Yahoo Mail"),
            Fetcher::AppleMpp => f.write_str("Apple Mail"),
            Fetcher::OtherMailProxy => f.write_str("a mail provider's webmail or app"),
            _ => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::fetcher::Evidence;
    use crate::receipt::Tally;
    use crate::smtp_reply::SmtpReply;
    use crate::{Basis, Open, OpenId, Ping, PingId, Status, Timestamp};

    use super::*;

    fn time(text: &str) -> Timestamp {
        format!("2026-11-{text}:00Z").parse().unwrap()
    }

    fn ping() -> PingId {
        PingId::from_bytes([7; 16])
    }

    fn told(kind: MilestoneKind, at: &str, status: &str) -> Milestone {
        let mut milestone = Milestone::new(ping(), kind, time(at));
        milestone.status_code = status.parse().ok();
        milestone.verdict = (kind == MilestoneKind::Confirmed).then_some(Verdict::Human);
        milestone
    }

    fn says(milestones: &[Milestone], opens: &[Open]) -> String {
        let mut ping = Ping::stored(ping(), "x".to_owned(), Basis::Contract, Status::Live);
        ping.milestones = milestones.to_vec();
        let mut tally = Tally::new(ping, time("23T12:00"), Duration::ZERO);
        opens.iter().for_each(|open| tally.add(open));
        tally.finish().to_string()
    }

    fn open(fetcher: Fetcher, verdict: Verdict, at: &str) -> Open {
        Open::new(ping(), OpenId::from_bytes([1; 8]), time(at), fetcher, verdict)
    }

    #[test]
    fn a_message_on_its_way_is_told_in_one_sentence() {
        use MilestoneKind::*;
        let accepted = told(Accepted, "23T10:02", "2.0.0");
        let confirmed = told(Confirmed, "23T10:41", "");
        let gmail = open(Fetcher::GmailProxy, Verdict::Human, "23T10:40");
        assert_eq!(
            says(&[confirmed, accepted], &[gmail]),
            "Accepted by the recipient's mail server at 10:02 UTC on 2026-11-23; displayed in Gmail at 10:40 UTC; \
             receipt confirmed by the recipient at 10:41 UTC."
        );
        assert_eq!(
            says(&[accepted, confirmed], &[]),
            "Accepted by the recipient's mail server at 10:02 UTC on 2026-11-23; not fetched, which does not mean unread: \
             many readers block images; receipt confirmed by the recipient at 10:41 UTC."
        );
        let refused = told(Refused, "23T10:02", "5.1.1");
        assert_eq!(
            says(&[refused], &[]),
            "Refused by the recipient's mail server at 10:02 UTC on 2026-11-23 (5.1.1); not fetched."
        );
        let deferred = told(Deferred, "23T10:00", "4.7.1");
        assert_eq!(
            says(&[deferred], &[]),
            "Deferred by the recipient's mail server at 10:00 UTC on 2026-11-23 (4.7.1); not fetched, which does not mean \
             unread: many readers block images."
        );
        let failed = told(Failed, "25T08:00", "5.2.2");
        assert_eq!(
            says(&[deferred, accepted, told(Delayed, "24T09:00", "4.4.1"), failed], &[]),
            "Accepted by the recipient's mail server at 10:02 UTC on 2026-11-23; reported as undeliverable at 08:00 UTC on \
             2026-11-25 (5.2.2); not fetched."
        );
        let mut program = confirmed;
        program.verdict = Some(Verdict::Uncertain);
        (program.time_step, program.at) = (TimeStep::Day, time("24T00:00"));
        assert_eq!(
            says(&[program], &[open(Fetcher::SecurityScanner, Verdict::Machine, "23T10:40")]),
            "Fetched by a security scanner at 10:40 UTC on 2026-11-23, which happens without a person; receipt confirmed, by \
             the recipient or a program, on 2026-11-24 (UTC)."
        );
    }

    #[test]
    fn what_stands_between_is_told_of_a_message_on_its_way_too() {
        let after = |verdict, evidence: &[Evidence]| {
            let mut open = open(Fetcher::Browser, verdict, "23T12:00");
            open.evidence.extend(evidence.iter().copied());
            let text = says(&[told(MilestoneKind::Accepted, "23T10:02", "2.0.0")], &[open]);
            text.split_once("; ").unwrap().1.to_owned()
        };
        assert_eq!(after(Verdict::Human, &[]), "displayed in a browser at 12:00 UTC.");
        assert_eq!(
            after(Verdict::Human, &[Evidence::NetWebGateway]),
            "displayed in a browser at 12:00 UTC, through a company's web gateway: its place is not the reader's."
        );
        assert_eq!(
            after(Verdict::Uncertain, &[Evidence::NetVpn, Evidence::TimeEarly]),
            "fetched by a browser at 12:00 UTC, which came so early that a machine is likelier than a person; through a \
             VPN or relay: its place is not the reader's."
        );
        assert_eq!(
            after(Verdict::Human, &[Evidence::NetPrivateRelay, Evidence::NetPartial]),
            "displayed in a browser at 12:00 UTC, perhaps through Apple's private relay: its place may not be the reader's."
        );
        assert_eq!(
            after(Verdict::Machine, &[Evidence::NetVpn]),
            "fetched by a browser at 12:00 UTC, which happens without a person."
        );
    }

    #[test]
    fn a_late_delay_takes_nothing_from_what_is_final() {
        use MilestoneKind::*;
        for (kinds, most) in [
            (vec![], Unknown),
            (vec![Confirmed], Unknown),
            (vec![Accepted, Deferred], Accepted),
            (vec![Deferred, Refused], Refused),
            (vec![Refused, Accepted], Accepted),
            (vec![Delivered, Delayed], Delivered),
            (vec![Failed, Delayed, Accepted], Failed),
            (vec![Failed, Delivered, Confirmed], Delivered),
        ] {
            let mut ping = Ping::stored(ping(), "x".to_owned(), Basis::Contract, Status::Live);
            ping.milestones = kinds.iter().map(|kind| told(*kind, "23T10:00", "")).collect();
            let summary = Tally::new(ping, time("23T12:00"), Duration::ZERO).finish();
            assert_eq!(summary.delivery, most, "{kinds:?}");
            assert_eq!(summary.confirmed_at.is_some(), kinds.contains(&Confirmed));
        }
        assert_eq!(SmtpReply::new(250, "").map(SmtpReply::outcome), Some(Accepted));
    }
}
