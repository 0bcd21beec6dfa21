//! The rows of sealing: read and written as they are, understood by the core alone.

use mailping_core::pings::{Ping, Status};
use mailping_core::store::{
    Anew, EndReason, Ending, Entered, KeyFingerprint, Ledger, NewStatement, Page, PingSecret, PingStatements,
    RecipientHashes, SealRow, SealedPing, StampRow, Step,
};
use mailping_core::{PingId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::changes;
use crate::failure::{Failure, Result, readable};
use crate::rows::{time, value};

/// What goes with a ping of this number, the nonce first: in its place, since a row that is deleted
/// has SQLite move its neighbours, and leave copies of them.
pub(crate) const FORGET: [&str; 3] = [
    "UPDATE nonces SET nonce = zeroblob(32)
     WHERE n = (SELECT nonce FROM sealed_pings WHERE ping = (SELECT id FROM pings WHERE n = ?1))",
    "DELETE FROM sealed_pings WHERE ping = (SELECT id FROM pings WHERE n = ?1)",
    "DELETE FROM statements WHERE ping = (SELECT id FROM pings WHERE n = ?1)",
];

/// The nonces that no ping has.
pub(crate) const FORGET_ORPHANS: &str =
    "UPDATE nonces SET nonce = zeroblob(32) WHERE n NOT IN (SELECT nonce FROM sealed_pings)";

pub(crate) fn insert_sealed(
    connection: &Connection,
    ping: &Ping,
    recipient: Option<&RecipientHashes>,
    secret: &PingSecret,
    created: &NewStatement,
) -> Result<Entered> {
    const NONCE: &str = "INSERT INTO nonces (nonce) VALUES (?1)";
    const SECRET: &str = "INSERT INTO sealed_pings (ping, nonce, key, first, ends_at)
        VALUES (?1, last_insert_rowid(), ?2, ?3, ?4)";
    let now = ledger(connection)?;
    if created.ends <= now.closed_to {
        return Ok(Entered::Closed(now.closed_to));
    }
    let status = changes::insert_ping(connection, ping, recipient)?;
    let has_ended = status == Status::Closed || status == Status::Withdrawn && ping.asked_by.is_none();
    let ends_at = if has_ended { 0 } else { ping.record_until.unix_millis() };
    let (id, key, first) = (ping.id.as_bytes(), secret.key.to_bits(), now.next.cast_signed());
    connection.prepare_cached(NONCE)?.execute([secret.nonce])?;
    connection.prepare_cached(SECRET)?.execute(params![id, key, first, ends_at])?;
    add(connection, &[NewStatement { seal: now.next, ..created.clone() }])?;
    Ok(Entered::Kept(status))
}

/// Adds statements of pings that are there.
fn add(connection: &Connection, statements: &[NewStatement]) -> Result<()> {
    const IS_SEALED: &str = "SELECT 1 FROM sealed_pings WHERE ping = ?1";
    // Not an upsert: SQLite copies each page that one changes, to take it back alone.
    const ADD: &str = "INSERT INTO statements (ping, name, seal, ends, line) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO NOTHING";
    const RAISE: &str = "UPDATE statements SET ends = ?3, line = ?4 WHERE ping = ?1 AND name = ?2";
    let (mut is_sealed, mut add) = (connection.prepare_cached(IS_SEALED)?, connection.prepare_cached(ADD)?);
    for of_ping in statements.chunk_by(|one, next| one.ping == next.ping) {
        for (place, NewStatement { ping, name, seal, ends, line }) in of_ping.iter().enumerate() {
            let (ping, ends) = (ping.as_bytes(), ends.unix_millis());
            if place == 0 && !is_sealed.exists([ping])? {
                break;
            }
            let is_new = add.execute(params![ping, name, seal.cast_signed(), ends, line])? > 0;
            if !is_new && name == "last_day" {
                connection.prepare_cached(RAISE)?.execute(params![ping, name, ends, line])?;
            }
        }
    }
    Ok(())
}

pub(crate) fn ledger(connection: &Connection) -> Result<Ledger> {
    let mut find = connection.prepare_cached("SELECT version, next, closed_to, text FROM ledger")?;
    find.query_row((), |row| Ok(read_ledger(row)))?
}

fn read_ledger(row: &Row<'_>) -> Result<Ledger> {
    let closed_to = time(row, 2, "ledger.closed_to")?;
    let text = value(row, 3, "ledger.text")?;
    Ok(Ledger::new(number(row, 0, "ledger.version")?, number(row, 1, "ledger.next")?, closed_to, text))
}

fn number(row: &Row<'_>, index: usize, what: &'static str) -> Result<u64> {
    value::<i64>(row, index, what)?.try_into().map_err(|_| Failure::corrupt(what))
}

pub(crate) fn step(connection: &Connection, from: u64, step: &Step) -> Result<bool> {
    const TOO_EARLY: &str = "SELECT 1 FROM statements WHERE seal >= ?1 AND seal < ?2 AND ends > ?3 LIMIT 1";
    const MOVE: &str = "UPDATE ledger SET version = version + 1, next = ?1, closed_to = ?2, text = ?3";
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<usize> {
        Ok(connection.prepare_cached(sql)?.execute(values)?)
    };
    let now = ledger(connection)?;
    let (next, closed_to) = (step.next.cast_signed(), step.closed_to.unix_millis());
    let closes = params![now.next.cast_signed(), next, closed_to];
    if now.version != from || connection.prepare_cached(TOO_EARLY)?.exists(closes)? {
        return Ok(false);
    }
    run(MOVE, params![next, closed_to, step.text])?;
    if let Some(anew) = step.anew {
        begin_anew(connection, anew)?;
    }
    add(connection, &step.statements)?;
    for (ping, last) in &step.ended {
        const END: &str = "UPDATE sealed_pings SET last = ?2 WHERE ping = ?1 AND last IS NULL";
        const EXPIRE: &str = "UPDATE pings SET status = ?2 WHERE id = ?1 AND status = 0";
        if run(END, params![ping.as_bytes(), last.cast_signed()])? > 0 {
            run(EXPIRE, params![ping.as_bytes(), Status::Expired.code()])?;
        }
    }
    if let Some(SealRow { number, entry, parts }) = &step.seal {
        run(
            "INSERT INTO seals (number, entry, parts) VALUES (?1, ?2, ?3)",
            params![number.cast_signed(), entry, parts],
        )?;
        for (part, leaves) in (0_i64..).zip(&step.leaves) {
            run(
                "INSERT INTO seal_leaves (seal, part, leaves) VALUES (?1, ?2, ?3)",
                params![number.cast_signed(), part, leaves],
            )?;
        }
    }
    for StampRow { size, note, token } in &step.stamps {
        let stamp = params![size.cast_signed(), note, token];
        run("INSERT INTO stamps (size, note, token) VALUES (?1, ?2, ?3)", stamp)?;
    }
    if step.cut > 0 {
        // Far behind the nonces that are in use: pages of rows that are zeros alone.
        const ZEROS: &str = "DELETE FROM nonces WHERE n <
            (SELECT n FROM nonces WHERE nonce <> zeroblob(32) ORDER BY n LIMIT 1) - 1000";
        run(ZEROS, params![])?;
        for cut in [
            "DELETE FROM seals WHERE number < ?1",
            "DELETE FROM seal_leaves WHERE seal < ?1",
            "DELETE FROM stamps WHERE size <= ?1",
        ] {
            run(cut, params![step.cut.cast_signed()])?;
        }
    }
    Ok(true)
}

fn begin_anew(connection: &Connection, Anew { until, later }: Anew) -> Result<()> {
    for sql in [
        "DELETE FROM seals",
        "DELETE FROM seal_leaves",
        "DELETE FROM stamps",
        "UPDATE statements SET seal = 0 WHERE seal <> 0",
        "UPDATE sealed_pings SET first = 0, last = CASE WHEN last IS NOT NULL THEN 0 END",
    ] {
        connection.execute(sql, ())?;
    }
    for sql in [
        "UPDATE sealed_pings SET last = ?2
         WHERE last IS NOT NULL AND ping IN (SELECT ping FROM statements WHERE ends > ?1)",
        "UPDATE statements SET seal = ?2
         WHERE ends > ?1 OR name = 'ended' AND ping IN (SELECT ping FROM statements WHERE ends > ?1)",
    ] {
        connection.execute(sql, params![until.unix_millis(), later.cast_signed()])?;
    }
    Ok(())
}

pub(crate) fn sealed(connection: &Connection, pings: &[PingId]) -> Result<Vec<Option<SealedPing>>> {
    const FIND: &str = "SELECT n.nonce, s.key, s.first, s.last FROM sealed_pings AS s
        JOIN nonces AS n ON n.n = s.nonce WHERE s.ping = ?1";
    // Of one state: SQLite would look for each ping whether the file has changed, and read it anew.
    let transaction = connection.unchecked_transaction()?;
    let mut find = transaction.prepare_cached(FIND)?;
    let read = |row: &Row<'_>| -> Result<SealedPing> {
        let last = value::<Option<i64>>(row, 3, "sealed_pings.last")?.map(i64::cast_unsigned);
        Ok(SealedPing { secret: secret(row, 0)?, first: number(row, 2, "sealed_pings.first")?, last })
    };
    let one = |ping: &PingId| find.query_row([ping.as_bytes()], |row| Ok(read(row))).optional()?.transpose();
    pings.iter().map(one).collect()
}

