//! Runs stories through a tracker: what comes in for one message, in order, and what a careful
//! person concludes from it.
//!
//! The tracker's clock is set to each hit's time, so that the way of a hit can be a call or a
//! request over HTTP.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use serde_json::Value;

use super::fetchers::CorpusError;
use crate::fetcher::{Classifier, Evidence, Verdict};
use crate::geo::GeoResolver;
use crate::smtp_reply::SmtpReply;
use crate::{
    Basis, ClientIp, Detail, Keyring, MemoryStore, NewPing, Open, PreparedPing, Receipt, Timestamp, Tracker,
};

/// One request for a pixel, to be sent to the tracker.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetch {
    /// `GET`, or `HEAD`: then [`Intake::note_head`](crate::intake::Intake::note_head) must hear of
    /// it.
    pub method: String,
    /// The path of the pixel.
    pub path: String,
    /// Names in lower case and values. The client stands in `x-forwarded-for`: the peer must be
    /// 127.0.0.1.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetch([redacted])")
    }
}

/// What came out of the stories.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many stories were scored; those of low confidence are not.
    pub scored: usize,
    /// What is wrong, story by story.
    pub misses: Vec<String>,
}

/// Runs the stories of `corpus`, one JSON object a line, in the form that `tests/corpus/README.md`
/// describes. Each gets a tracker of its own with `geo`, which should know every address; `start`
/// makes something of it that `fetch` sends requests to and that returns once they are answered.
///
/// # Errors
/// [`CorpusError`] names the first line that is not of that form.
///
/// # Panics
/// If a tracker cannot be built.
#[allow(clippy::expect_used, reason = "what cannot be set up ends the test")]
pub fn run<Server>(
    corpus: &str,
    geo: &Arc<dyn GeoResolver>,
    start: impl Fn(Tracker) -> Server,
    fetch: impl Fn(&Server, &Fetch),
) -> Result<Report, CorpusError> {
    let mut report = Report::default();
    let lines = corpus.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
    for (index, text) in lines {
        let line = index + 1;
        let story: Value =
            serde_json::from_str(text).map_err(|source| CorpusError::NotJson { line, source })?;
        let bad = |field| CorpusError::BadField { line, field };
        let id = story.get("id").and_then(Value::as_str).ok_or(bad("id"))?;
        let hits = story.get("hits").and_then(Value::as_array).ok_or(bad("hits"))?;
        let expect = story.get("expect").ok_or(bad("expect"))?;
        if story.get("confidence").and_then(Value::as_str) == Some("low") {
            continue;
        }
        let fixture = Fixture::new(&story, geo);
        let server = start(fixture.tracker.clone());
        let opens = fixture.play(&story, hits, |request| fetch(&server, request)).map_err(bad)?;
        let receipt = pollster::block_on(fixture.tracker.receipts().get(fixture.ping.id()));
        let receipt = receipt.expect("a memory store answers").expect("the ping is there");
        report.scored += 1;
        report.misses.extend(differences(expect, &receipt, &opens).map(|what| format!("{id}: {what}")));
        drop(server);
    }
    Ok(report)
}

/// A tracker whose clock stands where a story says.
struct Fixture {
    clock: Arc<AtomicI64>,
    tracker: Tracker,
    ping: PreparedPing,
}

/// When every message was sent.
const SENT: &str = "2026-11-23T10:00:00Z";

impl Fixture {
    #[allow(clippy::expect_used, reason = "what cannot be set up ends the test")]
    fn new(story: &Value, geo: &Arc<dyn GeoResolver>) -> Self {
        let sent: Timestamp = SENT.parse().expect("a time");
        let clock = Arc::new(AtomicI64::new(sent.unix_millis()));
        let own = story.get("own_networks").and_then(Value::as_array).into_iter().flatten();
        let own = own.filter_map(|network| network.as_str()?.parse().ok());
        let now = Arc::clone(&clock);
        let now = move || SystemTime::from(Timestamp::from_unix_millis(now.load(Ordering::SeqCst)));
        let builder = Tracker::builder(Keyring::generate().expect("random bytes"), MemoryStore::new())
            .base_url("http://app.example/px")
            .expect("a URL")
            .clock(now)
            .shared_geo(Arc::clone(geo))
            .classifier(Classifier::default().own_networks(own))
            .client_ip(ClientIp::x_forwarded_for("127.0.0.0/8").expect("a network"))
            .ceiling(Detail::Network);
        let tracker = pollster::block_on(builder.build()).expect("a tracker");
        let ping = message(&tracker);
        Self { clock, tracker, ping }
    }

