//! What a receipt shows of its message: the part of the page that follows what happens.

use std::time::Duration;

use askama::Template;
use mailping_core::Receipt;
use mailping_core::fetcher::{Evidence, EvidenceSet};
use mailping_core::receipts::Open;

use super::groups::{Group, group};
use super::headline::{Headline, place};
use super::moment::{Moment, now, span};
use super::places::Places;
use super::steps::{Step, steps};
use super::words::{Badge, count, program, why};
use crate::prefix::Prefix;
use crate::source::Source;
use crate::why::Finding;

#[derive(Template)]
#[template(path = "shown.html")]
pub(crate) struct Shown {
    prefix: Prefix,
    id: String,
    pub(crate) reference: String,
    state: Badge,
    status: Option<Badge>,
    headline: Headline,
    steps: Vec<Step>,
    /// The numbers of the timeline's events.
    counts: Vec<(&'static str, u64)>,
    places: Option<Places>,
    pub(crate) events: Vec<Event>,
    findings: Vec<Finding>,
    older: Option<String>,
    total: String,
}

/// One load of the picture, or some that belong together.
pub(crate) struct Event {
    badge: Badge,
    program: String,
    /// `, 7 times in 2 s`
    times: String,
    at: Moment,
    /// `Linköping, Sweden`
    places: String,
    why: &'static str,
    evidence: Vec<Evidence>,
    networks: Vec<String>,
    /// By which a script finds it again.
    key: String,
}

impl Event {
    fn new(group: &Group, now: mailping_core::Timestamp) -> Self {
        let (first, last) = (&group.first, group.last());
        let times = match group.len() {
            1 => String::new(),
            // Steps of an hour or a day begin at the same time.
            number if first.at == last.at => format!(", {number} times"),
            number => format!(", {number} times in {}", span(first.at, last.at)),
        };
        let evidence = group.opens().fold(EvidenceSet::EMPTY, |all, open| all.union(open.evidence));
        Self {
            badge: Badge::of_open(first),
            program: program(first),
            times,
            at: Moment::new(last.time(), now),
            places: each_once(group, place).join("; "),
            why: why(first),
            evidence: evidence.iter().collect(),
            networks: each_once(group, |open| open.network.map(|network| network.to_string())),
            key: first.id.to_string(),
        }
    }
}

fn each_once(group: &Group, text: impl Fn(&Open) -> Option<String>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for text in group.opens().filter_map(text) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

impl Shown {
    /// A receipt whose opens come from the newest.
    pub(crate) fn new(
        receipt: &Receipt,
        prefix: &Prefix,
        findings: Vec<Finding>,
        source: Option<Source>,
        repeat_window: Duration,
    ) -> Self {
        let (summary, now) = (&receipt.summary, now());
        let mut opens: Vec<&Open> = receipt.opens.iter().collect();
        opens.sort_by_key(|open| (open.at, open.id));
        let groups = group(opens, repeat_window);
        let places = Places::of(groups.iter().map(|group| &group.first), source);
        let loads = count(summary.fetches, "load", "loads");
        let total = match &receipt.next {
            Some(_) => format!("{} of {loads} of its picture, the latest first", receipt.opens.len()),
            None if receipt.opens.len() > groups.len() => {
                format!("{loads} of its picture, the latest first; repeats stand together")
            }
            None => format!("{loads} of its picture, the latest first"),
        };
        Self {
            prefix: prefix.clone(),
            id: summary.ping.id.to_string(),
            reference: summary.ping.reference.clone(),
            state: Badge::of(summary),
            status: Badge::of_status(summary.ping.status),
            headline: Headline::of(summary, now),
            steps: steps(summary, now),
            counts: vec![
                ("by a person", summary.human_opens),
                ("unclear", summary.uncertain_fetches),
                ("by machines", summary.machine_fetches),
            ],
            places,
            events: groups.iter().rev().map(|group| Event::new(group, now)).collect(),
            findings,
            older: receipt.next.map(|cursor| cursor.to_string()),
            total,
        }
    }
}