/// From the columns `nonce, key`.
fn secret(row: &Row<'_>, index: usize) -> Result<PingSecret> {
    let key = KeyFingerprint::from_bits(value(row, index + 1, "sealed_pings.key")?);
    let key = key.ok_or(Failure::corrupt("sealed_pings.key"))?;
    Ok(PingSecret { nonce: value(row, index, "sealed_pings.nonce")?, key })
}

/// A ping whose row cannot be read is passed over: it keeps no other from ending.
pub(crate) fn ending(connection: &Connection, until: Timestamp, limit: usize) -> Result<Vec<Ending>> {
    const DUE: &str = "SELECT ping FROM sealed_pings INDEXED BY sealed_pings_by_end
        WHERE last IS NULL AND ends_at <= ?1 ORDER BY ends_at";
    const STATE: &str = "SELECT status, EXISTS
            (SELECT 1 FROM objections WHERE key = recipient_key AND hash = recipient_hash)
        FROM pings WHERE id = ?1";
    let (mut due, mut state) = (connection.prepare_cached(DUE)?, connection.prepare_cached(STATE)?);
    let (mut rows, mut ending) = (due.query([until.unix_millis()])?, Vec::new());
    while ending.len() < limit
        && let Some(row) = rows.next()?
    {
        let ping = ping(row, 0)?;
        let read = |row: &Row<'_>| {
            let status = value(row, 0, "pings.status").map(Status::from_code);
            Ok(status.and_then(|status| Ok((status, value(row, 1, "pings.recipient_hash")?))))
        };
        let found = state.query_row([ping.as_bytes()], read).optional().map_err(Failure::from);
        if let Some(Some((status, has_objected))) = readable(found.and_then(Option::transpose), &mut 0)? {
            ending.push(Ending { ping, reason: EndReason::of(status, has_objected) });
        }
    }
    Ok(ending)
}

