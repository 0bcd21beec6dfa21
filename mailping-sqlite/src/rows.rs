//! Rows: what is written of a ping and an open, and the checked way back. A value that no version
//! has written is reported by its column, never repeated; a code that a newer version has added is
//! `unknown`, and a rung or a step between two the lower of them.

use mailping_core::fetcher::{EvidenceSet, Fetcher, Provider, Verdict};
use mailping_core::pings::{EprivacyGround, MessageKind, Ping, Purpose, Status, TimeStep};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{KeyFingerprint, RecipientHash, StoreError};
use mailping_core::{Basis, Detail, PingId, Timestamp};
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, Row, Statement, params};

use crate::failure::{Failure, Result};
use crate::walk::FAR;

/// By its number in the table itself: what an index says could be another ping's. As all columns of
/// the schema, which are only ever added to at their end.
pub(crate) const PING: &str =
    "SELECT (SELECT day FROM last_days WHERE last_days.ping = n), * FROM pings NOT INDEXED
    WHERE n = ?1";

/// Opens from a number on, as [`open`] reads them.
pub(crate) const OPENS: &str = "SELECT * FROM opens WHERE seq >= ?1 ORDER BY seq";

/// If it fails the transaction is taken back as a whole, so FAIL will do: the usual ABORT may keep
/// copies of pages.
pub(crate) const INSERT_OPEN: &str =
    "INSERT OR FAIL INTO opens (seq, ping, id, at, time_step, fetcher, provider, verdict, evidence,
        rules_version, network, country, city, tie)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

/// The greatest number that an open has ever had.
pub(crate) fn last_open(connection: &Connection) -> Result<i64> {
    const LAST: &str = "SELECT max(deleted_to, coalesce((SELECT max(seq) FROM opens), 0)) FROM about";
    let last = connection.prepare_cached(LAST)?.query_row((), |row| row.get(0))?;
    if last < FAR { Ok(last) } else { Err(Failure::corrupt("the numbers of opens")) }
}

pub(crate) fn insert_ping(
    connection: &Connection,
    ping: &Ping,
    status: Status,
    recipient: Option<&RecipientHash>,
) -> Result<()> {
    const INSERT: &str =
        "INSERT INTO pings (id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind, eprivacy,
            recipient_key, recipient_hash, reference, owner, basis, asked_by, shows_reference)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    connection.prepare_cached(INSERT)?.execute(params![
        ping.id.as_bytes(),
        status.code(),
        ping.record_until.unix_millis(),
        ping.keep_until.unix_millis(),
        ping.sent_at.unix_millis(),
        ping.detail.code(),
        ping.time_step.code(),
        ping.purpose.code(),
        ping.kind.map(MessageKind::code),
        ping.eprivacy.map(EprivacyGround::code),
        recipient.map(|hash| hash.key().to_bits()),
        recipient.map(RecipientHash::hash),
        ping.reference,
        ping.owner,
        serde_json::to_string(&ping.basis).map_err(StoreError::unavailable)?,
        ping.asked_by,
        ping.shows_reference,
    ])?;
    Ok(())
}

/// Reads a row of [`PING`].
pub(crate) fn ping(row: &Row<'_>) -> Result<Ping> {
    let id = PingId::from_bytes(value(row, 2, "pings.id")?);
    let status = Status::from_code(value(row, 3, "pings.status")?);
    let basis: String = value(row, 16, "pings.basis")?;
    let basis = serde_json::from_str::<serde_json::Value>(&basis)
        .and_then(Basis::from_stored)
        .map_err(|_| Failure::corrupt("pings.basis"))?;
    let mut ping = Ping::stored(id, value(row, 14, "pings.reference")?, basis, status);
    ping.record_until = time(row, 4, "pings.record_until")?;
    ping.keep_until = time(row, 5, "pings.keep_until")?;
    ping.sent_at = time(row, 6, "pings.sent_at")?;
    ping.detail = Detail::at_most(value(row, 7, "pings.detail")?);
    ping.time_step = TimeStep::at_most(value(row, 8, "pings.time_step")?);
    ping.purpose = Purpose::from_code(value(row, 9, "pings.purpose")?);
    ping.kind = value::<Option<u8>>(row, 10, "pings.kind")?.and_then(MessageKind::from_code);
    ping.eprivacy = value::<Option<u8>>(row, 11, "pings.eprivacy")?.and_then(EprivacyGround::from_code);
    ping.owner = value(row, 15, "pings.owner")?;
    ping.asked_by = value(row, 17, "pings.asked_by")?;
    ping.shows_reference = value(row, 18, "pings.shows_reference")?;
    let has_day = row.get_ref(0)? != ValueRef::Null;
    ping.last_day = if has_day { Some(time(row, 0, "last_days.day")?) } else { None };
    Ok(ping)
}

