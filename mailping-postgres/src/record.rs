//! One batch of opens as one statement: an array for each column.

use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::Answer;
use sqlx::{Postgres, Transaction};

use crate::failure::{Failure, Result};
use crate::rows::{Uuid, open_id};
use crate::schema::Schema;

/// The columns of a batch.
#[derive(Default)]
pub(crate) struct Batch {
    ping: Vec<Uuid>,
    id: Vec<i64>,
    at: Vec<i64>,
    evidence: Vec<i64>,
    rules_version: Vec<i32>,
    time_step: Vec<i16>,
    fetcher: Vec<i16>,
    verdict: Vec<i16>,
    provider: Vec<Option<i16>>,
    network: Vec<Option<String>>,
    country: Vec<Option<String>>,
    city: Vec<Option<String>>,
}

impl Batch {
    pub(crate) fn of(opens: &[Open]) -> Self {
        let mut batch = Self::default();
        for open in opens {
            batch.ping.push(open.ping.into());
            batch.id.push(open_id(open.id));
            batch.at.push(open.at.unix_millis());
            batch.evidence.push(open.evidence.bits().cast_signed());
            batch.rules_version.push(open.rules_version.into());
            batch.time_step.push(open.time_step.code().into());
            batch.fetcher.push(open.fetcher.code().into());
            batch.verdict.push(open.verdict.code().into());
            batch.provider.push(open.provider.map(|provider| provider.code().into()));
            batch.network.push(open.network.map(|network| network.to_string()));
            batch.country.push(open.country.as_ref().map(|country| country.as_str().to_owned()));
            batch.city.push(open.city.as_ref().map(|city| city.as_str().to_owned()));
        }
        batch
    }
}

/// What may stand in the table already of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing: an open that does ends the transaction with [`Failure::is_duplicate`].
    Nothing,
    /// Some of its opens, or one that it holds twice. Looking for them costs a fifth of the rate.
    SomeOpens,
}

/// Keeps the opens of pings that record, and tells of each whether its ping does.
///
/// The ping is looked up in a subquery, which is an index scan for each open whatever the planner thinks of the sizes. The rows go in by
/// key: two batches with the same opens in another order would otherwise wait for each other for ever.
pub(crate) async fn record(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    batch: &Batch,
    before: Before,
) -> Result<Vec<Answer>> {
    const RECORD: &str = "
        WITH given AS MATERIALIZED (
            SELECT *, at + CASE time_step WHEN 0 THEN 86400000 WHEN 1 THEN 3600000 ELSE 1 END
                <= (SELECT record_until FROM {s}.pings WHERE pings.id = ping AND status = 0) AS records
            FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::smallint[], $7::smallint[],
                $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::text[]) WITH ORDINALITY
                AS t (ping, id, at, evidence, rules_version, time_step, fetcher, verdict, provider, network, country, city, place)
        ), kept AS (
            INSERT INTO {s}.opens (ping, id, at, evidence, rules_version, time_step, fetcher, verdict, provider, network, country, city)
            SELECT ping, id, at, evidence, rules_version, time_step, fetcher, verdict, provider, network::cidr, country, city
            FROM given WHERE records ORDER BY ping, id
            {on_conflict}
        )
        SELECT place - 1 FROM given WHERE records IS NOT TRUE";
    let on_conflict = match before {
        Before::Nothing => "",
        Before::SomeOpens => "ON CONFLICT (ping, id) DO NOTHING",
    };
    let filtered: Vec<i64> = sqlx::query_scalar(schema.sql(&RECORD.replace("{on_conflict}", on_conflict)))
        .bind(&batch.ping)
        .bind(&batch.id)
        .bind(&batch.at)
        .bind(&batch.evidence)
        .bind(&batch.rules_version)
        .bind(&batch.time_step)
        .bind(&batch.fetcher)
        .bind(&batch.verdict)
        .bind(&batch.provider)
        .bind(&batch.network)
        .bind(&batch.country)
        .bind(&batch.city)
        .fetch_all(&mut **transaction)
        .await?;
    let mut written = vec![Answer::Kept; batch.ping.len()];
    for place in filtered {
        let place = usize::try_from(place).ok().and_then(|place| written.get_mut(place));
        *place.ok_or(Failure::corrupt("the answer to a batch"))? = Answer::Filtered;
    }
    Ok(written)
}

/// Raises the last day of each ping that records at that day, and tells of each whether its ping does. The rows are locked by id, so that two batches do not wait for each other
/// for ever.
pub(crate) async fn raise(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    last_days: &[LastDay],
) -> Result<Vec<Answer>> {
    const RECORDS: &str = "
        SELECT coalesce((SELECT status = 0 AND record_until - day >= 86400000 FROM {s}.pings WHERE pings.id = ping), false)
        FROM UNNEST($1::uuid[], $2::bigint[]) WITH ORDINALITY AS t (ping, day, place) ORDER BY place";
    const RAISE: &str = "
        WITH given AS (SELECT * FROM UNNEST($1::uuid[], $2::bigint[]) AS t (ping, day)),
        latest AS (SELECT ping, max(day) AS day FROM given GROUP BY ping),
        locked AS MATERIALIZED (
            SELECT pings.id, day FROM {s}.pings, latest
            WHERE pings.id = ping AND status = 0 AND record_until - day >= 86400000 AND coalesce(last_day, -1) < day
            ORDER BY pings.id FOR NO KEY UPDATE OF pings
        )
        UPDATE {s}.pings SET last_day = day FROM locked
        WHERE pings.id = locked.id AND coalesce(last_day, -1) < day";
    let (pings, days): (Vec<Uuid>, Vec<i64>) =
        last_days.iter().map(|last| (Uuid::from(last.ping), last.day.unix_millis())).unzip();
    sqlx::query(schema.sql(RAISE)).bind(&pings).bind(&days).execute(&mut **transaction).await?;
    let records = sqlx::query_scalar(schema.sql(RECORDS)).bind(&pings).bind(&days);
    let records: Vec<bool> = records.fetch_all(&mut **transaction).await?;
    Ok(records.into_iter().map(|records| if records { Answer::Kept } else { Answer::Filtered }).collect())
}
