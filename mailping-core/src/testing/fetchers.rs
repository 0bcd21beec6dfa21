//! Runs a labelled corpus of fetches through a [`Classifier`] and counts what came out right.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::MaskedIp;
pub use crate::fetcher::classifier::Classified;
pub use crate::fetcher::rules::{Rule, rules};
pub use crate::fetcher::signals::FetchSignals;
pub use crate::fetcher::timing::SinceSent;
use crate::fetcher::{Classifier, Fetcher, Verdict};
use crate::mask::Mask;

/// A network somewhere in the Internet that no table knows. Rows without an address are run from
/// here a second time, only to see whether a place would be attributed.
const ELSEWHERE: &str = "9.9.9.0/24";
/// What an absent `since_sent_s` means.
const LATE: u64 = 7_200;

/// Masks an address given as text, which only tests may need: the library itself reads addresses
/// from requests alone.
#[must_use]
pub fn danger_masked(address: &str) -> Option<MaskedIp> {
    address.parse::<IpAddr>().ok().map(|address| Mask::default().apply(address))
}

/// What a classifier makes of one fetch, as the way of a hit asks it: a pure function.
#[must_use]
pub fn classify(
    classifier: &Classifier,
    signals: &FetchSignals<'_>,
    network: Option<MaskedIp>,
    since_sent: SinceSent,
) -> Classified {
    classifier.classify(signals, network, since_sent)
}

/// Why a corpus could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// A line is no JSON.
    #[error("line {line}: expected a JSON object")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A field is missing or has another type than the corpus' README says.
    #[error("line {line}: expected a valid `{field}`")]
    BadField {
        /// Counted from 1.
        line: usize,
        /// The field.
        field: &'static str,
    },
}

/// One row that did not come out as labelled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Miss {
    /// The row's `id`.
    pub id: String,
    /// What is wrong.
    pub what: &'static str,
    /// What was expected.
    pub expected: Fetcher,
    /// What came out.
    pub got: Classified,
}

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub hits: usize,
    /// Of how many.
    pub of: usize,
}

impl Count {
    fn add(&mut self, hit: bool) {
        self.of += 1;
        self.hits += usize::from(hit);
    }

    /// In per cent; `None` of none.
    #[must_use]
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 * 100.0 / self.of as f64)
    }

    fn at_least(self, percent: usize) -> bool {
        self.hits * 100 >= self.of * percent
    }

    fn at_most(self, percent: usize) -> bool {
        self.hits * 100 <= self.of * percent
    }
}

/// What came out of a corpus. Its `Display` is the confusion table, the scores and the misses.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// Rows by expected class and class that came out; a class in `also_ok` counts as the expected
    /// one.
    pub confusion: BTreeMap<(Fetcher, Fetcher), usize>,
    /// The class is right.
    pub fetcher_right: Count,
    /// Machines that came out as machines.
    pub machine_as_machine: Count,
    /// Machines that came out as people.
    pub machine_as_human: Count,
    /// People who came out as people.
    pub human_as_human: Count,
    /// People who came out as machines.
    pub human_as_machine: Count,
    /// Modern browsers that came out as machines.
    pub browser_as_machine: Count,
    /// Rows that nobody can tell of which certainty was claimed.
    pub unknown_as_certain: Count,
    /// Rows without the recipient's place to which one would be attributed.
    pub place_wrongly: Count,
    /// Rows with the recipient's place to which one would be attributed. No promise: a place may be
    /// left out.
    pub place_rightly: Count,
    /// What is wrong, row by row.
    pub misses: Vec<Miss>,
}

/// Runs `corpus`, one JSON object a line, in the form that `tests/corpus/README.md` describes.
///
/// # Errors
/// [`CorpusError`] names the first line that is not of that form.
pub fn run(classifier: &Classifier, corpus: &str) -> Result<Report, CorpusError> {
    let mut report = Report::default();
    let lines = corpus.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
    for (index, text) in lines {
        let line = index + 1;
        let row: Value =
            serde_json::from_str(text).map_err(|source| CorpusError::NotJson { line, source })?;
        let case = Case::read(&row).map_err(|field| CorpusError::BadField { line, field })?;
        report.add(&case, classifier);
    }
    Ok(report)
}

/// Judges one row of such a corpus.
///
/// # Errors
/// [`CorpusError`] when it is not of that form.
pub fn judge(classifier: &Classifier, row: &str) -> Result<Classified, CorpusError> {
    let row: Value = serde_json::from_str(row).map_err(|source| CorpusError::NotJson { line: 1, source })?;
    let case = Case::read(&row).map_err(|field| CorpusError::BadField { line: 1, field })?;
    Ok(classifier.classify(&case.signals, case.network, case.since_sent))
}

/// One row.
#[derive(Debug)]
struct Case<'a> {
    id: &'a str,
    signals: FetchSignals<'a>,
    network: Option<MaskedIp>,
    since_sent: SinceSent,
    fetcher: Fetcher,
    also_ok: Vec<Fetcher>,
    is_machine: Option<bool>,
    is_place: bool,
    is_browser: bool,
}

