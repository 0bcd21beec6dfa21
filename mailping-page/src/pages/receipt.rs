//! One message: its receipt, which follows what happens, its pixel, and what can be done with it.

use askama::Template;
use http::StatusCode;
use mailping_core::receipts::{OpenCursor, OpenQuery};
use mailping_core::{Basis, Detail, PingId, Receipt, Timestamp};

use super::frame::{Frame, html, problem};
use super::moment::{Moment, now};
use super::shown::Shown;
use super::words::count;
use super::{failed, field, no_such_ping};
use crate::access::{Grant, Scope};
use crate::answer::{Answer, Body};
use crate::certified as file;
use crate::live;
use crate::page::Page;
use crate::visit::Visit;

/// How many loads a page shows.
const PAGE: usize = 200;
/// The most loads of an export.
const MAX_EXPORTED: usize = 100_000;

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage {
    frame: Frame,
    id: PingId,
    shown: Shown,
    pixel: Option<Pixel>,
    opt_out_url: String,
    key_header: Option<String>,
    /// The first page, which is the one that is live.
    live: bool,
    facts: Vec<(&'static str, Fact)>,
    can_withdraw: bool,
    /// Whether certified receipts can be had.
    seals: bool,
}

struct Pixel {
    url: String,
    tag: String,
    /// A line for a shell that loads it as a reader's browser does.
    try_it: String,
}

/// A text or a time.
enum Fact {
    Text(String),
    Time(Moment),
}

impl Pixel {
    fn new(url: &str, tag: String, sent_at: Timestamp) -> Self {
        // Sooner it would be too early for a person.
        let is_early = now().since(sent_at).is_none_or(|age| age.as_secs() < 31);
        let wait = if is_early { "sleep 31; " } else { "" };
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let try_it = format!("{wait}curl -s -o pixel.gif -A \"{agent}\" \"{url}\"");
        Self { url: url.to_owned(), tag, try_it }
    }
}

fn show(receipt: &Receipt, page: &Page, scope: &Scope) -> Shown {
    let summary = &receipt.summary;
    let is_empty = summary.fetches == 0 && summary.unreadable == 0 && summary.last_human_open.is_none();
    let findings = if is_empty {
        // What the counters say concerns all owners.
        let health = (*scope == Scope::All).then(|| page.tracker.intake().health());
        page.setup.findings_for(summary, health.as_ref())
    } else {
        Vec::new()
    };
    let window = page.tracker.receipts().repeat_window();
    Shown::new(receipt, &page.prefix, findings, page.setup.source, window)
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
    let (tag, sent_at) = (prepared.img_tag(), prepared.ping().sent_at);
    let receipt_page = ReceiptPage {
        frame: Frame::new(visit),
        id,
        shown: show(&receipt, visit.page, &visit.scope),
        pixel: prepared.pixel_url().map(|url| Pixel::new(url, tag, sent_at)),
        opt_out_url: prepared.opt_out_url().to_owned(),
        key_header: file::header(&prepared).map(str::to_owned),
        live: before.is_none(),
        facts: facts(&receipt, pings.ceiling()),
        can_withdraw: prepared.status() == mailping_core::pings::Status::Live,
        seals: file::is_offered(visit.tracker()),
    };
    Ok(html(StatusCode::OK, &receipt_page))
}

fn facts(receipt: &Receipt, ceiling: Detail) -> Vec<(&'static str, Fact)> {
    let (ping, now) = (&receipt.summary.ping, now());
    let time = |time: Timestamp| Fact::Time(Moment::exact(time, now));
    let basis = match &ping.basis {
        Basis::LegitimateInterest { reason } => format!("A legitimate interest: {reason}"),
        Basis::Consent { given_at, .. } => format!("Consent, given {}", Moment::exact(*given_at, now).utc),
        Basis::Contract => "A contract".to_owned(),
        Basis::LegalObligation => "A legal obligation".to_owned(),
        _ => "Unknown".to_owned(),
    };
    let kept = match ping.detail.min(ceiling) {
        Detail::None => "Nothing",
        Detail::LastDay => "The last day on which it was opened",
        Detail::Opens => "Each load, without a place",
        Detail::Country => "Each load, with its country",
        Detail::City => "Each load, with country and city",
        _ => "Each load, with city and a masked network",
    };
    let mut facts = Vec::new();
    facts.extend(ping.owner.clone().map(|owner| ("Owner", Fact::Text(owner))));
    facts.push(("Sent", time(ping.sent_at)));
    facts.push(("Why it is recorded", Fact::Text(basis)));
    facts.push(("What is kept at most", Fact::Text(kept.to_owned())));
    facts.extend(ping.kind.map(|kind| ("Kind of message", Fact::Text(kind.to_string()))));
    facts.push(("Recorded until", time(ping.record_until)));
    facts.push(("Deleted after", time(ping.keep_until)));
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
        show(&receipt, &self.page, &self.scope).render().ok()
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

/// The receipt with all its loads, as a file. If there are more than [`MAX_EXPORTED`], its `next`
/// is the API's cursor for the rest.
pub(crate) async fn export(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    let mut receipt = read(visit, id, None, MAX_EXPORTED).await?;
    while receipt.next.is_some() && receipt.opens.len() < MAX_EXPORTED {
        let query = OpenQuery::newest(id, MAX_EXPORTED - receipt.opens.len()).after(receipt.next);
        let page = visit.tracker().receipts().opens(&query).await.map_err(|error| failed(visit, &error))?;
        receipt.opens.extend(page.items);
        receipt.next = page.next;
    }
    let disposition = format!("attachment; filename=\"receipt-{id}.json\"");
    Ok(Answer::json(StatusCode::OK, &receipt).with("content-disposition", disposition))
}

/// The certified receipt as a file, which proves what it says.
pub(crate) async fn certified(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    Ok(Answer::certified(id, made(visit, id, file::Form::Text).await?))
}

/// The first page of the certified receipt, to be printed.
pub(crate) async fn certified_to_print(visit: &Visit<'_>, id: PingId) -> Result<Answer, Answer> {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
        frame-ancestors 'none'";
    let html = made(visit, id, file::Form::Html).await?;
    Ok(Answer::new(StatusCode::OK, "text/html; charset=utf-8", html)
        .with("content-security-policy", POLICY)
        .with("referrer-policy", "same-origin")
        .with("x-robots-tag", "noindex"))
}

async fn made(visit: &Visit<'_>, id: PingId, form: file::Form) -> Result<String, Answer> {
    if !visit.holds(id).await.map_err(|error| failed(visit, &error))? {
        return Err(no_such_ping(visit));
    }
    let made = file::made(visit.tracker(), id, form).await.map_err(|error| failed(visit, &error))?;
    made.ok_or_else(|| not_sealed(visit))
}

fn not_sealed(visit: &Visit<'_>) -> Answer {
    let text = "There is no such message, nothing of it is sealed yet, or it was made without sealing. Look again \
        after the next seal.";
    problem(Frame::new(visit), StatusCode::NOT_FOUND, "There is no certified receipt", text)
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
    let total = match summary.fetches {
        0 => "its record".to_owned(),
        loads => format!("its record of {}", count(loads, "load", "loads")),
    };
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
