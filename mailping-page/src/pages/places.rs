//! The places of opens: a list, and a map without anything from elsewhere.

use mailping_core::fetcher::Verdict;
use mailping_core::receipts::Open;

use super::headline::place;
use crate::countries::{CountryOnMap, LAND, MAP};
use crate::source::Source;

/// The most places that are named.
const MAX_NAMED: usize = 8;

/// Where people may have looked at a message.
#[derive(Debug)]
pub(crate) struct Places {
    /// Each with the number of its groups, the most frequent first.
    pub(crate) named: Vec<(String, usize)>,
    /// How many more there are.
    pub(crate) more: usize,
    pub(crate) dots: Vec<Dot>,
    /// Whom to name beside them.
    pub(crate) source: Option<Source>,
    pub(crate) land: &'static str,
    pub(crate) view_box: String,
    /// The map in words.
    pub(crate) label: String,
}

/// A country on the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dot {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

impl Places {
    /// Those of opens that people may have caused; `None` if there are none.
    pub(crate) fn of<'a>(opens: impl IntoIterator<Item = &'a Open>, source: Option<Source>) -> Option<Self> {
        let mut named: Vec<(String, usize)> = Vec::new();
        let mut countries: Vec<CountryOnMap> = Vec::new();
        for open in opens.into_iter().filter(|open| open.verdict != Verdict::Machine) {
            let Some(name) = place(open) else { continue };
            match named.iter_mut().find(|(known, _)| *known == name) {
                Some((_, number)) => *number += 1,
                None => named.push((name, 1)),
            }
            let country = open.country.as_ref().and_then(|country| CountryOnMap::of(country.as_str()));
            countries.extend(country.filter(|country| !countries.contains(country)));
        }
        if named.is_empty() {
            return None;
        }
        named.sort_by(|(_, one), (_, other)| other.cmp(one));
        let more = named.len().saturating_sub(MAX_NAMED);
        named.truncate(MAX_NAMED);
        let names: Vec<&str> = countries.iter().map(|country| country.name).collect();
        let dot = |country: &CountryOnMap| {
            let (x, y) = country.point();
            Dot { x, y }
        };
        Some(Self {
            named,
            more,
            dots: countries.iter().map(dot).collect(),
            source,
            land: LAND,
            view_box: format!("-1 -1 {} {}", MAP.0 + 1, MAP.1 + 1),
            label: format!("A map of the world with a dot for {}", names.join(", ")),
        })
    }
}