/// Reads the key and the hash of a row of [`PING`], if there are any.
pub(crate) fn recipient(row: &Row<'_>) -> Result<Option<RecipientHash>> {
    let Some(key) = value(row, 12, "pings.recipient_key")? else { return Ok(None) };
    let key = KeyFingerprint::from_bits(key).ok_or(Failure::corrupt("pings.recipient_key"))?;
    Ok(Some(RecipientHash::from_parts(key, value(row, 13, "pings.recipient_hash")?)))
}

/// Appends an open with this number, of the ping with that one, by [`INSERT_OPEN`].
pub(crate) fn insert_open(insert: &mut Statement<'_>, seq: i64, ping: i64, open: &Open) -> Result<()> {
    insert.execute(params![
        seq,
        ping,
        open.id.as_bytes(),
        open.at.unix_millis(),
        open.time_step.code(),
        open.fetcher.code(),
        open.provider.map(Provider::code),
        open.verdict.code(),
        open.evidence.bits().cast_signed(),
        open.rules_version,
        open.network.map(|network| network.to_string()),
        open.country.as_ref().map(|country| country.as_str()),
        open.city.as_ref().map(|city| city.as_str()),
        tie(open),
    ])?;
    Ok(())
}

/// Reads a row of [`OPENS`]. An error if it is no open of this ping.
pub(crate) fn open(row: &Row<'_>, ping: PingId) -> Result<Open> {
    let id = OpenId::from_bytes(value(row, 2, "opens.id")?);
    let at = time(row, 3, "opens.at")?;
    let fetcher = Fetcher::from_code(value(row, 5, "opens.fetcher")?);
    let verdict = Verdict::from_code(value(row, 7, "opens.verdict")?);
    let mut open = Open::new(ping, id, at, fetcher, verdict);
    open.time_step = TimeStep::at_most(value(row, 4, "opens.time_step")?);
    open.provider = value::<Option<u8>>(row, 6, "opens.provider")?.and_then(Provider::from_code);
    open.evidence = EvidenceSet::from_bits(value::<i64>(row, 8, "opens.evidence")?.cast_unsigned());
    open.rules_version = value(row, 9, "opens.rules_version")?;
    open.network = parsed(row, 10, "opens.network")?;
    open.country = parsed(row, 11, "opens.country")?;
    open.city = parsed(row, 12, "opens.city")?;
    if value::<i64>(row, 13, "opens.tie")? != i64::from(tie(&open)) {
        return Err(Failure::corrupt("opens.tie"));
    }
    Ok(open)
}

/// What binds an open to its ping: FNV-1a of the ping's id, the open's id and its time. A flipped
/// bit in any of them, and a number that a ping took over from another in a file put together from
/// two states, is told by it.
fn tie(open: &Open) -> u32 {
    sum(&[open.ping.as_bytes(), open.id.as_bytes(), &open.at.unix_millis().to_be_bytes()])
}

/// FNV-1a of all parts.
pub(crate) fn sum(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    bytes.fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// One value of a row; an error that names its column if it is of another type or size.
pub(crate) fn value<T: FromSql>(row: &Row<'_>, index: usize, what: &'static str) -> Result<T> {
    row.get(index).map_err(|_| Failure::corrupt(what))
}

pub(crate) fn time(row: &Row<'_>, index: usize, what: &'static str) -> Result<Timestamp> {
    let millis = value(row, index, what)?;
    let time = Timestamp::from_unix_millis(millis);
    if time.unix_millis() == millis { Ok(time) } else { Err(Failure::corrupt(what)) }
}

pub(crate) fn parsed<T: std::str::FromStr>(
    row: &Row<'_>,
    index: usize,
    what: &'static str,
) -> Result<Option<T>> {
    let text = row.get_ref(index)?.as_str_or_null().map_err(|_| Failure::corrupt(what))?;
    text.map(str::parse).transpose().map_err(|_| Failure::corrupt(what))
}
