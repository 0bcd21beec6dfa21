//! Opens and last days as lines of text, for what waits on its way to a database: a checksum, the
//! kind of record and the record as JSON.
//!
//! A line is readable by people and found again behind damage: the next line break begins the next
//! record. A line whose checksum is wrong is never taken for a record, whatever it looks like. It
//! holds what a database is given of an open, and nothing else.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::StoreError;
use crate::fetcher::{EvidenceSet, Fetcher, Provider, Verdict};
use crate::{LastDay, Open, OpenId, PingId, StepTime, TimeStep, Timestamp};

/// What a record keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "another kind is one that every reader must handle")]
pub enum Entry {
    /// An open.
    Open(Open),
    /// A last day.
    LastDay(LastDay),
}

impl Entry {
    /// The ping that it belongs to.
    #[must_use]
    pub const fn ping(&self) -> PingId {
        match self {
            Self::Open(open) => open.ping,
            Self::LastDay(last) => last.ping,
        }
    }
}

/// What stands between two line breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what is no record must never be taken for one")]
pub enum Line {
    /// Nothing: a record that was taken out.
    Blank,
    /// A record.
    Entry(Box<Entry>),
    /// A record that only a newer version understands.
    Newer,
    /// The checksum is wrong.
    Damaged,
}

const OPEN: &str = "open";
const LAST_DAY: &str = "last_day";
/// Hexadecimal digits of the checksum.
const CHECK: usize = 16;

