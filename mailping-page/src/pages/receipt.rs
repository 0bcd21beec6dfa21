//! One ping: its receipt, which follows what happens, its pixel, and what can be done with it.

use askama::Template;
use http::StatusCode;
use mailping_core::fetcher::Evidence;
use mailping_core::receipts::{Open, OpenCursor, OpenQuery};
use mailping_core::{Basis, Detail, PingId, Receipt, Timestamp};

use super::frame::{Frame, html};
use super::shown::{Badge, count, when};
use super::{failed, field, no_such_ping};
use crate::access::{Grant, Scope};
use crate::answer::{Answer, Body};
use crate::live;
use crate::page::Page;
use crate::prefix::Prefix;
use crate::visit::Visit;
use crate::why::Finding;

/// How many fetches a page shows.
const PAGE: usize = 50;
/// The most fetches of an export.
const MOST_EXPORTED: usize = 100_000;

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage {
    frame: Frame,
    shown: Shown,
    pixel: Option<Pixel>,
    opt_out_url: String,
    /// The first page, which is the one that is live.
    live: bool,
    facts: Vec<(&'static str, String)>,
    can_withdraw: bool,
}

/// The part of the page that follows what happens.
#[derive(Template)]
#[template(path = "shown.html")]
struct Shown {
    prefix: Prefix,
    id: String,
    reference: String,
    state: Badge,
    status: Option<Badge>,
    sentence: String,
    counts: Vec<(&'static str, String)>,
    fetches: Vec<Fetch>,
    findings: Vec<Finding>,
    older: Option<String>,
    total: String,
}

struct Pixel {
    url: String,
    tag: String,
}

/// One fetch.
struct Fetch {
    verdict: Badge,
    at: String,
    machine_time: String,
    by: String,
    place: String,
    network: Option<String>,
    evidence: Vec<Evidence>,
}

impl Fetch {
    fn new(open: &Open) -> Self {
        Self {
            verdict: Badge::of_verdict(open.verdict),
            at: when(open.time()),
            machine_time: open.time().to_string(),
            by: open.fetched_by().to_string(),
            place: open.place().map_or_else(|| "unknown".to_owned(), |place| place.to_string()),
            network: open.network.map(|network| network.to_string()),
            evidence: open.evidence.iter().collect(),
        }
    }
}

impl Shown {
    fn new(receipt: &Receipt, page: &Page, scope: &Scope) -> Self {
        let summary = &receipt.summary;
        let nothing = summary.fetches == 0 && summary.last_human_open.is_none();
        let findings = if nothing {
            // What the counters say concerns all owners.
            let health = (*scope == Scope::All).then(|| page.tracker.intake().health());
            page.setup.findings_for(summary, health.as_ref())
        } else {
            Vec::new()
        };
        let time = |at: Option<_>| at.map_or_else(|| "\u{2013}".to_owned(), when);
        Self {
            prefix: page.prefix.clone(),
            id: summary.ping.id.to_string(),
            reference: summary.ping.reference.clone(),
            state: Badge::of_state(summary.state),
            status: Badge::of_status(summary.ping.status),
            sentence: summary.to_string(),
            counts: vec![
                ("Displays by a person", summary.human_opens.to_string()),
                ("Uncertain", summary.uncertain_fetches.to_string()),
                ("By machines", summary.machine_fetches.to_string()),
                ("First display", time(summary.first_human_open)),
                ("Last display", time(summary.last_human_open)),
            ],
            fetches: receipt.opens.iter().map(Fetch::new).collect(),
            findings,
            older: receipt.next.map(|cursor| cursor.to_string()),
            total: count(summary.fetches, "fetch", "fetches"),
        }
    }
}

async fn read(
    visit: &Visit<'_>,
    id: PingId,
    before: Option<OpenCursor>,
    limit: usize,
) -> Result<Receipt, Answer> {
    let query = OpenQuery::newest(id, limit).after(before);
    let receipt = visit.tracker().receipts().page(&query).await.map_err(|error| failed(visit, &error))?;
    let receipt = receipt.filter(|receipt| visit.scope.holds(receipt.summary.ping.owner.as_deref()));
    receipt.ok_or_else(|| no_such_ping(visit))
}

pub(crate) async fn answer(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let pings = visit.tracker().pings();
    let before = field(visit.call.query().as_bytes(), "before").and_then(|cursor| cursor.parse().ok());
    let receipt = read(visit, id, before, PAGE).await?;
    let prepared = pings.get(id).await.map_err(|error| failed(visit, &error))?;
    let prepared = prepared.ok_or_else(|| no_such_ping(visit))?;
    let tag = prepared.img_tag();
    let receipt_page = ReceiptPage {
        frame: Frame::new(visit),
        shown: Shown::new(&receipt, visit.page, &visit.scope),
        pixel: prepared.pixel_url().map(|url| Pixel { url: url.to_owned(), tag }),
        opt_out_url: prepared.opt_out_url().to_owned(),
        live: before.is_none(),
        facts: facts(&receipt, pings.ceiling()),
        can_withdraw: prepared.status() == mailping_core::pings::Status::Live,
    };
    Ok(html(StatusCode::OK, &receipt_page))
}

fn facts(receipt: &Receipt, ceiling: Detail) -> Vec<(&'static str, String)> {
    let ping = &receipt.summary.ping;
    let exact = |time: Timestamp| when(time.into());
    let basis = match &ping.basis {
        Basis::LegitimateInterest { reason } => format!("legitimate interest: {reason}"),
        Basis::Consent { given_at, .. } => format!("consent, given {}", exact(*given_at)),
        Basis::Contract => "contract".to_owned(),
        Basis::LegalObligation => "legal obligation".to_owned(),
        _ => "unknown".to_owned(),
    };
    let mut facts = vec![
        ("Owner", ping.owner.clone().unwrap_or_else(|| "\u{2013}".to_owned())),
        ("Sent", exact(ping.sent_at)),
        ("Basis", basis),
        ("Detail kept", ping.detail.min(ceiling).to_string().replace('_', " ")),
    ];
    facts.extend(ping.kind.map(|kind| ("Kind", kind.to_string())));
    facts.push(("Recorded until", exact(ping.record_until)));
    facts.push(("Kept until", exact(ping.keep_until)));
    facts
}

/// What a live page shows.
struct LiveReceipt {
    id: PingId,
    page: Page,
    grant: Grant,
    scope: Scope,
}

impl live::Source for LiveReceipt {
    fn concerns(&self, pings: &[PingId]) -> bool {
        pings.contains(&self.id)
    }

    async fn render(&self) -> Option<String> {
        if !self.page.access.still_grants(&self.grant) {
            return None;
        }
        let receipt = self.page.tracker.receipts().page(&OpenQuery::newest(self.id, PAGE)).await.ok()??;
        Shown::new(&receipt, &self.page, &self.scope).render().ok()
    }
}

/// The part that follows what happens, as server-sent events.
pub(crate) async fn live(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    // Begun before the first reading, so that nothing falls between.
    let events = visit.tracker().receipts().events().await.ok();
    read(visit, id, None, 1).await?;
    let Some(place) = visit.page.streams.take() else {
        let message = "too many pages are live; this one can be reloaded";
        let answer = Answer::error(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", None, message);
        return Err(answer.with("retry-after", "60"));
    };
    let source =
        LiveReceipt { id, page: visit.page.clone(), grant: visit.grant.clone(), scope: visit.scope.clone() };
    let mut answer = Answer::new(StatusCode::OK, "text/event-stream", "").with("x-accel-buffering", "no");
    answer.body = Body::Live(visit.page.streams.start(source, events, place));
    Ok(answer)
}

/// The receipt with all its fetches, as a file.
pub(crate) async fn export(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let receipt = read(visit, id, None, MOST_EXPORTED).await?;
    let disposition = format!("attachment; filename=\"receipt-{id}.json\"");
    Ok(Answer::json(StatusCode::OK, &receipt).with("content-disposition", disposition))
}

#[derive(Template)]
#[template(path = "erase.html")]
struct ErasePage {
    frame: Frame,
    id: PingId,
    reference: String,
    total: String,
}

pub(crate) async fn ask_to_erase(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let frame = Frame::new(visit);
    let summary = read(visit, id, None, 1).await?.summary;
    let total = count(summary.fetches, "recorded fetch", "recorded fetches");
    Ok(html(StatusCode::OK, &ErasePage { frame, id, reference: summary.ping.reference, total }))
}

pub(crate) async fn erase(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let erased = visit.holds(id).await.map_err(|error| failed(visit, &error))?
        && visit.tracker().people().erase(id).await.map_err(|error| failed(visit, &error))?.is_some();
    if !erased {
        return Err(no_such_ping(visit));
    }
    visit.page.erasures.tell(Some(id)).await;
    Ok(Answer::to(&visit.page.prefix, "/"))
}

pub(crate) async fn withdraw(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let withdrawn = visit.holds(id).await.map_err(|error| failed(visit, &error))?
        && visit.tracker().pings().withdraw(id).await.map_err(|error| failed(visit, &error))?;
    if !withdrawn {
        return Err(no_such_ping(visit));
    }
    Ok(Answer::to(&visit.page.prefix, &format!("/pings/{id}")))
}