impl<'a> Case<'a> {
    fn read(row: &'a Value) -> Result<Self, &'static str> {
        let text = |field| row.get(field).and_then(Value::as_str);
        let expect = |field| row.get("expect").and_then(|expect| expect.get(field));
        let network = match text("ip") {
            Some(address) => Some(danger_masked(address).ok_or("ip")?),
            None => None,
        };
        let fetcher = expect("fetcher").and_then(Value::as_str).and_then(|name| name.parse().ok());
        let also_ok = row.get("also_ok").and_then(Value::as_array).into_iter().flatten();
        let also_ok = also_ok.map(|name| name.as_str().and_then(|name| name.parse().ok()).ok_or("also_ok"));
        let since_sent = row.get("since_sent_s").map_or(Some(LATE as i64), Value::as_i64);
        let since_sent = match since_sent.ok_or("since_sent_s")? {
            seconds @ 0.. => SinceSent::After(Duration::from_secs(seconds.unsigned_abs())),
            _ => SinceSent::Before,
        };
        Ok(Self {
            id: text("id").ok_or("id")?,
            signals: signals(row),
            network,
            since_sent,
            fetcher: fetcher.ok_or("expect.fetcher")?,
            also_ok: also_ok.collect::<Result<_, _>>()?,
            is_machine: expect("is_machine").ok_or("expect.is_machine")?.as_bool(),
            is_place: expect("location_is_recipient").and_then(Value::as_bool).unwrap_or(false),
            is_browser: text("group") == Some("browser"),
        })
    }
}

fn signals(row: &Value) -> FetchSignals<'_> {
    let mut signals = FetchSignals::new();
    if let Some(agent) = row.get("user_agent").and_then(Value::as_str) {
        signals = signals.user_agent(agent.as_bytes());
    }
    let headers = row.get("headers").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in headers.filter_map(|(name, value)| Some((name, value.as_str()?))) {
        signals = signals.header(name, value.as_bytes());
    }
    let head = row.get("method").and_then(Value::as_str) == Some("HEAD");
    if head { signals.head() } else { signals }
}

impl Report {
    fn add(&mut self, case: &Case<'_>, classifier: &Classifier) {
        let got = classifier.classify(&case.signals, case.network, case.since_sent);
        let elsewhere = case.network.or_else(|| ELSEWHERE.parse().ok());
        let placed = classifier.classify(&case.signals, elsewhere, case.since_sent).locatable;
        let mut miss = |wrong: bool, what| {
            if wrong {
                let (id, expected) = (case.id.to_owned(), case.fetcher);
                self.misses.push(Miss { id, what, expected, got });
            }
        };

        let is_right = got.fetcher == case.fetcher || case.also_ok.contains(&got.fetcher);
        let counted = if is_right { case.fetcher } else { got.fetcher };
        *self.confusion.entry((case.fetcher, counted)).or_default() += 1;
        self.fetcher_right.add(is_right);
        miss(!is_right, "class");

        let (is_human, is_machine) = (got.verdict == Verdict::Human, got.verdict == Verdict::Machine);
        match case.is_machine {
            Some(true) => {
                self.machine_as_human.add(is_human);
                self.machine_as_machine.add(is_machine);
                miss(!is_machine, "a machine");
            }
            Some(false) => {
                self.human_as_human.add(is_human);
                self.human_as_machine.add(is_machine);
                miss(!is_human, "a person");
            }
            None => {
                self.unknown_as_certain.add(is_human || is_machine);
                miss(is_human || is_machine, "nobody can tell");
            }
        }
        if case.is_browser {
            self.browser_as_machine.add(is_machine);
        }
        if case.is_place {
            self.place_rightly.add(placed);
        } else {
            self.place_wrongly.add(placed);
            miss(placed, "no place");
        }
    }

    /// The scores with what each must be, and whether it is.
    #[must_use]
    pub fn scores(&self) -> [(&'static str, Count, bool); 8] {
        let row = |text, count: Count, holds: fn(Count) -> bool| (text, count, holds(count));
        [
            row("class right, at least 98 %", self.fetcher_right, |count| count.at_least(98)),
            row("machines judged human, none", self.machine_as_human, |count| count.hits == 0),
            row("machines judged machine, at least 95 %", self.machine_as_machine, |count| {
                count.at_least(95)
            }),
            row("people judged human, at least 95 %", self.human_as_human, |count| count.at_least(95)),
            row("people judged machine, at most 1 %", self.human_as_machine, |count| count.at_most(1)),
            row("modern browsers judged machine, none", self.browser_as_machine, |count| count.hits == 0),
            row("undecidable judged certain, at most 3 %", self.unknown_as_certain, |count| count.at_most(3)),
            row("place attributed wrongly, none", self.place_wrongly, |count| count.hits == 0),
        ]
    }

    /// Does every score hold?
    #[must_use]
    pub fn holds(&self) -> bool {
        self.scores().iter().all(|(_, _, holds)| *holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rows: expected class; columns: what came out, by code")?;
        write!(f, "{:20}", "")?;
        for column in Fetcher::ALL {
            write!(f, "{:>5}", column.code())?;
        }
        writeln!(f)?;
        for row in Fetcher::ALL.iter().copied() {
            write!(f, "{:2} {row:17}", row.code())?;
            for column in Fetcher::ALL.iter().copied() {
                match self.confusion.get(&(row, column)) {
                    Some(count) => write!(f, "{count:>5}")?,
                    None => write!(f, "{:>5}", ".")?,
                }
            }
            writeln!(f)?;
        }
        for (text, Count { hits, of }, holds) in self.scores() {
            let percent = Count { hits, of }.percent().unwrap_or_default();
            let mark = if holds { "holds" } else { "FAILS" };
            writeln!(f, "{text:42} {hits:4} of {of:4} = {percent:5.1} %  {mark}")?;
        }
        for Miss { id, what, expected, got } in &self.misses {
            let (fetcher, verdict, evidence) = (got.fetcher, got.verdict, got.evidence);
            writeln!(f, "miss {id}: {what}: expected {expected}, got {fetcher}, {verdict} ({evidence})")?;
        }
        Ok(())
    }
}
