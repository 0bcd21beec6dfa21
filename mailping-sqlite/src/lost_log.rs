//! What a damaged write-ahead log has lost. SQLite takes a log as far as its checksums hold and
//! passes over the rest in silence, as it must after a power failure; but there the rest is one
//! transaction at the most, which nobody was told of.

use std::fs::File;
use std::io::{BufReader, Read, Result};
use std::path::Path;

use crate::files::beside;

const HEADER: usize = 32;
const FRAME: usize = 24;
const USUAL_PAGE: usize = 4_096;

/// Logs how many transactions of the log beside a file are behind a damaged place: the last one may
/// never have been answered.
pub(crate) fn report(path: &Path) {
    let log = beside(path, "-wal");
    // A log that begins anew meanwhile, by another process, says nothing about the old one.
    let [first, second] = [0; 2].map(|_| behind_damage(&log).unwrap_or_default());
    if let (Some(lost), true) = (first.checked_sub(1), first == second)
        && lost > 0
    {
        tracing::error!(
            transactions = lost,
            "the write-ahead log of the database file is damaged: at least so many of its latest transactions are lost, \
             and with them opens, objections and erasures that were confirmed"
        );
    }
}

/// How many transactions end behind the first damaged frame.
fn behind_damage(log: &Path) -> Result<u64> {
    let mut log = BufReader::with_capacity(1 << 20, File::open(log)?);
    let mut header = [0; HEADER];
    log.read_exact(&mut header)?;
    let is_big = word(&header[..], 0) & 1 == 1;
    let page = word(&header, 8) as usize;
    let page = if page.is_power_of_two() && page <= 1 << 16 { page } else { USUAL_PAGE };
    let mut sum = add([0; 2], &header[..24], is_big);
    let mut salts = header[16..24].to_owned();
    let mut is_whole = sum == [word(&header, 24), word(&header, 28)];
    let mut frame = vec![0; FRAME + page];
    let (mut behind, mut is_first) = (0, true);
    while log.read_exact(&mut frame).is_ok() {
        if is_first && !is_whole {
            // The salts may be what is damaged: those of the frames are the same in each.
            frame[8..16].clone_into(&mut salts);
        }
        is_first = false;
        let is_of_log = frame[8..16] == salts;
        sum = add(add(sum, &frame[..8], is_big), &frame[FRAME..], is_big);
        is_whole &= is_of_log && sum == [word(&frame, 16), word(&frame, 20)];
        let ends_transaction = word(&frame, 4) != 0;
        behind += u64::from(!is_whole && is_of_log && ends_transaction);
    }
    Ok(behind)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// SQLite's checksum of a log, over words in the order that its first byte says.
fn add(mut sum: [u32; 2], bytes: &[u8], is_big: bool) -> [u32; 2] {
    for pair in bytes.chunks_exact(8) {
        let [one, two] = [0, 4].map(|at| {
            let word = word(pair, at);
            if is_big { word } else { word.swap_bytes() }
        });
        sum[0] = sum[0].wrapping_add(one).wrapping_add(sum[1]);
        sum[1] = sum[1].wrapping_add(two).wrapping_add(sum[0]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn each_transaction_behind_a_flipped_bit_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some.db");
        let writer = Connection::open(&file).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        writer
            .execute_batch("CREATE TABLE t (n); PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES (0)")
            .unwrap();
        // A log that began anew, and holds frames of the one before at its end.
        for n in 0..40 {
            writer.execute("INSERT INTO t VALUES (?1)", [n]).unwrap();
        }
        writer.execute_batch("PRAGMA wal_checkpoint(RESTART)").unwrap();
        for n in 0..10 {
            writer.execute("INSERT INTO t VALUES (?1)", [n]).unwrap();
        }
        let log = beside(&file, "-wal");
        let whole = std::fs::read(&log).unwrap();
        assert!(whole.len() > HEADER + 30 * (FRAME + USUAL_PAGE));
        assert_eq!(behind_damage(&log).unwrap(), 0);
        let after = |place: usize| {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x10;
            let copy = folder.path().join("copy");
            std::fs::write(&copy, damaged).unwrap();
            behind_damage(&copy).unwrap()
        };
        for frame in 0..10 {
            let start = HEADER + frame * (FRAME + USUAL_PAGE);
            // Each frame here is a transaction of its own; that of a salt is not known as one.
            for (place, own) in [(0, 1), (9, 0), (20, 1), (FRAME + 5, 1)] {
                assert_eq!(after(start + place), 9 - frame as u64 + own, "frame {frame}, byte {place}");
            }
        }
        assert_eq!([8, 17, 26].map(after), [10; 3], "in the header");
    }
}
