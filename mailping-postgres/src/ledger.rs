//! The one row that says where sealing stands, and the steps that it takes: one after another,
//! whoever takes them.

use std::collections::BTreeMap;

use mailping_core::PingId;
use mailping_core::pings::{Ping, Status};
use mailping_core::store::{Anew, Ledger, NewStatement, PingSecret, SealRow, StampRow, Step};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::failure::{Failure, Result};
use crate::gate::{self, Gate};
use crate::record::XACT;
use crate::rows::{self, Uuid};
use crate::schema::Schema;

type Tx<'a> = &'a mut Transaction<'static, Postgres>;

/// Held together by those who put a ping into the seal that is filled, and alone by the one who
/// closes it. Not the lock of the row: a stream of new pings would keep a step from it for good.
const LOCK: &str = "ledger";

pub(crate) async fn ledger(connection: &mut PgConnection, schema: &Schema) -> Result<Ledger> {
    let find = schema.query("SELECT version, next, closed_to, text FROM {s}.ledger");
    read(&find.fetch_one(connection).await?)
}

fn read(row: &PgRow) -> Result<Ledger> {
    let closed_to = rows::time(row, 2, "ledger.closed_to")?;
    let text = rows::value(row, 3, "ledger.text")?;
    Ok(Ledger::new(number(row, 0, "ledger.version")?, number(row, 1, "ledger.next")?, closed_to, text))
}

pub(crate) fn number(row: &PgRow, index: usize, what: &'static str) -> Result<u64> {
    rows::value::<i64>(row, index, what)?.try_into().map_err(|_| Failure::corrupt(what))
}

/// The ledger, of which no seal closes until the end of this transaction.
pub(crate) async fn ledger_of_new_ping(transaction: Tx<'_>, schema: &Schema) -> Result<Ledger> {
    gate::lock_shared(transaction, schema, LOCK).await?;
    ledger(transaction, schema).await
}

/// Keeps the secret of a ping that was just kept with this status, and its first statement.
pub(crate) async fn enter(
    transaction: Tx<'_>,
    schema: &Schema,
    ping: &Ping,
    status: Status,
    secret: &PingSecret,
    created: NewStatement,
) -> Result<()> {
    const ENTER: &str =
        "INSERT INTO {s}.sealed_pings (ping, nonce, key, first, ends_at) VALUES ($1, $2, $3, $4, $5)";
    let has_ended = status == Status::Closed || status == Status::Withdrawn && ping.asked_by.is_none();
    let enter = schema.query(ENTER).bind(Uuid::from(ping.id)).bind(secret.nonce).bind(secret.key.to_bits());
    let enter = enter.bind(created.seal.cast_signed());
    let enter = enter.bind(if has_ended { 0 } else { ping.record_until.unix_millis() });
    enter.execute(&mut **transaction).await?;
    add(transaction, schema, &[created]).await
}

/// How a step passes the gate: its statements take turns with the erasure of their pings, its ends
/// with batches.
pub(crate) fn gate_of(step: &Step) -> Gate {
    match (step.statements.is_empty(), step.ended.is_empty() && step.anew.is_none()) {
        (_, false) => Gate::Alone,
        (false, true) => Gate::Shared,
        (true, true) => Gate::Past,
    }
}

/// Makes the step; `false` if it is not to be made, and then the transaction is to be rolled back.
/// The gate must be held as the step needs it.
pub(crate) async fn step(transaction: Tx<'_>, schema: &Schema, from: u64, step: &Step) -> Result<bool> {
    const LATEST: &str = "SELECT version, next, closed_to, text FROM {s}.ledger FOR UPDATE";
    const TOO_EARLY: &str =
        "SELECT EXISTS (SELECT FROM {s}.statements WHERE seal >= $1 AND seal < $2 AND ends > $3)";
    const MOVE: &str = "UPDATE {s}.ledger SET version = version + 1, next = $1, closed_to = $2, text = $3";
    let now = read(&schema.query(LATEST).fetch_one(&mut **transaction).await?)?;
    if now.version != from {
        return Ok(false);
    }
    let (next, closed_to) = (step.next.cast_signed(), step.closed_to.unix_millis());
    if (now.next, now.closed_to) != (step.next, step.closed_to) {
        gate::lock(transaction, schema, LOCK).await?;
        // This statement sees all pings that were put in before.
        let closes = schema.query_scalar(TOO_EARLY).bind(now.next.cast_signed()).bind(next).bind(closed_to);
        if closes.fetch_one(&mut **transaction).await? {
            return Ok(false);
        }
    }
    let moves = schema.query(MOVE).bind(next).bind(closed_to).bind(&step.text);
    moves.execute(&mut **transaction).await?;
    if let Some(anew) = step.anew {
        begin_anew(transaction, schema, anew).await?;
    }
    if !step.statements.is_empty() {
        add(transaction, schema, &step.statements).await?;
    }
    if !step.ended.is_empty() {
        end(transaction, schema, &step.ended).await?;
    }
    if let Some(seal) = &step.seal {
        keep(transaction, schema, seal, &step.leaves).await?;
    }
    for StampRow { size, note, token } in &step.stamps {
        const STAMP: &str = "INSERT INTO {s}.stamps (n, size, note, token)
            SELECT coalesce(max(n), 0) + 1, $1, $2, $3 FROM {s}.stamps";
        let stamp = schema.query(STAMP).bind(size.cast_signed()).bind(note).bind(token);
        stamp.execute(&mut **transaction).await?;
    }
    if step.cut > 0 {
        for cut in [
            "DELETE FROM {s}.seals WHERE number < $1",
            "DELETE FROM {s}.seal_leaves WHERE seal < $1",
            "DELETE FROM {s}.stamps WHERE size <= $1",
        ] {
            schema.query(cut).bind(step.cut.cast_signed()).execute(&mut **transaction).await?;
        }
    }
    Ok(true)
}

