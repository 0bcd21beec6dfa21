//! One file of records: read past what the disk cannot give back, and blanked in place, which needs
//! no room.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use mailping_core::PingId;
use mailping_core::store::line::{self, Line};

use crate::folder::options;

/// What a disk reads or fails to read at once.
const PAGE: usize = 4_096;

/// Where a line stands in its file, without its line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: u64,
    pub(crate) length: usize,
}

/// A line with its place.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) place: Place,
    pub(crate) line: Line,
}

/// What was read of a file.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) lines: Vec<Placed>,
    /// The place behind the last of the lines.
    pub(crate) end: u64,
    /// Whether that is the file's end.
    pub(crate) is_last: bool,
}

/// The lines from a place on, at most `limit` of them records.
pub(crate) fn read(path: &Path, from: u64, limit: usize) -> io::Result<Read> {
    let bytes = read_bytes(path, from)?;
    let (mut found, mut records) = (Vec::new(), 0);
    for (placed, _) in read_lines(&bytes, from) {
        if records == limit {
            return Ok(Read { lines: found, end: placed.place.start, is_last: false });
        }
        records += usize::from(matches!(placed.line, Line::Entry(_)));
        found.push(placed);
    }
    Ok(Read { lines: found, end: from + bytes.len() as u64, is_last: true })
}

pub(crate) fn lines(bytes: &[u8], from: u64) -> impl Iterator<Item = (Place, &[u8])> {
    let mut start = from;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let place = Place { start, length: text.len() };
        start += line.len() as u64;
        (place, text)
    })
}

/// The lines with their text. Records whose breaks are damaged are lines of their own, too.
fn read_lines(bytes: &[u8], from: u64) -> impl Iterator<Item = (Placed, &[u8])> {
    lines(bytes, from).flat_map(|(place, text)| match line::read(text) {
        Line::Damaged => read_damaged(place.start, text),
        line => vec![(Placed { place, line }, text)],
    })
}

/// The damaged line is read up to each byte that stands before what looks like a record.
fn read_damaged(mut start: u64, mut rest: &[u8]) -> Vec<(Placed, &[u8])> {
    let mut found = Vec::new();
    loop {
        let broken = rest.windows(HEAD + 1).position(|window| begins_record(&window[1..]));
        let part = &rest[..broken.unwrap_or(rest.len())];
        let text = match part.split_last() {
            // The damaged break is the file's last.
            Some((_, text)) if broken.is_none() && line::read(text) != Line::Damaged => text,
            _ => part,
        };
        let place = Place { start, length: text.len() };
        found.push((Placed { place, line: line::read(text) }, text));
        let Some(at) = broken else { return found };
        start += at as u64 + 1;
        rest = &rest[at + 1..];
    }
}

/// The checksum, a space and the first letter of the kind.
const HEAD: usize = 18;

fn begins_record(head: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    matches!(head.split_last_chunk(), Some((check, [b' ', b'a'..=b'z'])) if check.iter().all(is_digit))
}

/// Pages that cannot be read come as zeros.
fn read_bytes(path: &Path, from: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len().saturating_sub(from);
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.seek(SeekFrom::Start(from))?;
    if file.read_exact(&mut bytes).is_ok() {
        return Ok(bytes);
    }
    bytes.fill(0);
    let mut at = from;
    for page in bytes.chunks_mut(PAGE) {
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(page));
        if read.is_err() {
            page.fill(0);
        }
        at += page.len() as u64;
    }
    Ok(bytes)
}

/// Overwrites lines with spaces, durably, and mends the breaks before them: without the record
/// behind it a damaged one would not be found any more.
pub(crate) fn blank(path: &Path, places: &[Place]) -> io::Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let mut file = options().open(path)?;
    for place in places {
        if let Some(before) = place.start.checked_sub(1) {
            file.seek(SeekFrom::Start(before))?;
            file.write_all(b"\n")?;
        }
        file.write_all(&vec![b' '; place.length])?;
    }
    file.sync_data()
}

/// Blanks all lines of these pings, the damaged too if they name one. It returns which.
pub(crate) fn erase(path: &Path, pings: &HashSet<PingId>) -> io::Result<Vec<Place>> {
    let bytes = read_bytes(path, 0)?;
    let names: Vec<String> = pings.iter().map(PingId::to_string).collect();
    let names_one = |text: &[u8]| {
        let found = |name: &String| text.windows(name.len()).any(|window| window == name.as_bytes());
        names.iter().any(found)
    };
    let is_theirs = |line: &Line, text: &[u8]| match line {
        Line::Blank => false,
        Line::Entry(entry) => pings.contains(&entry.ping()),
        Line::Newer | Line::Damaged => names_one(text),
    };
    let theirs = read_lines(&bytes, 0).filter(|(placed, text)| is_theirs(&placed.line, text));
    let places: Vec<Place> = theirs.map(|(placed, _)| placed.place).collect();
    blank(path, &places)?;
    Ok(places)
}

/// Overwrites a file with zeros and removes it. On a file system that writes changes elsewhere the
/// first may fail for want of room: the removal counts.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let overwritten = options().open(path).and_then(|mut file| {
        let mut left = file.metadata()?.len();
        let zeros = [0; PAGE];
        while left > 0 {
            let next = zeros.get(..usize::try_from(left).unwrap_or(PAGE)).unwrap_or(&zeros);
            file.write_all(next)?;
            left -= next.len() as u64;
        }
        file.sync_data()
    });
    if let Err(error) = overwritten {
        tracing::debug!(%error, "a file of the spool is removed without being overwritten");
    }
    std::fs::remove_file(path)
}
