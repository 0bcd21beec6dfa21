//! The JSON API of an example service, on one tracker.

use http::{Method, StatusCode};
use mailping_core::pings::InvalidPing;
use mailping_core::receipts::{OpenCursor, OpenQuery};
use mailping_core::store::PingQuery;
use mailping_core::{Error, PingId, Tracker};
use serde_json::{Value, json};

use crate::call::{Answer, Call};
use crate::erasures::Erasures;
use crate::input::{Fields, invalid, new_ping, smtp_reply};
use crate::settings::with_sources;

const DEFAULT_LIMIT: usize = 100;
const MOST: usize = 1_000;

/// The JSON API.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api<'a> {
    pub(crate) tracker: &'a Tracker,
    pub(crate) erasures: &'a Erasures,
}

impl Api<'_> {
    /// Answers a request below `/api/`.
    pub(crate) async fn answer(&self, path: &str, call: &Call<'_>) -> Result<Answer, Answer> {
        let segments: Vec<&str> = path.split('/').collect();
        match (segments.as_slice(), &call.method) {
            (["pings"], &Method::POST) => self.make(call).await,
            (["pings"], &Method::GET) => self.list(call).await,
            (["pings", id], &Method::GET) => self.receipt(id, call).await,
            (["pings", id], &Method::DELETE) => self.erase(id).await,
            (["pings", id, "withdraw"], &Method::POST) => self.withdraw(id).await,
            (["pings", id, "handed_over"], &Method::POST) => self.handed_over(id, call).await,
            (["objections"], &Method::POST) => {
                let recipient = recipient(call)?;
                self.tracker.people().object(&recipient).await.map_err(refused_recipient)?;
                Ok(Answer::empty())
            }
            (["erase"], &Method::POST) => {
                let recipient = recipient(call)?;
                let erased =
                    self.tracker.people().erase_recipient(&recipient).await.map_err(refused_recipient)?;
                self.erasures.tell(None).await;
                Ok(Answer::json(StatusCode::OK, &erased))
            }
            (["export"], &Method::POST) => {
                let recipient = recipient(call)?;
                let export = self.tracker.people().export(&recipient).await.map_err(refused_recipient)?;
                Ok(Answer::json(StatusCode::OK, &export))
            }
            (["health"], &Method::GET) => Ok(Answer::json(StatusCode::OK, &self.tracker.intake().health())),
            (
                ["pings" | "objections" | "erase" | "export" | "health"]
                | ["pings", _]
                | ["pings", _, "withdraw" | "handed_over"],
                _,
            ) => Err(Answer::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                None,
                "not with this method",
            )),
            _ => Err(not_found()),
        }
    }

    async fn make(&self, call: &Call<'_>) -> Result<Answer, Answer> {
        let ping = self.tracker.pings().create(new_ping(call.body)?).await.map_err(refused_ping)?;
        let mut answer = serde_json::to_value(ping.ping()).unwrap_or_default();
        if let Value::Object(fields) = &mut answer {
            fields.insert("pixel_url".into(), json!(ping.pixel_url()));
            fields.insert("img_tag".into(), json!(ping.img_tag()));
            fields.insert("opt_out_url".into(), json!(ping.opt_out_url()));
            fields.insert("confirm_url".into(), json!(ping.confirm_url()));
        }
        Ok(Answer::json(StatusCode::CREATED, &answer))
    }

    async fn list(&self, call: &Call<'_>) -> Result<Answer, Answer> {
        let parameters = Parameters::read(call.query, &["after", "limit", "owner", "reference"])?;
        let limit = parameters.limit()?;
        let mut query = PingQuery::newest(limit);
        query.owner = parameters.get("owner").map(str::to_owned);
        query.reference = parameters.get("reference").map(str::to_owned);
        query.after = parameters.parsed("after", "the `next` of the page before")?;
        let page = self.tracker.receipts().list(&query).await.map_err(|error| failed(&error))?;
        let answer = json!({ "pings": page.summaries, "next": page.next, "unreadable": page.unreadable });
        Ok(Answer::json(StatusCode::OK, &answer))
    }

    async fn receipt(&self, id: &str, call: &Call<'_>) -> Result<Answer, Answer> {
        let parameters = Parameters::read(call.query, &["after", "limit"])?;
        let after: Option<OpenCursor> = parameters.parsed("after", "the `next` of the page before")?;
        let query = OpenQuery::oldest(ping_id(id)?, parameters.limit()?).after(after);
        let receipt = self.tracker.receipts().page(&query).await;
        match receipt.map_err(|error| failed(&error))? {
            Some(receipt) => Ok(Answer::json(StatusCode::OK, &receipt)),
            None => Err(not_found()),
        }
    }

    async fn erase(&self, id: &str) -> Result<Answer, Answer> {
        let id = ping_id(id)?;
        match self.tracker.people().erase(id).await.map_err(|error| failed(&error))? {
            Some(_) => {
                self.erasures.tell(Some(id)).await;
                Ok(Answer::empty())
            }
            None => Err(not_found()),
        }
    }

    async fn handed_over(&self, id: &str, call: &Call<'_>) -> Result<Answer, Answer> {
        let reply = smtp_reply(call.body)?;
        let kept = self.tracker.pings().handed_over(ping_id(id)?, reply).await;
        if kept.map_err(|error| failed(&error))? { Ok(Answer::empty()) } else { Err(not_found()) }
    }

    async fn withdraw(&self, id: &str) -> Result<Answer, Answer> {
        match self.tracker.pings().withdraw(ping_id(id)?).await.map_err(|error| failed(&error))? {
            true => Ok(Answer::empty()),
            false => Err(not_found()),
        }
    }
}