async fn begin_anew(transaction: Tx<'_>, schema: &Schema, Anew { until, later }: Anew) -> Result<()> {
    for sql in [
        "DELETE FROM {s}.seals",
        "DELETE FROM {s}.seal_leaves",
        "DELETE FROM {s}.stamps",
        "UPDATE {s}.statements SET seal = 0 WHERE seal <> 0",
        "UPDATE {s}.sealed_pings SET first = 0, last = CASE WHEN last IS NOT NULL THEN 0 END",
    ] {
        schema.query(sql).execute(&mut **transaction).await?;
    }
    for sql in [
        "UPDATE {s}.sealed_pings SET last = $2
         WHERE last IS NOT NULL AND ping IN (SELECT ping FROM {s}.statements WHERE ends > $1)",
        "UPDATE {s}.statements SET seal = $2
         WHERE ends > $1 OR name = 'ended' AND ping IN (SELECT ping FROM {s}.statements WHERE ends > $1)",
    ] {
        let later = schema.query(sql).bind(until.unix_millis()).bind(later.cast_signed());
        later.execute(&mut **transaction).await?;
    }
    Ok(())
}

/// Adds statements of pings that are there. The secret is looked up in a subquery, which is an
/// index scan for each whatever the planner thinks of the sizes.
async fn add(transaction: Tx<'_>, schema: &Schema, statements: &[NewStatement]) -> Result<()> {
    const ADD: &str = "
        INSERT INTO {s}.statements AS kept (ping, name, seal, ends, line)
        SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::text[]) AS t (ping, name, seal, ends, line)
        WHERE (SELECT true FROM {s}.sealed_pings WHERE sealed_pings.ping = t.ping)
        ON CONFLICT (ping, name) DO UPDATE SET line = excluded.line, ends = excluded.ends WHERE kept.name = 'last_day'";
    // A statement changes no row twice: what is there twice is made one here.
    let mut given = BTreeMap::<(PingId, &str), NewStatement>::new();
    for new in statements {
        let one = given.entry((new.ping, &new.name)).or_insert_with(|| new.clone());
        if new.name == "last_day" {
            (one.line, one.ends) = (new.line.clone(), new.ends);
        }
    }
    let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for NewStatement { ping, name, seal, ends, line } in given.into_values() {
        columns.0.push(Uuid::from(ping));
        columns.1.push(name);
        columns.2.push(seal.cast_signed());
        columns.3.push(ends.unix_millis());
        columns.4.push(line);
    }
    let add = schema.query(ADD).bind(columns.0).bind(columns.1).bind(columns.2).bind(columns.3);
    add.bind(columns.4).execute(&mut **transaction).await?;
    Ok(())
}

/// Ends pings that have not ended: none of them records any more. The gate must be held alone.
async fn end(transaction: Tx<'_>, schema: &Schema, ended: &[(PingId, u64)]) -> Result<()> {
    const END: &str = "
        WITH ended AS (
            UPDATE {s}.sealed_pings SET last = seal, xact = {xact}
            FROM UNNEST($1::uuid[], $2::bigint[]) AS given (its, seal)
            WHERE ping = its AND last IS NULL RETURNING ping
        )
        UPDATE {s}.pings SET status = $3 FROM ended WHERE id = ping AND status = 0";
    let mut first = BTreeMap::new();
    for (ping, seal) in ended {
        first.entry(*ping).or_insert(*seal);
    }
    let (pings, seals): (Vec<Uuid>, Vec<i64>) =
        first.into_iter().map(|(ping, seal)| (Uuid::from(ping), seal.cast_signed())).unzip();
    let end = schema.query(&END.replace("{xact}", XACT)).bind(pings).bind(seals);
    end.bind(i16::from(Status::Expired.code())).execute(&mut **transaction).await?;
    Ok(())
}

async fn keep(transaction: Tx<'_>, schema: &Schema, seal: &SealRow, leaves: &[Vec<u8>]) -> Result<()> {
    const SEAL: &str = "INSERT INTO {s}.seals (number, entry, parts) VALUES ($1, $2, $3)";
    const LEAVES: &str = "INSERT INTO {s}.seal_leaves (seal, part, leaves) VALUES ($1, $2, $3)";
    let number = seal.number.cast_signed();
    let keep = schema.query(SEAL).bind(number).bind(&seal.entry).bind(&seal.parts);
    keep.execute(&mut **transaction).await?;
    for (part, leaves) in (0_i64..).zip(leaves) {
        schema.query(LEAVES).bind(number).bind(part).bind(leaves).execute(&mut **transaction).await?;
    }
    Ok(())
}
