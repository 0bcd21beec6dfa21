//! Rows: what is written of a ping and an open, and the checked way back. A value that no version has written is reported
//! by its column, never repeated.

use mailping_core::fetcher::{EvidenceSet, Fetcher, Provider, Verdict};
use mailping_core::store::KeptPing;
use mailping_core::{
    Basis, Detail, EprivacyGround, KeyFingerprint, MessageKind, Open, OpenId, Ping, PingId, Purpose,
    RecipientHash, Status, TimeStep, Timestamp,
};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Row, named_params};

use crate::failure::{Failure, Result};

pub(crate) const INSERT_PING: &str =
    "INSERT INTO pings (id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind, eprivacy,
        recipient_key, recipient_hash, reference, owner, basis)
     VALUES (:id, :status, :record_until, :keep_until, :sent_at, :detail, :time_step, :purpose, :kind, :eprivacy,
        :recipient_key, :recipient_hash, :reference, :owner, :basis)";

pub(crate) const INSERT_OPEN: &str =
    "INSERT INTO opens (ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (ping, id) DO NOTHING";

pub(crate) const INSERT_ARRIVAL: &str =
    "INSERT INTO arrivals (ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city, seq)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

/// Copies one row into the tree: nothing where it is gone, or its open is in the tree. Where it fails the transaction is taken back as a
/// whole, so FAIL will do: the usual ABORT keeps a copy of the page for each row.
pub(crate) const FOLD_ARRIVAL: &str =
    "INSERT OR FAIL INTO opens
        (ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city)
     SELECT ping, id, at, time_step, fetcher, provider, verdict, evidence, rules_version, network, country, city
     FROM arrivals WHERE seq = ?1 ON CONFLICT (ping, id) DO NOTHING";

/// The columns that [`open`] reads, to stand after SELECT.
macro_rules! open_columns {
    () => {
        "id, at, fetcher, provider, verdict, evidence, rules_version, network, country, city, time_step"
    };
}
pub(crate) use open_columns;

/// The columns that [`ping`] reads, to stand after SELECT.
macro_rules! ping_columns {
    () => {
        "id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind, eprivacy, last_day, reference,
            owner, basis"
    };
}
pub(crate) use ping_columns;

pub(crate) fn insert_ping(
    statement: &mut CachedStatement<'_>,
    ping: &Ping,
    status: Status,
    recipient: Option<&RecipientHash>,
) -> Result<()> {
    let basis = serde_json::to_string(&ping.basis).map_err(mailping_core::StoreError::unavailable)?;
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
    })?;
    Ok(())
}

/// How many rows it made: none where the open was kept before.
pub(crate) fn insert_open(statement: &mut CachedStatement<'_>, open: &Open) -> Result<usize> {
    bind_open(statement, open)?;
    Ok(statement.raw_execute()?)
}

pub(crate) fn insert_arrival(statement: &mut CachedStatement<'_>, seq: i64, open: &Open) -> Result<()> {
    bind_open(statement, open)?;
    statement.raw_bind_parameter(13, seq)?;
    statement.raw_execute()?;
    Ok(())
}

/// Binds the first twelve parameters.
fn bind_open(statement: &mut CachedStatement<'_>, open: &Open) -> Result<()> {
    statement.raw_bind_parameter(1, open.ping.as_bytes())?;
    statement.raw_bind_parameter(2, open.id.as_bytes())?;
    statement.raw_bind_parameter(3, open.at.unix_millis())?;
    statement.raw_bind_parameter(4, open.time_step.code())?;
    statement.raw_bind_parameter(5, open.fetcher.code())?;
    statement.raw_bind_parameter(6, open.provider.map(Provider::code))?;
    statement.raw_bind_parameter(7, open.verdict.code())?;
    statement.raw_bind_parameter(8, open.evidence.bits().cast_signed())?;
    statement.raw_bind_parameter(9, open.rules_version)?;
    statement.raw_bind_parameter(10, open.network.map(|network| network.to_string()))?;
    statement.raw_bind_parameter(11, open.country.as_ref().map(|country| country.as_str()))?;
    statement.raw_bind_parameter(12, open.city.as_ref().map(|city| city.as_str()))?;
    Ok(())
}

/// Reads a row of [`ping_columns`].
pub(crate) fn ping(row: &Row<'_>) -> Result<KeptPing> {
    let id = PingId::from_bytes(Column::new(row, 0, "pings.id")?.bytes()?);
    let basis = Column::new(row, 13, "pings.basis")?;
    let basis: Basis = serde_json::from_str(basis.text()?).map_err(|_| basis.corrupt())?;
    let status = Column::new(row, 1, "pings.status")?.code(Status::from_code)?;
    let reference = Column::new(row, 11, "pings.reference")?;
    let mut ping = Ping::stored(id, reference.text()?.to_owned(), basis, status);
    ping.record_until = Column::new(row, 2, "pings.record_until")?.time()?;
    ping.keep_until = Column::new(row, 3, "pings.keep_until")?.time()?;
    ping.sent_at = Column::new(row, 4, "pings.sent_at")?.time()?;
    ping.detail = Column::new(row, 5, "pings.detail")?.code(Detail::from_code)?;
    ping.time_step = Column::new(row, 6, "pings.time_step")?.code(TimeStep::from_code)?;
    ping.purpose = Column::new(row, 7, "pings.purpose")?.code(Purpose::from_code)?;
    let kind = Column::new(row, 8, "pings.kind")?.optional();
    ping.kind = kind.map(|column| column.code(MessageKind::from_code)).transpose()?;
    let eprivacy = Column::new(row, 9, "pings.eprivacy")?.optional();
    ping.eprivacy = eprivacy.map(|column| column.code(EprivacyGround::from_code)).transpose()?;
    let last_day = Column::new(row, 10, "pings.last_day")?.optional();
    let last_day = last_day.map(|column| column.time()).transpose()?;
    let owner = Column::new(row, 12, "pings.owner")?.optional();
    ping.owner = owner.map(|column| column.text().map(str::to_owned)).transpose()?;
    Ok(KeptPing::new(ping, last_day))
}