fn ping_id(text: &str) -> Result<PingId, Answer> {
    text.parse().map_err(|_| not_found())
}

fn recipient(call: &Call<'_>) -> Result<String, Answer> {
    let mut fields = Fields::read(call.body)?;
    let recipient = fields.required("recipient", "an address such as ada@example.com")?;
    fields.finish()?;
    Ok(recipient)
}

pub(crate) fn not_found() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "not_found", None, "there is nothing here, or no ping of this id")
}

fn refused_ping(error: Error) -> Answer {
    match &error {
        Error::Ping(wrong) => match json_field(wrong) {
            Some(field) => invalid(field, &with_sources(wrong)),
            None => Answer::error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", None, &wrong.to_string()),
        },
        _ => failed(&error),
    }
}

/// The library's words for lifetimes differ from this API's.
fn json_field(error: &InvalidPing) -> Option<&'static str> {
    error.field().map(|field| match field {
        "record_for" | "keep_for" => "record_days",
        field => field,
    })
}

fn refused_recipient(error: Error) -> Answer {
    if error.is_invalid() { invalid("recipient", &error.to_string()) } else { failed(&error) }
}

fn failed(error: &Error) -> Answer {
    tracing::error!(error = with_sources(error), "the store failed");
    Answer::error(StatusCode::SERVICE_UNAVAILABLE, "store", None, "the store did not carry it out; try again")
}

/// The parameters of a query.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str, known: &[&str]) -> Result<Self, Answer> {
        let parameters: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if parameters.iter().all(|(name, _)| known.contains(&name.as_str())) {
            return Ok(Self(parameters));
        }
        let message = format!("known parameters are {}", known.join(", "));
        Err(Answer::error(StatusCode::BAD_REQUEST, "unknown_parameter", None, &message))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let given = self.0.iter().find(|(given, _)| given == name);
        given.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn parsed<T: std::str::FromStr>(&self, name: &'static str, expected: &str) -> Result<Option<T>, Answer> {
        let wrong = |_| {
            let message = format!("{name} must be {expected}");
            Answer::error(StatusCode::BAD_REQUEST, "invalid_parameter", Some(name), &message)
        };
        self.get(name).map(str::parse).transpose().map_err(wrong)
    }

    fn limit(&self) -> Result<usize, Answer> {
        let expected = "a number from 1 to 1000";
        match self.parsed("limit", expected)? {
            None => Ok(DEFAULT_LIMIT),
            Some(limit @ 1..=MOST) => Ok(limit),
            Some(_) => {
                let message = format!("limit must be {expected}");
                Err(Answer::error(StatusCode::BAD_REQUEST, "invalid_parameter", Some("limit"), &message))
            }
        }
    }
}
