//! An open as it is kept: codes and texts. They stand as bytes beside those of other opens, in the spool each in a column, and are checked on
//! their way back.

use std::borrow::Cow;

use mailping_core::fetcher::{EvidenceSet, Fetcher, Provider, Verdict};
use mailping_core::pings::TimeStep;
use mailping_core::receipts::{Open, OpenId};
use mailping_core::{PingId, Timestamp};
use rusqlite::{CachedStatement, Row};
use serde::{Deserialize, Serialize};

use super::Column;
use crate::failure::{Failure, Result};

/// Where this very open is in the spool, nothing is done. Where it fails the transaction is taken back as a whole, so FAIL will do: the usual
/// ABORT keeps a copy of the page for each row.
pub(crate) const INSERT_OPEN: &str = "INSERT OR FAIL INTO opens
        (ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (ping, id) DO NOTHING";

/// The columns that [`KeptFields::read`] reads, to stand after SELECT.
macro_rules! open_columns {
    () => {
        "id, at, fetcher, provider, verdict, evidence, rules_version, network, country, city, time_step"
    };
}
pub(crate) use open_columns;

/// An [`Open`] that nobody has checked: in bytes its ping stands before its fields.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptOpen<'a> {
    pub(crate) ping: [u8; 16],
    #[serde(borrow)]
    pub(crate) fields: KeptFields<'a>,
}

/// The fields of an [`Open`] that nobody has checked. Their order is that of the bytes in a file: it never changes.
/// It has no `Debug`: a damaged file may hold what an open may not.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptFields<'a> {
    id: [u8; 8],
    at: i64,
    time_step: u8,
    fetcher: u8,
    provider: Option<u8>,
    verdict: u8,
    evidence: u64,
    rules_version: u16,
    #[serde(borrow)]
    network: Option<Cow<'a, str>>,
    #[serde(borrow)]
    country: Option<Cow<'a, str>>,
    #[serde(borrow)]
    city: Option<Cow<'a, str>>,
}

impl<'a> KeptOpen<'a> {
    pub(crate) fn of(open: &'a Open) -> Self {
        Self { ping: *open.ping.as_bytes(), fields: KeptFields::of(open) }
    }
}

impl<'a> KeptFields<'a> {
    pub(crate) fn of(open: &'a Open) -> Self {
        Self {
            id: *open.id.as_bytes(),
            at: open.at.unix_millis(),
            time_step: open.time_step.code(),
            fetcher: open.fetcher.code(),
            provider: open.provider.map(Provider::code),
            verdict: open.verdict.code(),
            evidence: open.evidence.bits(),
            rules_version: open.rules_version,
            network: open.network.map(|network| Cow::Owned(network.to_string())),
            country: open.country.as_ref().map(|country| Cow::Borrowed(country.as_str())),
            city: open.city.as_ref().map(|city| Cow::Borrowed(city.as_str())),
        }
    }

    /// Reads a row of [`open_columns`].
    pub(crate) fn read(row: &'a Row<'_>) -> Result<Self> {
        let column = |index, what| Column::new(row, index, what);
        let text = |index, what| -> Result<_> {
            column(index, what)?.optional().map(|column| column.text().map(Cow::Borrowed)).transpose()
        };
        Ok(Self {
            id: column(0, "opens.id")?.bytes()?,
            at: column(1, "opens.at")?.integer()?,
            fetcher: column(2, "opens.fetcher")?.small()?,
            provider: column(3, "opens.provider")?.optional().map(|column| column.small()).transpose()?,
            verdict: column(4, "opens.verdict")?.small()?,
            evidence: column(5, "opens.evidence")?.integer()?.cast_unsigned(),
            rules_version: column(6, "opens.rules_version")?.small()?,
            network: text(7, "opens.network")?,
            country: text(8, "opens.country")?,
            city: text(9, "opens.city")?,
            time_step: column(10, "opens.time_step")?.small()?,
        })
    }

    /// What it means, where each value is one that a version has written.
    pub(crate) fn open(&self, ping: PingId) -> Result<Open> {
        let fetcher = Fetcher::from_code(self.fetcher);
        let verdict = Verdict::from_code(self.verdict);
        let at = Timestamp::from_unix_millis(self.at);
        if at.unix_millis() != self.at {
            return Err(Failure::corrupt("opens.at"));
        }
        let mut open = Open::new(ping, OpenId::from_bytes(self.id), at, fetcher, verdict);
        open.provider = self.provider.and_then(Provider::from_code);
        open.evidence = EvidenceSet::from_bits(self.evidence);
        open.rules_version = self.rules_version;
        open.network = parsed(self.network.as_deref(), "opens.network")?;
        open.country = parsed(self.country.as_deref(), "opens.country")?;
        open.city = parsed(self.city.as_deref(), "opens.city")?;
        open.time_step = known(TimeStep::from_code(self.time_step), "opens.time_step")?;
        Ok(open)
    }

    pub(crate) fn unpack(bytes: &'a [u8]) -> Result<Self> {
        postcard::from_bytes(bytes).map_err(|_| Failure::corrupt("opens.opens"))
    }

    /// The id and the time in the bytes of an open.
    pub(crate) fn place(bytes: &[u8]) -> Result<([u8; 8], i64)> {
        let place = postcard::take_from_bytes(bytes).map_err(|_| Failure::corrupt("opens.opens"));
        place.map(|(place, _)| place)
    }

    /// Its bytes.
    pub(crate) fn packed(&self) -> Result<Vec<u8>> {
        postcard::to_extend(self, Vec::new()).map_err(|_| Failure::corrupt("the length of an open"))
    }

    /// Runs [`INSERT_OPEN`], and tells how many rows it made: none where the open was kept before.
    pub(crate) fn insert(&self, ping: PingId, statement: &mut CachedStatement<'_>) -> Result<usize> {
        statement.raw_bind_parameter(1, ping.as_bytes())?;
        statement.raw_bind_parameter(2, self.id)?;
        statement.raw_bind_parameter(3, self.at)?;
        statement.raw_bind_parameter(4, self.time_step)?;
        statement.raw_bind_parameter(5, self.fetcher)?;
        statement.raw_bind_parameter(6, self.provider)?;
        statement.raw_bind_parameter(7, self.verdict)?;
        statement.raw_bind_parameter(8, self.evidence.cast_signed())?;
        statement.raw_bind_parameter(9, self.rules_version)?;
        statement.raw_bind_parameter(10, self.network.as_deref())?;
        statement.raw_bind_parameter(11, self.country.as_deref())?;
        statement.raw_bind_parameter(12, self.city.as_deref())?;
        Ok(statement.raw_execute()?)
    }
}

fn known<T>(value: Option<T>, what: &'static str) -> Result<T> {
    value.ok_or(Failure::corrupt(what))
}

fn parsed<T: std::str::FromStr>(text: Option<&str>, what: &'static str) -> Result<Option<T>> {
    text.map(|text| text.parse().map_err(|_| Failure::corrupt(what))).transpose()
}
