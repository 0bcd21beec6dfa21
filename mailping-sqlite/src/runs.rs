//! Opens in the order of the index, cheap to add to.

use crate::index::Entry;

/// Sorted runs, each at least twice as long as the next, so that they are few. A tree would be
/// searched for each open; runs are merged from end to end.
#[derive(Debug, Default)]
pub(crate) struct Runs(Vec<Vec<Entry>>);

impl Runs {
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    pub(crate) fn add(&mut self, mut entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        entries.sort_unstable();
        self.0.push(entries);
        while let [.., longer, last] = self.0.as_mut_slice()
            && longer.len() < 2 * last.len()
        {
            longer.append(last);
            // Merges the two in one pass.
            longer.sort();
            self.0.pop();
        }
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        for run in &mut self.0 {
            run.retain(&keep);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Entry]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(crate) fn into_sorted(self) -> Vec<Entry> {
        let mut all = self.0.concat();
        all.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_stay_few_and_hold_everything_in_order() {
        let entry = |n: i64| Entry { ping: n * 7919 % 1000, at: n, id: 0, seq: n };
        let mut runs = Runs::default();
        for (start, length) in (0..3000).scan(0, |next, n| {
            let length = [1, 1, 64, 3][n % 4];
            *next += length;
            Some((*next - length, length))
        }) {
            runs.add((start..start + length).map(entry).collect());
        }
        runs.add(Vec::new());
        let count = 3000 / 4 * 69;
        assert_eq!(runs.len(), count as usize);
        assert!(runs.iter().count() < 20, "{} runs", runs.iter().count());
        assert!(runs.iter().all(<[Entry]>::is_sorted));
        runs.retain(|entry| entry.seq % 2 == 0);
        let mut even: Vec<Entry> = (0..count).step_by(2).map(entry).collect();
        even.sort_unstable();
        assert_eq!(runs.into_sorted(), even);
    }
}