pub(crate) fn latest(connection: &Connection, seal: u64) -> Result<Option<Timestamp>> {
    let mut find = connection.prepare_cached("SELECT max(ends) FROM statements WHERE seal = ?1")?;
    let latest = find.query_row([seal.cast_signed()], |row| row.get::<_, Option<i64>>(0))?;
    Ok(latest.map(Timestamp::from_unix_millis))
}

pub(crate) fn statements_in(
    connection: &Connection,
    seal: u64,
    after: Option<PingId>,
    limit: usize,
) -> Result<Page<PingStatements>> {
    const FIND: &str = "SELECT t.ping, n.nonce, s.key, t.line
        FROM statements AS t INDEXED BY statements_by_seal
        CROSS JOIN sealed_pings AS s ON s.ping = t.ping LEFT JOIN nonces AS n ON n.n = s.nonce
        WHERE t.seal = ?1 AND t.ping > ?2 ORDER BY t.ping";
    // All ids come after no bytes.
    let after = after.map_or_else(Vec::new, |after| after.as_bytes().to_vec());
    let mut find = connection.prepare_cached(FIND)?;
    let mut found = find.query(params![seal.cast_signed(), after])?;
    let (mut page, mut count) = (Page::<PingStatements>::default(), 0);
    while let Some(row) = found.next()? {
        let (ping, line) = (ping(row, 0)?, value(row, 3, "statements.line")?);
        match page.items.last_mut().filter(|last| last.ping == ping) {
            Some(last) => last.lines.push(line),
            None if count >= limit => {
                page.next = page.items.last().map(|last| last.ping);
                break;
            }
            None => page.items.push(PingStatements { ping, secret: secret(row, 1)?, lines: vec![line] }),
        }
        count += 1;
    }
    Ok(page)
}

