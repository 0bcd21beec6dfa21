//! The names of the codes, in a table for people who read with SQL. A newer version's names stay.

use mailping_core::Detail;
use mailping_core::fetcher::{Evidence, Fetcher, Provider, Verdict};
use mailping_core::pings::{EprivacyGround, MessageKind, Purpose, Status, TimeStep};
use rusqlite::Connection;

use crate::failure::Result;

/// Brings the names up to date. It writes only what is missing or was called otherwise.
pub(crate) fn refresh(connection: &Connection) -> Result<()> {
    let mut write = connection.prepare(
        "INSERT INTO names (list, code, name) VALUES (?1, ?2, ?3)
         ON CONFLICT (list, code) DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
    )?;
    macro_rules! write {
        ($($name:literal of $kind:ty),+ $(,)?) => {
            $(for one in <$kind>::ALL {
                write.execute(($name, one.code(), one.as_str()))?;
            })+
        };
    }
    write! {
        "fetcher" of Fetcher,
        "provider" of Provider,
        "verdict" of Verdict,
        "time_step" of TimeStep,
        "detail" of Detail,
        "status" of Status,
        "purpose" of Purpose,
        "kind" of MessageKind,
        "eprivacy" of EprivacyGround,
    }
    for one in Evidence::ALL {
        write.execute(("evidence", *one as u8, one.as_str()))?;
    }
    Ok(())
}
