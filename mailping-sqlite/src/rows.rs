//! Rows: what is written of a ping and an open, and the checked way back. A value that no version
//! has written is reported by its column, never repeated; a code that a newer version has added is
//! `unknown`, and a rung or a step between two the lower of them.

use mailping_core::fetcher::{EvidenceSet, Fetcher, Provider, Verdict};
use mailping_core::pings::{EprivacyGround, MessageKind, Ping, Purpose, Status, TimeStep};
use mailping_core::receipts::{Open, OpenId};
use mailping_core::store::{KeyFingerprint, RecipientHash};
use mailping_core::{Basis, Detail, PingId, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Row, named_params};

use crate::failure::{Failure, Result};

pub(crate) const INSERT_PING: &str =
    "INSERT INTO pings (id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind, eprivacy,
        recipient_key, recipient_hash, reference, owner, basis, asked_by, shows_reference)
     VALUES (:id, :status, :record_until, :keep_until, :sent_at, :detail, :time_step, :purpose, :kind, :eprivacy,
        :recipient_key, :recipient_hash, :reference, :owner, :basis, :asked_by, :shows_reference)";

/// By its number in the table itself: what an index says could be another ping's.
pub(crate) const PING: &str =
    "SELECT id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind,
        eprivacy, reference, owner, basis, recipient_key, recipient_hash,
        (SELECT day FROM last_days WHERE last_days.ping = pings.n), asked_by, shows_reference
     FROM pings NOT INDEXED WHERE n = ?1";

pub(crate) const OPEN: &str =
    "SELECT ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version,
        network, country, city, tie FROM opens WHERE seq = ?1";

/// How many columns an open is inserted with.
pub(crate) const OPEN_COLUMNS: usize = 13;

pub(crate) fn insert_ping(
    statement: &mut CachedStatement<'_>,
    ping: &Ping,
    status: Status,
    recipient: Option<&RecipientHash>,
) -> Result<()> {
    let basis = serde_json::to_string(&ping.basis).map_err(mailping_core::store::StoreError::unavailable)?;
    statement.execute(named_params! {
        ":id": ping.id.as_bytes(),
        ":status": status.code(),
        ":record_until": ping.record_until.unix_millis(),
        ":keep_until": ping.keep_until.unix_millis(),
        ":sent_at": ping.sent_at.unix_millis(),
        ":detail": ping.detail.code(),
        ":time_step": ping.time_step.code(),
        ":purpose": ping.purpose.code(),
        ":kind": ping.kind.map(MessageKind::code),
        ":eprivacy": ping.eprivacy.map(EprivacyGround::code),
        ":recipient_key": recipient.map(|hash| hash.key().to_bits()),
        ":recipient_hash": recipient.map(RecipientHash::hash),
        ":reference": ping.reference,
        ":owner": ping.owner,
        ":basis": basis,
        ":asked_by": ping.asked_by,
        ":shows_reference": ping.shows_reference,
    })?;
    Ok(())
}

/// Reads a row of [`PING`].
pub(crate) fn ping(row: &Row<'_>) -> Result<Ping> {
    let id = PingId::from_bytes(Column::new(row, 0, "pings.id")?.bytes()?);
    let basis = Column::new(row, 12, "pings.basis")?;
    let basis = serde_json::from_str::<serde_json::Value>(basis.text()?)
        .and_then(Basis::from_stored)
        .map_err(|_| basis.corrupt())?;
    let status = Status::from_code(Column::new(row, 1, "pings.status")?.small()?);
    let reference = Column::new(row, 10, "pings.reference")?;
    let mut ping = Ping::stored(id, reference.text()?.to_owned(), basis, status);
    ping.record_until = Column::new(row, 2, "pings.record_until")?.time()?;
    ping.keep_until = Column::new(row, 3, "pings.keep_until")?.time()?;
    ping.sent_at = Column::new(row, 4, "pings.sent_at")?.time()?;
    ping.detail = Detail::at_most(Column::new(row, 5, "pings.detail")?.small()?);
    ping.time_step = TimeStep::at_most(Column::new(row, 6, "pings.time_step")?.small()?);
    ping.purpose = Purpose::from_code(Column::new(row, 7, "pings.purpose")?.small()?);
    ping.kind = Column::new(row, 8, "pings.kind")?.known(MessageKind::from_code)?;
    ping.eprivacy = Column::new(row, 9, "pings.eprivacy")?.known(EprivacyGround::from_code)?;
    let owner = Column::new(row, 11, "pings.owner")?.optional();
    ping.owner = owner.map(|column| column.text().map(str::to_owned)).transpose()?;
    let asked_by = Column::new(row, 16, "pings.asked_by")?.optional();
    ping.asked_by = asked_by.map(|column| column.text().map(str::to_owned)).transpose()?;
    ping.shows_reference = Column::new(row, 17, "pings.shows_reference")?.integer()? != 0;
    let last_day = Column::new(row, 15, "last_days.day")?.optional();
    ping.last_day = last_day.map(|column| column.time()).transpose()?;
    Ok(ping)
}

/// Reads the key and the hash of a row of [`PING`], if there are any.
pub(crate) fn recipient(row: &Row<'_>) -> Result<Option<RecipientHash>> {
    let Some(key) = Column::new(row, 13, "pings.recipient_key")?.optional() else { return Ok(None) };
    let hash = Column::new(row, 14, "pings.recipient_hash")?.bytes()?;
    Ok(Some(RecipientHash::from_parts(key.key()?, hash)))
}

