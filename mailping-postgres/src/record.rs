//! One batch as two statements, of opens and of last days: an array for each column.

use mailping_core::receipts::{LastDay, Open};
use mailping_core::store::{Attempt, Recorded};
use sqlx::{Postgres, Transaction};

use crate::failure::{Failure, Result};
use crate::rows::{Uuid, open_id};
use crate::schema::Schema;

/// The columns of a batch of opens.
#[derive(Default)]
pub(crate) struct Columns {
    ping: Vec<Uuid>,
    id: Vec<i64>,
    at: Vec<i64>,
    /// When its time step ends.
    ends: Vec<i64>,
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

impl Columns {
    pub(crate) fn of(opens: &[Open]) -> Self {
        let mut columns = Self::default();
        for open in opens {
            columns.ping.push(open.ping.into());
            columns.id.push(open_id(open.id));
            columns.at.push(open.at.unix_millis());
            columns.ends.push(open.at.unix_millis() + open.time_step.millis());
            columns.evidence.push(open.evidence.bits().cast_signed());
            columns.rules_version.push(open.rules_version.into());
            columns.time_step.push(open.time_step.code().into());
            columns.fetcher.push(open.fetcher.code().into());
            columns.verdict.push(open.verdict.code().into());
            columns.provider.push(open.provider.map(|provider| provider.code().into()));
            columns.network.push(open.network.map(|network| network.to_string()));
            columns.country.push(open.country.as_ref().map(|country| country.as_str().to_owned()));
            columns.city.push(open.city.as_ref().map(|city| city.as_str().to_owned()));
        }
        columns
    }

    pub(crate) const fn len(&self) -> usize {
        self.ping.len()
    }
}

/// The number of this transaction, which rises: see `news`.
pub(crate) const XACT: &str = "(SELECT pg_current_xact_id()::text::bigint)";

/// Keeps the opens of pings that record, and tells of each whether its ping does. In a repeat one
/// that is there already stays as it is; looking for them costs a fifth of the rate, so that in a
/// first attempt it is an error.
///
/// The ping is looked up in a subquery, which is an index scan for each open whatever the planner
/// thinks of the sizes. The rows go in by key: two batches with the same opens in another order
/// would otherwise wait for each other forever.
pub(crate) async fn opens(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    columns: &Columns,
    attempt: Attempt,
) -> Result<Vec<Recorded>> {
    const RECORD: &str = "
        WITH given AS MATERIALIZED (
            SELECT *, ends <= (SELECT record_until FROM {s}.pings WHERE pings.id = ping AND status = 0) AS records
            FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::smallint[], $7::smallint[],
                $8::smallint[], $9::smallint[], $10::text[], $11::text[], $12::text[], $13::bigint[]) WITH ORDINALITY
                AS t (ping, id, at, evidence, rules_version, time_step, fetcher, verdict, provider, network, country, city, ends,
                    place)
        ), kept AS (
            INSERT INTO {s}.opens (ping, id, at, evidence, xact, place, rules_version, time_step, fetcher, verdict, provider,
                network, country, city)
            SELECT ping, id, at, evidence, {xact}, place, rules_version, time_step, fetcher, verdict, provider,
                network::cidr, country, city
            FROM given WHERE records ORDER BY ping, at, id
            {on_conflict}
        )
        SELECT place - 1 FROM given WHERE records IS NOT TRUE";
    let on_conflict = match attempt {
        Attempt::First => "",
        Attempt::Repeat => "ON CONFLICT (ping, at, id) DO NOTHING",
    };
    let text = RECORD.replace("{xact}", XACT).replace("{on_conflict}", on_conflict);
    let filtered: Vec<i64> = schema
        .query_scalar(&text)
        .bind(&columns.ping)
        .bind(&columns.id)
        .bind(&columns.at)
        .bind(&columns.evidence)
        .bind(&columns.rules_version)
        .bind(&columns.time_step)
        .bind(&columns.fetcher)
        .bind(&columns.verdict)
        .bind(&columns.provider)
        .bind(&columns.network)
        .bind(&columns.country)
        .bind(&columns.city)
        .bind(&columns.ends)
        .fetch_all(&mut **transaction)
        .await?;
    answers(columns.len(), filtered)
}

/// Raises the last day of each ping that records at that day, and tells of each day whether its
/// ping does. The rows go in by ping, so that two batches do not wait for each other forever. Their
/// places in the transaction come after those of `opens` opens.
pub(crate) async fn last_days(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
    last_days: &[LastDay],
    opens: usize,
) -> Result<Vec<Recorded>> {
    const RAISE: &str = "
        WITH given AS MATERIALIZED (
            SELECT *, EXISTS (SELECT FROM {s}.pings WHERE pings.id = ping AND status = 0 AND record_until - day >= 86400000) AS records
            FROM UNNEST($1::uuid[], $2::bigint[]) WITH ORDINALITY AS t (ping, day, place)
        ), raised AS (
            INSERT INTO {s}.last_days AS kept (ping, day, xact, place)
            SELECT ping, max(day), {xact}, $3 + max(place) FROM given WHERE records GROUP BY ping ORDER BY ping
            ON CONFLICT (ping) DO UPDATE SET day = excluded.day, xact = excluded.xact, place = excluded.place
            WHERE kept.day < excluded.day
        )
        SELECT place - 1 FROM given WHERE NOT records";
    let (pings, days): (Vec<Uuid>, Vec<i64>) =
        last_days.iter().map(|last| (Uuid::from(last.ping), last.day.unix_millis())).unzip();
    let filtered = schema
        .query_scalar(&RAISE.replace("{xact}", XACT))
        .bind(pings)
        .bind(days)
        .bind(i64::try_from(opens).unwrap_or(0))
        .fetch_all(&mut **transaction)
        .await?;
    answers(last_days.len(), filtered)
}

fn answers(count: usize, filtered: Vec<i64>) -> Result<Vec<Recorded>> {
    let mut answers = vec![Recorded::Durable; count];
    for place in filtered {
        let place = usize::try_from(place).ok().and_then(|place| answers.get_mut(place));
        *place.ok_or(Failure::corrupt("the answer to a batch"))? = Recorded::Filtered;
    }
    Ok(answers)
}
