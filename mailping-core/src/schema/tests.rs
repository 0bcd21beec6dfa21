use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::fetcher::{Evidence, EvidenceSet, Fetcher, Provider, Verdict};
use crate::geo::Place;
use crate::intake::Health;
use crate::people::{Deleted, RecipientExport};
use crate::receipts::{Mark, OpenCursor, Page};
use crate::store::KeyFingerprint;
use crate::*;

#[derive(OpenApi)]
#[openapi(components(schemas(
    Receipt,
    Page<Summary>,
    RecipientExport,
    Page<Open, OpenCursor>,
    Deleted,
    Health,
    Place,
    PingId,
    OpenId,
    OpenCursor,
    Mark,
    KeyFingerprint
)))]
struct Api;

/// Checks values against schemas, as far as those here go.
struct Schemas(Map<String, Value>);

impl Schemas {
    fn new() -> Self {
        let api = serde_json::to_value(Api::openapi()).unwrap();
        Self(api["components"]["schemas"].as_object().unwrap().clone())
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(path) => &self.0[path.strip_prefix("#/components/schemas/").unwrap()],
            None => schema,
        }
    }

    /// The properties of an object, also of those that it is put together from.
    fn properties<'a>(&'a self, schema: &'a Value) -> Map<String, Value> {
        let schema = self.resolve(schema);
        let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| self.properties(part));
        let own = schema["properties"].as_object().into_iter().flatten();
        parts.chain(own.map(|(name, schema)| (name.clone(), schema.clone()))).collect()
    }

    fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = choices.iter().any(|choice| self.check(choice, value).is_ok());
            return if fits { Ok(()) } else { Err(format!("{value} is none of {schema}")) };
        }
        let type_of = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let types = &schema["type"];
        let allowed =
            types == type_of || types.as_array().is_some_and(|types| types.contains(&type_of.into()));
        match value {
            Value::Object(fields) => {
                let properties = self.properties(schema);
                let names: BTreeSet<_> = fields.keys().collect();
                if names != properties.keys().collect() {
                    return Err(format!("fields {names:?}, properties {:?}", properties.keys()));
                }
                fields.iter().try_for_each(|(name, value)| {
                    self.check(&properties[name], value).map_err(|error| format!("{name}: {error}"))
                })
            }
            Value::Array(items) if allowed => {
                items.iter().try_for_each(|item| self.check(&schema["items"], item))
            }
            Value::String(_) if allowed => match schema["enum"].as_array() {
                Some(names) if !names.contains(value) => Err(format!("{value} is not in {schema}")),
                _ => Ok(()),
            },
            _ if allowed => Ok(()),
            _ => Err(format!("{value} is not of {schema}")),
        }
    }

    fn describes<T: Serialize>(&self, name: &str, value: &T) {
        let value = serde_json::to_value(value).unwrap();
        let schema = self.0.get(name).unwrap_or_else(|| panic!("{name} is none of {:?}", self.0.keys()));
        self.check(schema, &value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

fn open() -> Open {
    let at = "2026-11-27T10:02:03Z".parse().unwrap();
    let mut open = Open::new(
        PingId::from_bytes([7; 16]),
        OpenId::from_bytes([1; 8]),
        at,
        Fetcher::SecurityScanner,
        Verdict::Machine,
    );
    open.evidence = EvidenceSet::from_iter([Evidence::NetMailGateway, Evidence::TimeEarly]);
    open.provider = Some(Provider::Mimecast);
    open.network = "192.0.2.0/24".parse().ok();
    open.country = "PT".parse().ok();
    open.city = "Lisbon".parse().ok();
    open
}

fn summary() -> Summary {
    let consent = Basis::consent("2026-11-01T00:00:00Z".parse::<Timestamp>().unwrap(), "v3", "signup-form");
    let mut ping = Ping::stored(PingId::from_bytes([7; 16]), "invoice-42".into(), consent, Status::Live);
    ping.owner = Some("tenant-1".into());
    ping.eprivacy = Some(EprivacyGround::Consent);
    let day = "2026-11-27T00:00:00Z".parse().unwrap();
    ping.last_day = Some(day);
    crate::receipt::Tally::new(ping, day, std::time::Duration::ZERO).finish()
}

#[test]
fn a_schema_describes_what_serialises() {
    let schemas = Schemas::new();
    let next = Some(OpenCursor::new("2026-11-27T10:02:03Z".parse().unwrap(), OpenId::from_bytes([1; 8])));
    let receipt = Receipt { summary: summary(), opens: vec![open()], next };
    schemas.describes("Receipt", &receipt);
    schemas.describes("Receipt", &Receipt { next: None, ..receipt.clone() });
    schemas.describes("Page_Summary", &Page::new(vec![summary()], Some(receipt.summary.ping.id)));
    schemas.describes("Page_Open_OpenCursor", &Page::new(vec![open()], next));
    schemas.describes("Place", &open().place().unwrap());
    schemas.describes("Deleted", &Deleted::new(1, 2));
    let mut export = RecipientExport::default();
    export.pings.push(receipt);
    schemas.describes("RecipientExport", &export);
    let tracker = Tracker::builder(Keyring::generate().unwrap(), MemoryStore::new());
    let tracker = pollster::block_on(tracker.base_url("https://app.example/px").unwrap().build()).unwrap();
    schemas.describes("Health", &tracker.intake().health());
}

#[test]
fn a_schema_of_names_lists_them_all_and_a_time_has_its_pattern() {
    let schemas = Schemas::new();
    let names = |all: Vec<&str>| json!(all);
    let of = |name: &str| schemas.0[name]["enum"].clone();
    assert_eq!(of("State"), names(State::ALL.iter().map(|state| state.as_str()).collect()));
    assert_eq!(of("Evidence"), names(Evidence::ALL.iter().map(|evidence| evidence.as_str()).collect()));
    assert_eq!(schemas.0["PingId"]["format"], "uuid");
    assert!(schemas.0["StepTime"]["pattern"].is_string());
    assert!(schemas.check(&schemas.0["State"], &"read".into()).is_err(), "the test refuses what is wrong");
}

#[test]
fn every_reference_leads_to_a_schema() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let schemas = Schemas::new();
    let mut found = Vec::new();
    references(&Value::Object(schemas.0.clone()), &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.0.contains_key(name), "{name}");
    }
}
