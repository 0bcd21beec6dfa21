//! The step from schema 3 to 4 that no SQL can do: opens in rows become bundles.

use mailping_core::PingId;
use rusqlite::Transaction;

use crate::bundles::{Folding, LONGEST};
use crate::failure::Result;
use crate::rows::{self, KeptFields, open_columns};

pub(super) fn bundle_opens(transaction: &Transaction<'_>) -> Result<()> {
    let mut find = transaction.prepare(concat!(
        "SELECT ",
        open_columns!(),
        ", ping FROM opens_in_rows ORDER BY ping, at, id"
    ))?;
    let mut found = find.query(())?;
    let mut of_ping = (None, Vec::new());
    while let Some(row) = found.next()? {
        // What could not be read could not be shown either, and must not keep the rest from being used.
        let fields = KeptFields::read(row).and_then(|fields| fields.packed());
        let (Ok(ping), Some(fields)) =
            (rows::ping_id(row, 11), fields.ok().filter(|fields| fields.len() <= LONGEST))
        else {
            tracing::error!("an open in the database file is damaged and cannot be brought forward");
            continue;
        };
        if of_ping.0 != Some(ping) {
            insert(transaction, std::mem::replace(&mut of_ping, (Some(ping), Vec::new())))?;
        }
        of_ping.1.push(fields);
    }
    insert(transaction, of_ping)?;
    drop(found);
    drop(find);
    Ok(transaction.execute_batch("DROP TABLE opens_in_rows")?)
}

/// Their numbers are below those of all that arrives.
fn insert(transaction: &Transaction<'_>, (ping, opens): (Option<PingId>, Vec<Vec<u8>>)) -> Result<()> {
    let Some(ping) = ping else { return Ok(()) };
    let mut folding = Folding::of(ping);
    for (number, fields) in (-(opens.len() as i64)..).zip(&opens) {
        folding.add(number, fields);
    }
    folding.insert(transaction)
}
