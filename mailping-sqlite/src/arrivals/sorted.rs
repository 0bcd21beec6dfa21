//! Rows in order, of which few come at a time: a search tree of as many would cost a hit a microsecond, since each place of it is
//! far from the last one.

use mailping_core::PingId;

/// An open that waits, in the order of pings: the ping's id as numbers, which are compared quicker than bytes, and the
/// open's own number.
pub(super) type Row = ((u64, u64), i64);

/// Sorted runs, each less than half as long as the one before: a row is merged once for each time that they double.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sorted {
    runs: Vec<Vec<Row>>,
}

impl Sorted {
    pub(super) fn add(&mut self, mut rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        rows.sort();
        while let Some(mut longer) = self.runs.pop_if(|before| before.len() < 2 * rows.len()) {
            // The sort finds the two runs, and merges them.
            longer.append(&mut rows);
            longer.sort();
            rows = longer;
        }
        self.runs.push(rows);
    }

    pub(super) fn len(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// All rows as one run.
    pub(super) fn take(&mut self) -> Vec<Row> {
        let mut all = std::mem::take(&mut self.runs).concat();
        all.sort();
        all
    }

    pub(super) fn of(&self, ping: PingId) -> impl Iterator<Item = &Row> {
        self.runs.iter().flat_map(move |run| rows_of(run, ping))
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Row) -> bool) {
        self.runs.iter_mut().for_each(|run| run.retain(&keep));
    }
}

/// Those of a ping among sorted rows.
pub(super) fn rows_of(rows: &[Row], ping: PingId) -> &[Row] {
    let ping = number(ping);
    let start = rows.partition_point(|&(of, _)| of < ping);
    let length = rows[start..].partition_point(|&(of, _)| of == ping);
    &rows[start..start + length]
}

pub(super) const fn number(ping: PingId) -> (u64, u64) {
    let id = u128::from_be_bytes(*ping.as_bytes());
    ((id >> 64) as u64, id as u64)
}

pub(super) const fn ping_of(((high, low), _): Row) -> PingId {
    PingId::from_bytes(((high as u128) << 64 | low as u128).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_found_and_come_out_in_order_however_they_came(
            runs in proptest::collection::vec(proptest::collection::vec((0..9_u8, any::<i64>()), 0..40), 0..40)
        ) {
            let ping = |n: u8| PingId::from_bytes([n; 16]);
            let mut sorted = Sorted::default();
            let mut expected: Vec<Row> = Vec::new();
            for run in runs {
                let run: Vec<Row> = run.into_iter().map(|(n, seq)| (number(ping(n)), seq)).collect();
                expected.extend(&run);
                sorted.add(run);
                prop_assert!(sorted.runs.windows(2).all(|pair| pair[0].len() >= 2 * pair[1].len()));
            }
            expected.sort();
            prop_assert_eq!(sorted.len(), expected.len());
            for n in 0..9 {
                let mut found: Vec<Row> = sorted.of(ping(n)).copied().collect();
                found.sort();
                prop_assert_eq!(&found, rows_of(&expected, ping(n)));
                prop_assert!(found.iter().all(|(of, _)| *of == number(ping(n))));
            }
            prop_assert_eq!(sorted.take(), expected);
            prop_assert_eq!(sorted.len(), 0);
        }
    }
}
