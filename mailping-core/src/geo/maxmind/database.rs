//! One MaxMind DB file: its schema, found out when it is opened, and look-ups that copy nothing but
//! the city's name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;

use super::MaxMindError;
use crate::Timestamp;
use crate::geo::{City, Country, Place};

/// How many networks are decoded from the start of the tree when a file is opened: all of a small
/// one.
const CHECKED_NETWORKS: usize = 1 << 14;
/// How many addresses, spread evenly over each family, are looked up besides.
const CHECKED_ADDRESSES: u16 = 1 << 12;
/// Characters of the type that a file names: enough for an error message.
const MAX_TYPE_BYTES: usize = 64;

pub(super) struct Database {
    reader: Reader<Vec<u8>>,
    schema: Schema,
}

#[derive(Clone, Copy)]
enum Schema {
    Nested,
    Flat,
}

/// GeoLite2 and GeoIP2.
#[derive(Deserialize)]
struct Nested<'a> {
    #[serde(borrow)]
    country: Option<NestedCountry<'a>>,
    #[serde(borrow)]
    city: Option<NestedCity<'a>>,
}

#[derive(Deserialize)]
struct NestedCountry<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Deserialize)]
struct NestedCity<'a> {
    #[serde(borrow)]
    names: Option<Names<'a>>,
}

#[derive(Deserialize)]
struct Names<'a> {
    en: Option<&'a str>,
}

/// Free city databases and IPinfo's. IPinfo Lite has a country's name in `country` and its code in
/// `country_code`; IPinfo's location and country files have the code in `country`.
#[derive(Deserialize)]
struct Flat<'a> {
    country_code: Option<&'a str>,
    country: Option<&'a str>,
    city: Option<&'a str>,
}

/// What a record says, still borrowed from the file.
#[derive(Clone, Copy)]
struct Found<'a> {
    country: Option<&'a str>,
    city: Option<&'a str>,
}

impl Database {
    pub(super) fn new(bytes: Vec<u8>, name: &str) -> Result<Self, MaxMindError> {
        let damaged =
            |error: MaxMindDbError| MaxMindError::Damaged { name: name.to_owned(), source: error.into() };
        let reader = Reader::from_source(bytes).map_err(damaged)?;
        let found = || kind(&reader);
        match check(&reader).map_err(damaged)? {
            Sample { schema: Some(schema), has_country: true } => Ok(Self { reader, schema }),
            Sample { schema: Some(_), .. } => {
                Err(MaxMindError::NoCountries { name: name.to_owned(), found: found() })
            }
            Sample { schema: None, .. } => {
                Err(MaxMindError::NoPlaces { name: name.to_owned(), found: found() })
            }
        }
    }

    /// The type that the file names.
    pub(super) fn kind(&self) -> String {
        kind(&self.reader)
    }

    pub(super) fn built(&self) -> Timestamp {
        let seconds = i64::try_from(self.reader.metadata().build_epoch).unwrap_or(i64::MAX);
        Timestamp::from_unix_millis(seconds.saturating_mul(1_000))
    }

    /// The place of an address; none if the file does not know it or is for the other family.
    pub(super) fn locate(&self, address: IpAddr) -> Result<Option<Place>, MaxMindDbError> {
        // The reader calls this an error, not a miss.
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Ok(None);
        }
        let record = self.reader.lookup(address)?;
        let found = match self.schema {
            Schema::Nested => record.decode::<Nested<'_>>()?.map(Found::from),
            Schema::Flat => record.decode::<Flat<'_>>()?.map(Found::from),
        };
        let place = found.map(|found| Place::new(found.country(), found.city.and_then(City::from_database)));
        Ok(place.filter(|place| place.country.is_some() || place.city.is_some()))
    }
}

fn kind(reader: &Reader<Vec<u8>>) -> String {
    reader.metadata().database_type.chars().take(MAX_TYPE_BYTES).collect()
}

/// What the sampled records have shown.
#[derive(Default)]
struct Sample {
    /// None if no record holds a place.
    schema: Option<Schema>,
    has_country: bool,
}

/// Decodes a bounded sample of a file's records.
fn check(reader: &Reader<Vec<u8>>) -> Result<Sample, MaxMindDbError> {
    let mut sample = Sample::default();
    // With aliases and empty networks counted each step is short, so that a tree with a cycle ends
    // too.
    let every_network = WithinOptions::default().include_aliased_networks().include_networks_without_data();
    for record in reader.networks(every_network)?.take(CHECKED_NETWORKS) {
        sample.add(&record?)?;
    }
    for index in 0..CHECKED_ADDRESSES {
        sample.add(&reader.lookup(Ipv4Addr::from_bits(u32::from(index) << 20 | 0x8_0080).into())?)?;
        if reader.metadata().ip_version == 6 {
            // Global unicast, 2000::/3.
            let address = Ipv6Addr::new(0x2000 | index << 1, index << 4, 0, 0x80, 0, 0, 0, 0);
            sample.add(&reader.lookup(address.into())?)?;
        }
    }
    Ok(sample)
}

impl Sample {
    fn add(&mut self, record: &maxminddb::LookupResult<'_, Vec<u8>>) -> Result<(), MaxMindDbError> {
        let nested = || record.decode::<Nested<'_>>().map(|record| record.map(Found::from));
        let flat = || record.decode::<Flat<'_>>().map(|record| record.map(Found::from));
        let found = match self.schema {
            Some(Schema::Nested) => nested()?,
            Some(Schema::Flat) => flat()?,
            None => {
                let nested = nested();
                if let Ok(Some(found)) = nested
                    && !found.is_empty()
                {
                    self.schema = Some(Schema::Nested);
                    Some(found)
                } else {
                    match (nested, flat()) {
                        (_, Ok(Some(found))) if !found.is_empty() => {
                            self.schema = Some(Schema::Flat);
                            Some(found)
                        }
                        (Err(error), Err(_)) => return Err(error),
                        _ => None,
                    }
                }
            }
        };
        self.has_country |= found.is_some_and(|found| found.country().is_some());
        Ok(())
    }
}

impl Found<'_> {
    const fn is_empty(&self) -> bool {
        self.country.is_none() && self.city.is_none()
    }

    fn country(&self) -> Option<Country> {
        self.country.and_then(|code| code.parse().ok())
    }
}

impl<'a> From<Nested<'a>> for Found<'a> {
    fn from(record: Nested<'a>) -> Self {
        Self {
            country: record.country.and_then(|country| country.iso_code),
            city: record.city.and_then(|city| city.names).and_then(|names| names.en),
        }
    }
}

impl<'a> From<Flat<'a>> for Found<'a> {
    fn from(record: Flat<'a>) -> Self {
        Self {
            country: record.country_code.filter(|code| !code.is_empty()).or(record.country),
            city: record.city,
        }
    }
}
