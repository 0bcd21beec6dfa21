//! Rows: what a ping and an open are written as, and the checked way back. A value that no version
//! has written is reported by its column, never repeated.

use mailping_core::fetcher::{EvidenceSet, Fetcher, Provider, Verdict};
use mailping_core::pings::{EprivacyGround, MessageKind, Ping, Purpose, Status, TimeStep};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{KeyFingerprint, OpenCursor, RecipientHash};
use mailping_core::{Basis, Detail, PingId, Timestamp};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Row as _, Type, ValueRef as _};

use crate::failure::{Failure, Result};
use crate::milestones;

/// The columns that [`ping`] reads, to stand after SELECT.
macro_rules! ping_columns {
    () => {
        "id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind, eprivacy,
            (SELECT day FROM {s}.last_days WHERE last_days.ping = id), reference, owner, basis, asked_by, shows_reference,
            (SELECT json_agg(json_build_array(kind, at, time_step, reply_code, status_code, verdict, evidence, rules_version))::text
                FROM {s}.milestones WHERE milestones.ping = id)"
    };
}
pub(crate) use ping_columns;

/// The columns that [`open`] reads.
macro_rules! open_columns {
    () => {
        "id, at, fetcher, provider, verdict, evidence, rules_version, network::text, country, city, time_step"
    };
}
pub(crate) use open_columns;

/// A ping's id as PostgreSQL's `uuid`. Our own, since the feature `uuid` of sqlx pulls its SQLite
/// into the resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uuid(pub(crate) [u8; 16]);

impl From<PingId> for Uuid {
    fn from(id: PingId) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<Uuid> for PingId {
    fn from(uuid: Uuid) -> Self {
        Self::from_bytes(uuid.0)
    }
}

impl Type<Postgres> for Uuid {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2950))
    }
}

impl PgHasArrayType for Uuid {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2951))
    }
}

impl Encode<'_, Postgres> for Uuid {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Uuid {
    fn decode(value: PgValueRef<'_>) -> std::result::Result<Self, BoxDynError> {
        // Bound statements are answered in binary.
        Ok(Self(value.as_bytes()?.try_into()?))
    }
}

/// An open's id as a number that sorts as its bytes do.
pub(crate) fn open_id(id: OpenId) -> i64 {
    i64::from_be_bytes(*id.as_bytes()) ^ i64::MIN
}

fn open_id_of(number: i64) -> OpenId {
    OpenId::from_bytes((number ^ i64::MIN).to_be_bytes())
}

/// Reads a row of [`ping_columns`].
pub(crate) fn ping(row: &PgRow) -> Result<Ping> {
    let id = uuid(row, 0, "pings.id")?;
    let basis = value(row, 13, "pings.basis")?;
    let basis = serde_json::from_str::<serde_json::Value>(basis)
        .and_then(Basis::from_stored)
        .map_err(|_| Failure::corrupt("pings.basis"))?;
    let status = Status::from_code(small(row, 1, "pings.status")?);
    let reference = value(row, 11, "pings.reference")?;
    let mut ping = Ping::stored(id, reference, basis, status);
    ping.record_until = time(row, 2, "pings.record_until")?;
    ping.keep_until = time(row, 3, "pings.keep_until")?;
    ping.sent_at = time(row, 4, "pings.sent_at")?;
    ping.detail = Detail::at_most(small(row, 5, "pings.detail")?);
    ping.time_step = TimeStep::at_most(small(row, 6, "pings.time_step")?);
    ping.purpose = Purpose::from_code(small(row, 7, "pings.purpose")?);
    let kind = optional(row, 8, |row| small(row, 8, "pings.kind"))?;
    ping.kind = kind.and_then(MessageKind::from_code);
    let eprivacy = optional(row, 9, |row| small(row, 9, "pings.eprivacy"))?;
    ping.eprivacy = eprivacy.and_then(EprivacyGround::from_code);
    ping.owner = value(row, 12, "pings.owner")?;
    ping.asked_by = value(row, 14, "pings.asked_by")?;
    ping.shows_reference = value(row, 15, "pings.shows_reference")?;
    ping.last_day = optional(row, 10, |row| time(row, 10, "last_days.day"))?;
    let reached: Option<&str> = value(row, 16, "milestones")?;
    ping.milestones =
        reached.map(|reached| milestones::of_ping(id, reached)).transpose()?.unwrap_or_default();
    Ok(ping)
}

