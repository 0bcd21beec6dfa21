//! What the program promises if its database's file is damaged.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::Start;
use crate::message::*;

fn overwrite(file: &Path) {
    let length = fs::metadata(file).unwrap().len();
    let mut file = OpenOptions::new().write(true).open(file).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(length).unwrap()]).unwrap();
}

/// SQLite does not read again what it has in memory, so the fault can stay unseen until the next
/// start.
pub fn a_damaged_file_fails_no_picture_and_is_refused_at_the_next_start(start: &Start) {
    let program = start.run(&[]);
    let client = program.client();
    let ping = make(&client, &new_ping());
    fetch(&client, &ping, &[]);
    for file in ["mailping.db", "mailping.db-wal"] {
        overwrite(&start.folder().join(file));
    }
    for _ in 0..3 {
        fetch(&client, &ping, &[]);
    }
    let (_, log) = program.terminate();
    assert!(!log.contains("panicked"), "{log}");
    overwrite(&start.folder().join("mailping.db"));
    let refused = start.to_its_end(&[]);
    let printed = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{printed}");
    assert!(printed.contains("MAILPING_DB: ") && !printed.contains("panicked"), "{printed}");
}