    /// Sends all hits. What each left, if it left anything; or the field that a hit lacks.
    fn play(
        &self,
        story: &Value,
        hits: &[Value],
        fetch: impl Fn(&Fetch),
    ) -> Result<Vec<Option<Open>>, &'static str> {
        let burst = |side| {
            let number = story.get("burst").and_then(|burst| burst.get(side)).and_then(Value::as_u64);
            number.unwrap_or(0)
        };
        let sent = self.clock.load(Ordering::SeqCst);
        let seconds = |value: &Value| value.get("at_s").and_then(Value::as_i64);
        let answers = story.get("answers").and_then(Value::as_array).into_iter().flatten();
        let mut answers = answers.peekable();
        let mut opens: Vec<Option<Open>> = Vec::new();
        for (index, hit) in hits.iter().enumerate() {
            let at = hit.get("at_s").and_then(Value::as_i64).ok_or("at_s")?;
            while let Some(answer) = answers.next_if(|answer| seconds(answer) <= Some(at)) {
                let told = seconds(answer).ok_or("answers")?;
                self.clock.store(sent + told * 1_000, Ordering::SeqCst);
                self.answered(answer).ok_or("answers")?;
            }
            self.clock.store(sent + at * 1_000, Ordering::SeqCst);
            // The same network fetches other messages' pixels just before and just after.
            let others = |number| {
                (0..number).try_for_each(|_| {
                    fetch(&request(hit, &message(&self.tracker))?);
                    Some(())
                })
            };
            if index == 0 {
                others(burst("before")).ok_or("ip")?;
            }
            fetch(&request(hit, &self.ping).ok_or("ip")?);
            if index == 0 {
                others(burst("after")).ok_or("ip")?;
            }
            let kept = opens.iter().flatten().count();
            opens.push(self.opens().into_iter().nth(kept));
        }
        Ok(opens)
    }

    /// Hands on what the recipient's mail server answered; `None` if it is no answer.
    fn answered(&self, answer: &Value) -> Option<()> {
        let code = answer.get("code").and_then(Value::as_u64)?;
        let reply = SmtpReply::new(u16::try_from(code).ok()?, "")?;
        pollster::block_on(self.tracker.pings().handed_over(self.ping.id(), reply)).ok().map(drop)
    }

    fn opens(&self) -> Vec<Open> {
        let receipt = pollster::block_on(self.tracker.receipts().get(self.ping.id())).ok().flatten();
        receipt.map(|receipt| receipt.opens).unwrap_or_default()
    }
}

#[allow(clippy::expect_used, reason = "what cannot be set up ends the test")]
fn message(tracker: &Tracker) -> PreparedPing {
    let sent: Timestamp = SENT.parse().expect("a time");
    let new = NewPing::one_to_one("story", Basis::Contract).sent_at(SystemTime::from(sent));
    pollster::block_on(tracker.pings().create(new.detail(Detail::Network))).expect("a ping")
}

/// The request of a hit; `None` if it has no address.
fn request(hit: &Value, ping: &PreparedPing) -> Option<Fetch> {
    let text = |field| hit.get(field).and_then(Value::as_str);
    let mut headers = vec![("x-forwarded-for".to_owned(), text("ip")?.to_owned())];
    headers.extend(text("user_agent").map(|agent| ("user-agent".to_owned(), agent.to_owned())));
    let more = hit.get("headers").and_then(Value::as_object).into_iter().flatten();
    headers.extend(
        more.filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned()))),
    );
    let path = ping.pixel_url()?.strip_prefix("http://app.example")?.to_owned();
    Some(Fetch { method: text("method").unwrap_or("GET").to_owned(), path, headers })
}

/// What differs from what a careful person concludes.
fn differences(expect: &Value, receipt: &Receipt, opens: &[Option<Open>]) -> impl Iterator<Item = String> {
    let summary = &receipt.summary;
    let mut found = Vec::new();
    let mut check = |name: &str, got: Value, expected: Option<&Value>| {
        if let Some(expected) = expected.filter(|expected| **expected != got) {
            found.push(format!("{name}: got {got}, expected {expected}"));
        }
    };
    let also = expect.get("also_ok_state").and_then(Value::as_array).into_iter().flatten();
    let state = Value::from(summary.state.as_str());
    if !also.into_iter().any(|also| *also == state) {
        check("state", state, expect.get("state"));
    }
    // The sender's own look is a person's, but not the reader's.
    let is_human = |open: &Option<Open>| {
        let counts =
            |open: &Open| open.verdict == Verdict::Human && !open.evidence.contains(Evidence::NetOwn);
        open.as_ref().is_some_and(counts)
    };
    check("first_human", opens.iter().position(is_human).into(), expect.get("first_human"));
    let has_place = |open: &Option<Open>| open.as_ref().is_some_and(|open| open.country.is_some());
    let placed = opens.iter().enumerate().filter(|(_, open)| has_place(open)).map(|(index, _)| index);
    check("places", placed.collect(), expect.get("places"));
    check("human_opens", summary.human_opens.into(), expect.get("human_opens"));
    check("delivery", summary.delivery.as_str().into(), expect.get("delivery"));
    check("several_places", summary.several_places.into(), expect.get("several_places"));
    found.into_iter()
}
