//! The names of the codes, in a table for people who read with SQL. A newer version's names stay.

use mailping_core::Detail;
use mailping_core::fetcher::{Evidence, Fetcher, Provider, Verdict};
use mailping_core::pings::{EprivacyGround, MessageKind, Purpose, Status, TimeStep};
use mailping_core::receipts::MilestoneKind;
use sqlx::{Postgres, Transaction};

use crate::failure::Result;
use crate::schema::Schema;

type Code = (&'static str, i16, &'static str);

/// All that this version knows. A piece of evidence is known by its bit.
fn known() -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    macro_rules! list {
        ($($name:literal of $type:ty),+ $(,)?) => {
            $(codes.extend(<$type>::ALL.iter().map(|one| ($name, i16::from(one.code()), one.as_str())));)+
        };
    }
    list! {
        "fetcher" of Fetcher,
        "provider" of Provider,
        "verdict" of Verdict,
        "time_step" of TimeStep,
        "detail" of Detail,
        "status" of Status,
        "purpose" of Purpose,
        "kind" of MessageKind,
        "eprivacy" of EprivacyGround,
        "milestone" of MilestoneKind,
    }
    codes.extend(Evidence::ALL.iter().map(|one| ("evidence", *one as i16, one.as_str())));
    codes
}

/// Whether the table lacks any of them.
pub(crate) async fn are_missing(
    transaction: &mut Transaction<'static, Postgres>,
    schema: &Schema,
) -> Result<bool> {
    const FIND: &str = "
        SELECT EXISTS (SELECT list, code, name FROM UNNEST($1::text[], $2::smallint[], $3::text[]) AS t (list, code, name)
            EXCEPT SELECT list, code, name FROM {s}.names)";
    let (lists, codes, names) = columns();
    let find = schema.query_scalar(FIND).bind(lists).bind(codes).bind(names);
    Ok(find.fetch_one(&mut **transaction).await?)
}

pub(crate) async fn write(transaction: &mut Transaction<'static, Postgres>, schema: &Schema) -> Result<()> {
    const WRITE: &str = "
        INSERT INTO {s}.names (list, code, name) SELECT * FROM UNNEST($1::text[], $2::smallint[], $3::text[])
        ON CONFLICT (list, code) DO UPDATE SET name = excluded.name";
    let (lists, codes, names) = columns();
    let write = schema.query(WRITE).bind(lists).bind(codes).bind(names);
    write.execute(&mut **transaction).await?;
    Ok(())
}

fn columns() -> (Vec<&'static str>, Vec<i16>, Vec<&'static str>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (list, code, name) in known() {
        columns.0.push(list);
        columns.1.push(code);
        columns.2.push(name);
    }
    columns
}
