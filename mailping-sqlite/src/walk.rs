//! A walk over the rows of a table by their numbers, past pages that cannot be read.

use rusqlite::{Row, Statement};

use crate::failure::{Failure, Result};

/// As far as numbers can have come.
pub(crate) const FAR: i64 = 1 << 48;

/// Visits the rows after the number `start`, in order, until `visit` says `false`. The statement's
/// first column is the number, and its one parameter the least number. It returns how many times it
/// had to step over something, with steps that grow until they lead behind it.
pub(crate) fn walk(
    find: &mut Statement<'_>,
    start: i64,
    mut visit: impl FnMut(&Row<'_>) -> Result<bool>,
) -> Result<u64> {
    let (mut last, mut step, mut gaps) = (start, 0_i64, 0);
    loop {
        let from = last.saturating_add(step);
        let mut reached = from;
        let mut found = find.query([from.saturating_add(1)])?;
        loop {
            match found.next().map_err(Failure::from) {
                Ok(Some(row)) => {
                    // A damaged page may tell any number; the walk only goes on.
                    reached = reached.max(row.get(0)?);
                    if !visit(row)? {
                        return Ok(gaps);
                    }
                }
                Ok(None) => return Ok(gaps),
                Err(failure) if failure.is_corrupt() => break,
                Err(failure) => return Err(failure),
            }
        }
        if reached > from {
            (last, step) = (reached, 0);
        } else if step > FAR {
            return Ok(gaps);
        }
        gaps += u64::from(step == 0);
        step += step / 8 + 1;
    }
}
