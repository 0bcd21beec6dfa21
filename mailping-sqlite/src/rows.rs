//! Rows: what is written of a ping and an open, and the checked way back. A value that no version has written is reported
//! by its column, never repeated.

use mailping_core::pings::{EprivacyGround, MessageKind, Ping, Purpose, Status, TimeStep};
use mailping_core::store::KeptPing;
use mailping_core::store::{KeyFingerprint, RecipientHash};
use mailping_core::{Basis, Detail, PingId, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Row, named_params};

use crate::failure::{Failure, Result};

mod open;

pub(crate) use open::{INSERT_OPEN, KeptFields, KeptOpen, open_columns};

pub(crate) const INSERT_PING: &str =
    "INSERT INTO pings (id, status, record_until, keep_until, sent_at, detail, time_step, purpose, kind, eprivacy,
        recipient_key, recipient_hash, reference, owner, basis)
     VALUES (:id, :status, :record_until, :keep_until, :sent_at, :detail, :time_step, :purpose, :kind, :eprivacy,
        :recipient_key, :recipient_hash, :reference, :owner, :basis)";

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
    })?;
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

    fn small<T: TryFrom<i64>>(&self) -> Result<T> {
        T::try_from(self.integer()?).map_err(|_| self.corrupt())
    }

    fn code<T>(&self, from_code: impl Fn(u8) -> Option<T>) -> Result<T> {
        from_code(self.small()?).ok_or_else(|| self.corrupt())
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