/// Reads an open from [`open_columns`], the first of which stands at `from`. Codes of a newer
/// version read as unknown.
pub(crate) fn open(ping: PingId, row: &PgRow, from: usize) -> Result<Open> {
    let id = open_id_of(value(row, from, "opens.id")?);
    let at = time(row, from + 1, "opens.at")?;
    let (fetcher, verdict) = (small(row, from + 2, "opens.fetcher")?, small(row, from + 4, "opens.verdict")?);
    let mut open = Open::new(ping, id, at, Fetcher::from_code(fetcher), Verdict::from_code(verdict));
    let provider = optional(row, from + 3, |row| small(row, from + 3, "opens.provider"))?;
    open.provider = provider.and_then(Provider::from_code);
    open.evidence = EvidenceSet::from_bits(value::<i64>(row, from + 5, "opens.evidence")?.cast_unsigned());
    let rules = value::<i32>(row, from + 6, "opens.rules_version")?;
    open.rules_version = u16::try_from(rules).map_err(|_| Failure::corrupt("opens.rules_version"))?;
    open.network = parsed(row, from + 7, "opens.network")?;
    open.country = parsed(row, from + 8, "opens.country")?;
    open.city = parsed(row, from + 9, "opens.city")?;
    open.time_step = TimeStep::at_most(small(row, from + 10, "opens.time_step")?);
    Ok(open)
}

/// The place of the open of a row in its ping's opens, whatever else of it cannot be read.
pub(crate) fn cursor(row: &PgRow, from: usize) -> Result<OpenCursor> {
    let id = open_id_of(value(row, from, "opens.id")?);
    Ok(OpenCursor::new(time(row, from + 1, "opens.at")?, id))
}

/// The ping of a row, whatever else of it cannot be read.
pub(crate) fn ping_id(row: &PgRow, index: usize) -> Result<PingId> {
    uuid(row, index, "pings.id")
}

/// Names the ping of a row that cannot be read, and the column, in the log.
pub(crate) fn note_damaged(row: &PgRow, ping: usize, failure: &Failure) {
    let Failure(error) = failure;
    match ping_id(row, ping) {
        Ok(ping) => tracing::error!(%ping, %error, "a row is left out"),
        Err(_) => tracing::error!(%error, "a row is left out"),
    }
}

/// As a parameter of a statement.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Reads a key and a hash in a row's first two columns, where there are any.
pub(crate) fn recipient(row: &PgRow) -> Result<Option<RecipientHash>> {
    let Some(key) = optional(row, 0, |row| fingerprint(row, 0, "pings.recipient_key"))? else {
        return Ok(None);
    };
    let hash: &[u8] = value(row, 1, "pings.recipient_hash")?;
    let hash = hash.try_into().map_err(|_| Failure::corrupt("pings.recipient_hash"))?;
    Ok(Some(RecipientHash::from_parts(key, hash)))
}

/// Reads a key in a row's first column.
pub(crate) fn key(row: &PgRow) -> Result<KeyFingerprint> {
    fingerprint(row, 0, "recipient_key")
}

pub(crate) fn fingerprint(row: &PgRow, index: usize, what: &'static str) -> Result<KeyFingerprint> {
    KeyFingerprint::from_bits(value(row, index, what)?).ok_or(Failure::corrupt(what))
}

pub(crate) fn value<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
    row: &'r PgRow,
    index: usize,
    what: &'static str,
) -> Result<T> {
    row.try_get(index).map_err(|_| Failure::corrupt(what))
}

pub(crate) fn uuid(row: &PgRow, index: usize, what: &'static str) -> Result<PingId> {
    value::<Uuid>(row, index, what).map(PingId::from)
}

/// A code, of whatever version.
fn small(row: &PgRow, index: usize, what: &'static str) -> Result<u8> {
    u8::try_from(value::<i16>(row, index, what)?).map_err(|_| Failure::corrupt(what))
}

pub(crate) fn time(row: &PgRow, index: usize, what: &'static str) -> Result<Timestamp> {
    let millis = value(row, index, what)?;
    let time = Timestamp::from_unix_millis(millis);
    if time.unix_millis() == millis { Ok(time) } else { Err(Failure::corrupt(what)) }
}

fn parsed<T: std::str::FromStr>(row: &PgRow, index: usize, what: &'static str) -> Result<Option<T>> {
    let text: Option<&str> = value(row, index, what)?;
    text.map(|text| text.parse().map_err(|_| Failure::corrupt(what))).transpose()
}

pub(crate) fn optional<T>(
    row: &PgRow,
    index: usize,
    read: impl Fn(&PgRow) -> Result<T>,
) -> Result<Option<T>> {
    if row.try_get_raw(index)?.is_null() { Ok(None) } else { read(row).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_opens_sort_as_their_bytes_and_come_back() {
        let ids = [[0; 8], [0x7f; 8], [0x80, 0, 0, 0, 0, 0, 0, 0], [0xff; 8]].map(OpenId::from_bytes);
        assert!(ids.map(open_id).is_sorted());
        assert_eq!(ids.map(|id| open_id_of(open_id(id))), ids);
    }
}