/// Binds an open of the ping with this number, from the parameter `first` on.
pub(crate) fn bind_open(
    statement: &mut CachedStatement<'_>,
    first: usize,
    ping: i64,
    open: &Open,
) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(first, ping)?;
    statement.raw_bind_parameter(first + 1, open.id.as_bytes())?;
    statement.raw_bind_parameter(first + 2, open.at.unix_millis())?;
    statement.raw_bind_parameter(first + 3, open.time_step.code())?;
    statement.raw_bind_parameter(first + 4, open.fetcher.code())?;
    statement.raw_bind_parameter(first + 5, open.provider.map(Provider::code))?;
    statement.raw_bind_parameter(first + 6, open.verdict.code())?;
    statement.raw_bind_parameter(first + 7, open.evidence.bits().cast_signed())?;
    statement.raw_bind_parameter(first + 8, open.rules_version)?;
    statement.raw_bind_parameter(first + 9, open.network.map(|network| network.to_string()))?;
    statement.raw_bind_parameter(first + 10, open.country.as_ref().map(|country| country.as_str()))?;
    statement.raw_bind_parameter(first + 11, open.city.as_ref().map(|city| city.as_str()))?;
    statement.raw_bind_parameter(first + 12, tie(open))
}

/// What binds an open to its ping: FNV-1a of the ping's id, the open's id and its time. A flipped
/// bit in any of them, and a number that a ping took over from another in a file put together from
/// two states, is told by it.
fn tie(open: &Open) -> u32 {
    let at = open.at.unix_millis().to_be_bytes();
    let bytes = open.ping.as_bytes().iter().chain(open.id.as_bytes()).chain(&at);
    bytes.fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Reads a row of [`OPEN`], with the number of its ping.
pub(crate) fn open(row: &Row<'_>, ping: PingId) -> Result<(i64, Open)> {
    let n = Column::new(row, 0, "opens.ping")?.integer()?;
    let id = OpenId::from_bytes(Column::new(row, 1, "opens.id")?.bytes()?);
    let at = Column::new(row, 2, "opens.at")?.time()?;
    let fetcher = Fetcher::from_code(Column::new(row, 4, "opens.fetcher")?.small()?);
    let verdict = Verdict::from_code(Column::new(row, 6, "opens.verdict")?.small()?);
    let mut open = Open::new(ping, id, at, fetcher, verdict);
    open.time_step = TimeStep::at_most(Column::new(row, 3, "opens.time_step")?.small()?);
    open.provider = Column::new(row, 5, "opens.provider")?.known(Provider::from_code)?;
    open.evidence = EvidenceSet::from_bits(Column::new(row, 7, "opens.evidence")?.integer()?.cast_unsigned());
    open.rules_version = Column::new(row, 8, "opens.rules_version")?.small()?;
    open.network = Column::new(row, 9, "opens.network")?.parsed()?;
    open.country = Column::new(row, 10, "opens.country")?.parsed()?;
    open.city = Column::new(row, 11, "opens.city")?.parsed()?;
    if Column::new(row, 12, "opens.tie")?.integer()? != i64::from(tie(&open)) {
        return Err(Failure::corrupt("opens.tie"));
    }
    Ok((n, open))
}

/// Reads a key in a row's first column.
pub(crate) fn key(row: &Row<'_>) -> Result<KeyFingerprint> {
    Column::new(row, 0, "recipient_key")?.key()
}

/// One value of a row, with the name to report if it is broken.
pub(crate) struct Column<'a> {
    value: ValueRef<'a>,
    what: &'static str,
}

impl<'a> Column<'a> {
    pub(crate) fn new(row: &'a Row<'_>, index: usize, what: &'static str) -> Result<Self> {
        Ok(Self { value: row.get_ref(index)?, what })
    }

    const fn corrupt(&self) -> Failure {
        Failure::corrupt(self.what)
    }

    pub(crate) fn optional(self) -> Option<Self> {
        (self.value != ValueRef::Null).then_some(self)
    }

    pub(crate) fn integer(&self) -> Result<i64> {
        self.value.as_i64().map_err(|_| self.corrupt())
    }

    pub(crate) fn text(&self) -> Result<&'a str> {
        self.value.as_str().map_err(|_| self.corrupt())
    }

    pub(crate) fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let blob = self.value.as_blob().map_err(|_| self.corrupt())?;
        blob.try_into().map_err(|_| self.corrupt())
    }

    pub(crate) fn small<T: TryFrom<i64>>(&self) -> Result<T> {
        T::try_from(self.integer()?).map_err(|_| self.corrupt())
    }

    pub(crate) fn parsed<T: std::str::FromStr>(self) -> Result<Option<T>> {
        let Some(column) = self.optional() else { return Ok(None) };
        column.text()?.parse().map(Some).map_err(|_| column.corrupt())
    }

    /// `None` if there is none, or one that only a newer version knows.
    fn known<T>(self, from_code: impl Fn(u8) -> Option<T>) -> Result<Option<T>> {
        let Some(column) = self.optional() else { return Ok(None) };
        column.small().map(from_code)
    }

    pub(crate) fn key(&self) -> Result<KeyFingerprint> {
        KeyFingerprint::from_bits(self.integer()?).ok_or_else(|| self.corrupt())
    }

    pub(crate) fn time(&self) -> Result<Timestamp> {
        let millis = self.integer()?;
        let time = Timestamp::from_unix_millis(millis);
        if time.unix_millis() == millis { Ok(time) } else { Err(self.corrupt()) }
    }
}