#[derive(Serialize, Deserialize)]
struct OpenRecord {
    ping: String,
    id: String,
    at: i64,
    time_step: String,
    fetcher: String,
    provider: Option<String>,
    verdict: String,
    /// Its bits: those without a name in this version are kept.
    evidence: u64,
    rules_version: u16,
    network: Option<String>,
    country: Option<String>,
    city: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct LastDayRecord {
    ping: String,
    day: i64,
}

/// Appends the line of an open, of about 320 bytes.
///
/// # Errors
/// None that is known: JSON can hold all of it.
pub fn write_open(lines: &mut Vec<u8>, open: &Open) -> Result<(), StoreError> {
    let record = OpenRecord {
        ping: open.ping.to_string(),
        id: format!("{:016x}", u64::from_be_bytes(*open.id.as_bytes())),
        at: open.at.unix_millis(),
        time_step: open.time_step.as_str().to_owned(),
        fetcher: open.fetcher.as_str().to_owned(),
        provider: open.provider.map(|provider| provider.as_str().to_owned()),
        verdict: open.verdict.as_str().to_owned(),
        evidence: open.evidence.bits(),
        rules_version: open.rules_version,
        network: open.network.map(|network| network.to_string()),
        country: open.country.as_ref().map(|country| country.as_str().to_owned()),
        city: open.city.as_ref().map(|city| city.as_str().to_owned()),
    };
    write(lines, OPEN, &record)
}

/// Appends the line of a last day.
///
/// # Errors
/// As [`write_open`].
pub fn write_last_day(lines: &mut Vec<u8>, last: &LastDay) -> Result<(), StoreError> {
    write(lines, LAST_DAY, &LastDayRecord { ping: last.ping.to_string(), day: last.day.unix_millis() })
}

fn write(lines: &mut Vec<u8>, kind: &str, record: &impl Serialize) -> Result<(), StoreError> {
    let mut text = kind.as_bytes().to_vec();
    text.push(b' ');
    // JSON escapes line breaks, so that a record is one line.
    serde_json::to_writer(&mut text, record).map_err(StoreError::unavailable)?;
    lines.extend(check(&text).as_bytes());
    lines.push(b' ');
    lines.extend(text);
    lines.push(b'\n');
    Ok(())
}

/// Reads a line without its line break.
#[must_use]
pub fn read(line: &[u8]) -> Line {
    if line.iter().all(|byte| *byte == b' ') {
        return Line::Blank;
    }
    let Some((given, text)) = line.split_at_checked(CHECK) else { return Line::Damaged };
    let Some(text) = text.strip_prefix(b" ") else { return Line::Damaged };
    if given != check(text).as_bytes() {
        return Line::Damaged;
    }
    let Some(at) = text.iter().position(|byte| *byte == b' ') else { return Line::Newer };
    let (kind, json) = (&text[..at], &text[at + 1..]);
    let entry = match kind {
        kind if kind == OPEN.as_bytes() => read_open(json).map(Entry::Open),
        kind if kind == LAST_DAY.as_bytes() => read_last_day(json).map(Entry::LastDay),
        _ => None,
    };
    entry.map_or(Line::Newer, |entry| Line::Entry(Box::new(entry)))
}

fn read_open(json: &[u8]) -> Option<Open> {
    let record: OpenRecord = serde_json::from_slice(json).ok()?;
    let id = u64::from_str_radix(&record.id, 16).ok()?;
    let mut open = Open::new(
        record.ping.parse().ok()?,
        OpenId::from_bytes(id.to_be_bytes()),
        Timestamp::from_unix_millis(record.at),
        // A name of a newer version.
        record.fetcher.parse().unwrap_or(Fetcher::Unknown),
        record.verdict.parse().unwrap_or(Verdict::Uncertain),
    );
    // Of a step with an unknown name no more is sure than the day.
    open.time_step = record.time_step.parse().unwrap_or_else(|_| {
        open.at = StepTime::new(open.at, TimeStep::Day).start();
        TimeStep::Day
    });
    open.provider = record.provider.and_then(|provider| provider.parse::<Provider>().ok());
    open.evidence = EvidenceSet::from_bits(record.evidence);
    open.rules_version = record.rules_version;
    open.network = parsed(record.network.as_deref())?;
    open.country = parsed(record.country.as_deref())?;
    open.city = parsed(record.city.as_deref())?;
    Some(open)
}

fn read_last_day(json: &[u8]) -> Option<LastDay> {
    let record: LastDayRecord = serde_json::from_slice(json).ok()?;
    Some(LastDay::new(record.ping.parse().ok()?, Timestamp::from_unix_millis(record.day)))
}

#[expect(clippy::option_option, reason = "outside: whether it could be read, inside: whether there is one")]
fn parsed<T: std::str::FromStr>(text: Option<&str>) -> Option<Option<T>> {
    text.map(str::parse).transpose().ok()
}

/// The first 8 bytes of SHA-256, in hexadecimal digits: the core brings it along, and no damage
/// that a disk makes passes 64 bits.
fn check(text: &[u8]) -> String {
    let hash = Sha256::digest(text);
    let first = hash.iter().take(CHECK / 2).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    format!("{first:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetcher::Evidence;

    fn open() -> Open {
        let (ping, id) = (PingId::from_bytes([0x51; 16]), OpenId::from_bytes([9, 8, 7, 6, 5, 4, 3, 2]));
        let at = Timestamp::from_unix_millis(1_795_428_000_000);
        let mut open = Open::new(ping, id, at, Fetcher::GmailProxy, Verdict::Human);
        open.time_step = TimeStep::Hour;
        open.provider = Some(Provider::Gmail);
        open.evidence = EvidenceSet::from(Evidence::UaGoogleImageProxy).with(Evidence::NetGoogleProxy);
        open.rules_version = 77;
        open.network = Some("192.0.2.0/24".parse().unwrap());
        open.country = Some("DE".parse().unwrap());
        open.city = Some("M\u{fc}nchen".parse().unwrap());
        open
    }

    fn line_of(open: &Open) -> Vec<u8> {
        let mut line = Vec::new();
        write_open(&mut line, open).unwrap();
        assert_eq!(line.pop(), Some(b'\n'));
        line
    }

    fn signed(text: &str) -> Vec<u8> {
        format!("{} {text}", check(text.as_bytes())).into_bytes()
    }

    #[test]
    fn an_open_and_a_last_day_come_back_and_people_can_read_them() {
        let line = line_of(&open());
        assert_eq!(read(&line), Line::Entry(Box::new(Entry::Open(open()))));
        let text = String::from_utf8(line).unwrap();
        for part in
            ["open {", "gmail_proxy", "human", "192.0.2.0/24", "M\u{fc}nchen", &open().ping.to_string()]
        {
            assert!(text.contains(part), "{text}");
        }
        let mut fewest = Open::new(open().ping, open().id, open().at, Fetcher::Unknown, Verdict::Uncertain);
        fewest.time_step = TimeStep::Exact;
        assert_eq!(read(&line_of(&fewest)), Line::Entry(Box::new(Entry::Open(fewest))));
        let last = LastDay::new(open().ping, Timestamp::from_unix_millis(1_795_392_000_000));
        let mut line = Vec::new();
        write_last_day(&mut line, &last).unwrap();
        assert_eq!(read(&line[..line.len() - 1]), Line::Entry(Box::new(Entry::LastDay(last))));
    }

    #[test]
    fn no_line_with_a_flipped_bit_or_cut_short_is_taken_for_a_record() {
        let line = line_of(&open());
        for place in 0..line.len() * 8 {
            let mut broken = line.clone();
            broken[place / 8] ^= 1 << (place % 8);
            assert_eq!(read(&broken), Line::Damaged, "bit {place}");
        }
        for length in 1..line.len() {
            assert_eq!(read(&line[..length]), Line::Damaged, "{length} bytes");
        }
        assert_eq!(read(&vec![0; line.len()]), Line::Damaged);
        assert_eq!(read(&vec![b' '; line.len()]), Line::Blank);
    }

    #[test]
    fn what_a_newer_version_wrote_is_no_damage() {
        assert_eq!(read(&signed(r#"seal {"root":"00"}"#)), Line::Newer);
        assert_eq!(read(&signed("open 17")), Line::Newer);
        assert_eq!(read(&signed("open")), Line::Newer);
        let text = String::from_utf8(line_of(&open())).unwrap().split_off(CHECK + 1);
        let newer = text.replace("gmail_proxy", "telepathy").replace("\"gmail\"", "\"acme\"");
        let newer = newer.replace("\"at\":", "\"mood\":\"good\",\"at\":");
        let mut expected = open();
        (expected.fetcher, expected.provider) = (Fetcher::Unknown, None);
        assert_eq!(read(&signed(&newer)), Line::Entry(Box::new(Entry::Open(expected))));
        // A step that it does not know is the coarsest: nothing is claimed that may not be known.
        let mut expected = open();
        expected.time_step = TimeStep::Day;
        expected.at = expected.time().start();
        let newer = text.replace("\"hour\"", "\"minute\"");
        assert_eq!(read(&signed(&newer)), Line::Entry(Box::new(Entry::Open(expected))));
        // Finer than masking leaves an address: no version wrote it.
        let finer = text.replace("192.0.2.0/24", "192.0.2.7/32");
        assert_eq!(read(&signed(&finer)), Line::Newer);
    }
}
