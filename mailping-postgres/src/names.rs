//! The names of the codes, in a table for people who read with SQL. A newer version's names stay.

use mailping_core::store::code_names;
use sqlx::{Postgres, Transaction};

use crate::failure::Result;
use crate::schema::Schema;

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
    for (list, code, name) in code_names() {
        columns.0.push(list);
        columns.1.push(i16::from(code));
        columns.2.push(name);
    }
    columns
}
