//! The list of pings with their states, and the same as a table for spreadsheets.

use askama::Template;
use http::StatusCode;
use mailping_core::receipts::{PingQuery, Summary};

use super::form::Form;
use super::frame::{Frame, html};
use super::shown::{Badge, short};
use super::{failed, field};
use crate::answer::Answer;
use crate::csv;
use crate::visit::Visit;

const PAGE: usize = 50;
/// The most rows of a CSV.
const MOST_ROWS: usize = 10_000;

#[derive(Template)]
#[template(path = "list.html")]
struct List {
    frame: Frame,
    form: Form,
    rows: Vec<Row>,
    owner: String,
    reference: String,
    filtered: bool,
    /// Not the first page.
    later: bool,
    /// The query of the page of older ones.
    older: Option<String>,
    /// The query of the filters alone.
    filters: String,
}

struct Row {
    id: String,
    reference: String,
    owner: Option<String>,
    state: Badge,
    status: Option<Badge>,
    opens: u64,
    fetches: u64,
    last: Option<String>,
    sent: String,
}

impl From<&Summary> for Row {
    fn from(receipt: &Summary) -> Self {
        let ping = &receipt.ping;
        Self {
            id: ping.id.to_string(),
            reference: ping.reference.clone(),
            owner: ping.owner.clone(),
            state: Badge::of_state(receipt.state),
            status: Badge::of_status(ping.status),
            opens: receipt.human_opens,
            fetches: receipt.fetches,
            last: receipt.last_human_open.map(short),
            sent: short(ping.sent_at.into()),
        }
    }
}

/// What the query asks for; words that name nothing are left out.
fn asked(visit: &Visit<'_>, limit: usize) -> PingQuery {
    let get = |name| field(visit.call.query().as_bytes(), name);
    let mut query = visit.newest(limit);
    query.owner = query.owner.or_else(|| get("owner"));
    query.reference = get("reference");
    query.after = get("after").and_then(|id| id.parse().ok());
    query
}

pub(crate) async fn answer(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let query = asked(visit, PAGE);
    let receipts = visit.tracker().receipts().list(&query).await.map_err(|error| failed(visit, &error))?;
    let mut filters = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("owner", &query.owner), ("reference", &query.reference)] {
        if let Some(value) = value {
            filters.append_pair(name, value);
        }
    }
    let filters = filters.finish();
    let older = receipts.next.map(|last| {
        let and = if filters.is_empty() { "" } else { "&" };
        format!("{filters}{and}after={last}")
    });
    let list = List {
        frame: Frame::new(visit),
        form: Form::empty(visit.tracker().pings().ceiling()),
        rows: receipts.items.iter().map(Row::from).collect(),
        filtered: query.owner.as_deref() != visit.scope.owner() || query.reference.is_some(),
        owner: query.owner.unwrap_or_default(),
        reference: query.reference.unwrap_or_default(),
        later: query.after.is_some(),
        older,
        filters,
    };
    Ok(html(StatusCode::OK, &list))
}

/// The table of all pings that the filters leave, at most 10,000 from the newest; `after` goes on
/// from there.
pub(crate) async fn csv(visit: &Visit<'_>) -> Result<Answer, Answer> {
    let mut query = asked(visit, 1_000);
    let mut receipts = Vec::new();
    loop {
        let page = visit.tracker().receipts().list(&query).await.map_err(|error| failed(visit, &error))?;
        receipts.extend(page.items);
        query.after = page.next;
        if query.after.is_none() || receipts.len() >= MOST_ROWS {
            break;
        }
    }
    let table = csv::table(&receipts);
    Ok(Answer::new(StatusCode::OK, "text/csv; charset=utf-8", table)
        .with("content-disposition", "attachment; filename=\"receipts.csv\""))
}