pub(crate) fn oldest(connection: &Connection) -> Result<Option<u64>> {
    let mut find = connection.prepare_cached("SELECT min(first) FROM sealed_pings")?;
    Ok(find.query_row((), |row| row.get::<_, Option<i64>>(0))?.map(i64::cast_unsigned))
}

pub(crate) fn statement(connection: &Connection, ping: PingId, name: &str) -> Result<Option<String>> {
    let mut find = connection.prepare_cached("SELECT line FROM statements WHERE ping = ?1 AND name = ?2")?;
    let asked = params![ping.as_bytes(), name];
    find.query_row(asked, |row| Ok(value(row, 0, "statements.line"))).optional()?.transpose()
}

pub(crate) fn statements_of(connection: &Connection, ping: PingId) -> Result<Vec<(u64, String)>> {
    const FIND: &str = "SELECT seal, line FROM statements WHERE ping = ?1";
    all(connection, FIND, params![ping.as_bytes()], |row| {
        Ok((number(row, 0, "statements.seal")?, value(row, 1, "statements.line")?))
    })
}

pub(crate) fn ended_in(
    connection: &Connection,
    seal: u64,
    after: Option<PingId>,
    limit: usize,
) -> Result<Page<PingId>> {
    const FIND: &str = "SELECT ping FROM sealed_pings WHERE last = ?1 AND ping > ?2 ORDER BY ping LIMIT ?3";
    page_of_pings(connection, FIND, seal, after, limit)
}

/// From the index alone.
pub(crate) fn pings_in(
    connection: &Connection,
    seal: u64,
    after: Option<PingId>,
    limit: usize,
) -> Result<Page<PingId>> {
    const FIND: &str = "SELECT DISTINCT ping FROM statements INDEXED BY statements_by_seal
        WHERE seal = ?1 AND ping > ?2 ORDER BY ping LIMIT ?3";
    page_of_pings(connection, FIND, seal, after, limit)
}

fn page_of_pings(
    connection: &Connection,
    sql: &str,
    seal: u64,
    after: Option<PingId>,
    limit: usize,
) -> Result<Page<PingId>> {
    let after = after.map_or_else(Vec::new, |after| after.as_bytes().to_vec());
    let asked = params![seal.cast_signed(), after, at_most(limit.saturating_add(1))];
    let mut pings = all(connection, sql, asked, |row| ping(row, 0))?;
    let has_more = pings.len() > limit;
    pings.truncate(limit);
    let next = pings.last().copied().filter(|_| has_more);
    Ok(Page::new(pings, next))
}

pub(crate) fn seals(connection: &Connection, from: u64, limit: usize) -> Result<Vec<SealRow>> {
    const FIND: &str = "SELECT number, entry, parts FROM seals WHERE number >= ?1 ORDER BY number LIMIT ?2";
    all(connection, FIND, params![from.cast_signed(), at_most(limit)], |row| {
        let number = number(row, 0, "seals.number")?;
        Ok(SealRow { number, entry: value(row, 1, "seals.entry")?, parts: value(row, 2, "seals.parts")? })
    })
}

pub(crate) fn leaves(connection: &Connection, seal: u64, part: u64) -> Result<Option<Vec<u8>>> {
    let mut find =
        connection.prepare_cached("SELECT leaves FROM seal_leaves WHERE seal = ?1 AND part = ?2")?;
    let asked = [seal.cast_signed(), part.cast_signed()];
    find.query_row(asked, |row| Ok(value(row, 0, "seal_leaves.leaves"))).optional()?.transpose()
}

pub(crate) fn stamps(connection: &Connection) -> Result<Vec<StampRow>> {
    all(connection, "SELECT size, note, token FROM stamps ORDER BY size, n", params![], |row| {
        let size = number(row, 0, "stamps.size")?;
        Ok(StampRow { size, note: value(row, 1, "stamps.note")?, token: value(row, 2, "stamps.token")? })
    })
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    asked: &[&dyn rusqlite::ToSql],
    read: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut find = connection.prepare_cached(sql)?;
    let mut found = find.query(asked)?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

fn ping(row: &Row<'_>, index: usize) -> Result<PingId> {
    Ok(PingId::from_bytes(value(row, index, "statements.ping")?))
}

fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
