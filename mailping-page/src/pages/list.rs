//! The list of messages with their states, and the same as a table for spreadsheets.

use askama::Template;
use http::StatusCode;
use mailping_core::receipts::{PingQuery, Summary};
use mailping_core::{PingId, State, Timestamp};

use super::form::Form;
use super::frame::{Frame, html};
use super::headline::place;
use super::moment::{Moment, now};
use super::words::{Badge, program};
use super::{failed, field};
use crate::answer::Answer;
use crate::csv;
use crate::source::Source;
use crate::visit::Visit;

/// How many messages a page shows.
const PAGE: usize = 50;
/// How many messages the numbers above the list are of, and a state is looked for in: to sum up
/// more would take longer than anybody waits for a page.
const WINDOW: usize = 500;
/// The most rows of a CSV.
const MAX_ROWS: usize = 10_000;

#[derive(Template)]
#[template(path = "list.html")]
struct List {
    frame: Frame,
    form: Form,
    rows: Vec<Row>,
    owner: String,
    reference: String,
    state: String,
    /// Whether the reader may filter by owner.
    by_owner: bool,
    filtered: bool,
    /// Not the first page.
    later: bool,
    chips: Vec<Chip>,
    /// How many messages the numbers are of, if not of all.
    newest: Option<usize>,
    /// The query of the page of older ones.
    older: Option<String>,
    /// The query of the filters alone.
    filters: String,
    /// Whom to name beside places.
    source: Option<Source>,
}

/// A state to filter by, with how many messages are in it.
struct Chip {
    class: &'static str,
    sign: &'static str,
    text: &'static str,
    /// `None` on later pages.
    number: Option<usize>,
    query: String,
    is_chosen: bool,
}

struct Row {
    id: String,
    reference: String,
    owner: Option<String>,
    state: Badge,
    status: Option<Badge>,
    opens: u64,
    /// When, where and in what it was opened last, or what else is known.
    last: Option<Last>,
    sent: Moment,
}

struct Last {
    at: Moment,
    place: Option<String>,
    program: String,
}

impl Row {
    fn new(receipt: &Summary, now: Timestamp) -> Self {
        let ping = &receipt.ping;
        let last = receipt.telling().map(|open| Last {
            at: Moment::new(open.time(), now),
            place: place(open),
            program: program(open),
        });
        let last_day = receipt.last_human_open.map(|day| Last {
            at: Moment::new(day, now),
            place: None,
            program: String::new(),
        });
        Self {
            id: ping.id.to_string(),
            reference: ping.reference.clone(),
            owner: ping.owner.clone(),
            state: Badge::of(receipt),
            status: Badge::of_status(ping.status),
            opens: receipt.human_opens,
            last: last.or(last_day),
            sent: Moment::exact(ping.sent_at, now),
        }
    }
}

/// What the query asks for; words that name nothing are left out.
struct Asked {
    query: PingQuery,
    state: Option<State>,
}

impl Asked {
    fn of(visit: &Visit<'_>, limit: usize) -> Self {
        let get = |name| field(visit.call.query().as_bytes(), name);
        let mut query = visit.newest(limit);
        query.owner = query.owner.or_else(|| get("owner"));
        query.reference = get("reference");
        query.after = get("after").and_then(|id| id.parse().ok());
        Self { query, state: get("state").and_then(|state| state.parse().ok()) }
    }

    /// The query of a link.
    fn link(&self, visit: &Visit<'_>, state: Option<State>, after: Option<PingId>) -> String {
        let mut link = form_urlencoded::Serializer::new(String::new());
        let owner = self.query.owner.as_deref().filter(|_| visit.scope.owner().is_none());
        for (name, value) in [("owner", owner), ("reference", self.query.reference.as_deref())] {
            if let Some(value) = value {
                link.append_pair(name, value);
            }
        }
        if let Some(state) = state {
            link.append_pair("state", state.as_str());
        }
        if let Some(after) = after {
            link.append_pair("after", &after.to_string());
        }
        link.finish()
    }
}

pub(crate) async fn answer(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let mut asked = Asked::of(visit, WINDOW);
    let later = asked.query.after.is_some();
    if later && asked.state.is_none() {
        asked.query.limit = PAGE;
    }
    let found = visit.tracker().receipts().list(&asked.query).await.map_err(|error| failed(visit, &error))?;
    let fits = |receipt: &&Summary| asked.state.is_none_or(|state| receipt.state == state);
    let mut fitting = found.items.iter().filter(fits);
    let now = now();
    let shown: Vec<&Summary> = fitting.by_ref().take(PAGE).collect();
    let next = match (fitting.next(), shown.last()) {
        (Some(_), Some(last)) => Some(last.ping.id),
        _ => found.next,
    };
    let chip = |state: Option<State>| {
        let badge = state.map(Badge::of_state);
        let number = found.items.iter().filter(|receipt| state.is_none_or(|state| receipt.state == state));
        Chip {
            class: badge.map_or("all", |badge| badge.class),
            sign: badge.map_or("", |badge| badge.sign),
            text: badge.map_or("All", |badge| badge.text),
            number: (!later).then(|| number.count()),
            query: asked.link(visit, state, None),
            is_chosen: asked.state == state,
        }
    };
    let states = [State::Opened, State::Uncertain, State::MachineOnly, State::NoFetch];
    let own = visit.scope.owner();
    let list = List {
        frame: Frame::new(visit),
        form: Form::empty(visit.tracker().pings().ceiling(), own.is_none()),
        rows: shown.into_iter().map(|receipt| Row::new(receipt, now)).collect(),
        by_owner: own.is_none(),
        filtered: asked.query.owner.as_deref() != own
            || asked.query.reference.is_some()
            || asked.state.is_some(),
        later,
        chips: std::iter::once(None).chain(states.map(Some)).map(chip).collect(),
        newest: found.next.is_some().then_some(found.items.len()),
        older: next.map(|last| asked.link(visit, asked.state, Some(last))),
        filters: asked.link(visit, asked.state, None),
        source: visit.page.setup.source,
        owner: asked.query.owner.clone().filter(|_| own.is_none()).unwrap_or_default(),
        reference: asked.query.reference.clone().unwrap_or_default(),
        state: asked.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
    };
    Ok(html(StatusCode::OK, &list))
}

/// The table of all messages that the filters leave, of at most 10,000 from the newest; `after`
/// goes on from there.
pub(crate) async fn csv(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let Asked { mut query, state } = Asked::of(visit, WINDOW);
    let (mut receipts, mut read) = (Vec::new(), 0);
    loop {
        let page = visit.tracker().receipts().list(&query).await.map_err(|error| failed(visit, &error))?;
        read += page.items.len();
        let fits = |receipt: &Summary| state.is_none_or(|state| receipt.state == state);
        receipts.extend(page.items.into_iter().filter(fits));
        query.after = page.next;
        if query.after.is_none() || read >= MAX_ROWS {
            break;
        }
    }
    let table = csv::table(&receipts);
    Ok(Answer::new(StatusCode::OK, "text/csv; charset=utf-8", table)
        .with("content-disposition", "attachment; filename=\"receipts.csv\""))
}