/// Reads a row of [`open_columns`].
pub(crate) fn open(ping: PingId, row: &Row<'_>) -> Result<Open> {
    let id = OpenId::from_bytes(Column::new(row, 0, "opens.id")?.bytes()?);
    let at = Column::new(row, 1, "opens.at")?.time()?;
    let fetcher = Column::new(row, 2, "opens.fetcher")?.code(Fetcher::from_code)?;
    let verdict = Column::new(row, 4, "opens.verdict")?.code(Verdict::from_code)?;
    let mut open = Open::new(ping, id, at, fetcher, verdict);
    let provider = Column::new(row, 3, "opens.provider")?.optional();
    open.provider = provider.map(|column| column.code(Provider::from_code)).transpose()?;
    let evidence = Column::new(row, 5, "opens.evidence")?;
    let bits = evidence.integer()?.cast_unsigned();
    open.evidence = EvidenceSet::from_bits(bits).ok_or_else(|| evidence.corrupt())?;
    let rules = Column::new(row, 6, "opens.rules_version")?;
    open.rules_version = u16::try_from(rules.integer()?).map_err(|_| rules.corrupt())?;
    open.network = Column::new(row, 7, "opens.network")?.optional().map(|c| c.parsed()).transpose()?;
    open.country = Column::new(row, 8, "opens.country")?.optional().map(|c| c.parsed()).transpose()?;
    open.city = Column::new(row, 9, "opens.city")?.optional().map(|c| c.parsed()).transpose()?;
    open.time_step = Column::new(row, 10, "opens.time_step")?.code(TimeStep::from_code)?;
    Ok(open)
}

/// Reads the id of a ping.
pub(crate) fn ping_id(row: &Row<'_>, index: usize) -> Result<PingId> {
    Ok(PingId::from_bytes(Column::new(row, index, "pings.id")?.bytes()?))
}

/// Reads a last day.
pub(crate) fn day(row: &Row<'_>, index: usize) -> Result<Timestamp> {
    Column::new(row, index, "last_day")?.time()
}

/// Reads a key and a hash in a row's first two columns, where there are any.
pub(crate) fn recipient(row: &Row<'_>) -> Result<Option<RecipientHash>> {
    let Some(key) = Column::new(row, 0, "pings.recipient_key")?.optional() else { return Ok(None) };
    let hash = Column::new(row, 1, "pings.recipient_hash")?.bytes()?;
    Ok(Some(RecipientHash::from_parts(key.key()?, hash)))
}

/// Reads a key in a row's first column.
pub(crate) fn key(row: &Row<'_>) -> Result<KeyFingerprint> {
    Column::new(row, 0, "recipient_key")?.key()
}

/// One value of a row, with the name to report where it is broken.
struct Column<'a> {
    value: ValueRef<'a>,
    what: &'static str,
}

impl<'a> Column<'a> {
    fn new(row: &'a Row<'_>, index: usize, what: &'static str) -> Result<Self> {
        Ok(Self { value: row.get_ref(index)?, what })
    }

    const fn corrupt(&self) -> Failure {
        Failure::corrupt(self.what)
    }

    fn optional(self) -> Option<Self> {
        (self.value != ValueRef::Null).then_some(self)
    }

    fn integer(&self) -> Result<i64> {
        self.value.as_i64().map_err(|_| self.corrupt())
    }

    fn text(&self) -> Result<&'a str> {
        self.value.as_str().map_err(|_| self.corrupt())
    }

    fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let blob = self.value.as_blob().map_err(|_| self.corrupt())?;
        blob.try_into().map_err(|_| self.corrupt())
    }

    fn parsed<T: std::str::FromStr>(&self) -> Result<T> {
        self.text()?.parse().map_err(|_| self.corrupt())
    }

    fn code<T>(&self, from_code: impl Fn(u8) -> Option<T>) -> Result<T> {
        u8::try_from(self.integer()?).ok().and_then(from_code).ok_or_else(|| self.corrupt())
    }

    fn key(&self) -> Result<KeyFingerprint> {
        KeyFingerprint::from_bits(self.integer()?).ok_or_else(|| self.corrupt())
    }

    fn time(&self) -> Result<Timestamp> {
        let millis = self.integer()?;
        let time = Timestamp::from_unix_millis(millis);
        if time.unix_millis() == millis { Ok(time) } else { Err(self.corrupt()) }
    }
}
