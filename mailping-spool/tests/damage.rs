//! Damage of all kinds to a spool's files: what is whole is handed over, what is not is passed over
//! and counted.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{Fixture, eventually, files, opens, ping_id};
use mailping_core::store::{Recorded, Spooling as _, Store as _};
use mailping_core::testing::faulty::Fault;
use pollster::block_on;

/// A small generator of its own: a seed must mean the same damage forever.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }
}

/// Damages a file in one of the ways that disks and people do, and says how.
fn damage(path: &Path, random: &mut Random) -> String {
    let mut bytes = std::fs::read(path).unwrap();
    if bytes.is_empty() {
        return "nothing is left".to_owned();
    }
    let place = random.below(bytes.len());
    let (page, sector) = (place / 4_096 * 4_096, place / 512 * 512);
    let end_of = |start: usize, length: usize| (start + length).min(bytes.len());
    let (page_end, sector_end) = (end_of(page, 4_096), end_of(sector, 512));
    let what = match random.below(5) {
        0 => {
            bytes[place] ^= 1 << random.below(8);
            "a flipped bit"
        }
        1 => {
            bytes[sector..sector_end].fill(0);
            "a zeroed sector"
        }
        2 => {
            bytes[page..page_end].fill_with(|| random.below(256) as u8);
            "a page of garbage"
        }
        3 => {
            bytes.truncate(place);
            "a cut end"
        }
        _ => {
            bytes.copy_within(page..page_end, 0);
            "a page of another place"
        }
    };
    std::fs::write(path, bytes).unwrap();
    format!("{what} at {place}")
}

/// The numbers of the opens that stand whole in a spool's files, also beside one damaged byte that
/// was a line break.
fn whole(folder: &Path) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    for file in files(folder, "spool") {
        let bytes = std::fs::read(file).unwrap();
        for chunk in bytes.split(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(chunk);
            let named = text.split("City-").skip(1).filter_map(|rest| rest.split('-').next()?.parse().ok());
            numbers.extend(named.filter(|number: &u64| {
                let line = LINES.with_borrow(|lines| lines.get(usize::try_from(*number).unwrap()).cloned());
                line.is_some_and(|line| stands_whole(chunk, line.as_bytes()))
            }));
        }
    }
    numbers
}

fn stands_whole(chunk: &[u8], line: &[u8]) -> bool {
    let Some(at) = chunk.windows(line.len()).position(|window| window == line) else { return false };
    let Some((_broken, next)) = chunk[at + line.len()..].split_first() else { return true };
    let is_check = |check: &[u8]| check.iter().all(u8::is_ascii_hexdigit);
    next.is_empty() || next.len() > 17 && is_check(&next[..16]) && next[16] == b' '
}

thread_local! {
    /// The line of each open, before any damage.
    static LINES: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[test]
fn two_hundred_damages_cost_what_they_hit() {
    const OPENS: u64 = 120;
    for seed in 0..200 {
        let fixture = Fixture::new();
        fixture.hands_over_all();
        fixture.database.fault(Fault::Down);
        for n in 0..OPENS / 10 {
            fixture.records(&opens(n * 10..n * 10 + 10), Recorded::Spooled);
        }
        let text = std::fs::read_to_string(&files(&fixture.spool(), "spool")[0]).unwrap();
        LINES.with(|lines| *lines.borrow_mut() = text.lines().map(str::to_owned).collect());
        let mut random = Random(seed);
        let folder = fixture.spool();
        let did: Vec<String> =
            (0..=random.below(3)).map(|_| damage(&files(&folder, "spool")[0], &mut random)).collect();
        let expected = whole(&folder);
        let fixture = fixture.restarted();
        let unreadable = fixture.store.backlog().unreadable;
        // A copied page can hold a record twice.
        assert!(fixture.waiting() >= expected.len() as u64, "seed {seed}: {did:?}");
        // New opens are recorded as ever.
        fixture.records(&opens(1_000..1_010), Recorded::Spooled);
        fixture.database.fault(Fault::None);
        fixture.hands_over_all();
        let expected: BTreeSet<u64> = expected.into_iter().chain(1_000..1_010).collect();
        assert_eq!(fixture.kept(), expected, "seed {seed}: {did:?}");
        fixture.records(&opens(1_010..1_020), Recorded::Durable);
        // What was damaged is kept for people, named in health, and known after a restart; nothing
        // else is.
        assert_eq!(files(&folder, "spool").len(), 0, "seed {seed}");
        let aside = files(&folder, "aside");
        assert_eq!(aside.is_empty(), unreadable == 0, "seed {seed}: {did:?}");
        if let Some(aside) = aside.first() {
            let bytes = std::fs::read(aside).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            LINES.with(|lines| {
                let lines = lines.borrow();
                assert!(text.lines().all(|line| !lines.iter().any(|given| given == line)), "seed {seed}");
            });
        }
        let fixture = fixture.restarted();
        assert_eq!(fixture.store.backlog().unreadable, unreadable, "seed {seed}");
        assert_eq!(fixture.kept().len(), expected.len() + 10);
    }
}

#[test]
fn a_file_of_nothing_but_garbage_refuses_no_start() {
    let fixture = Fixture::new();
    let garbage: Vec<u8> = (0..10_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(fixture.spool().join("0000000000000007.spool"), garbage).unwrap();
    std::fs::write(fixture.spool().join("0000000000000008.spool"), b"").unwrap();
    std::fs::create_dir(fixture.spool().join("0000000000000009.spool")).unwrap();
    std::fs::write(fixture.spool().join("notes.txt"), "not ours").unwrap();
    let fixture = fixture.restarted();
    assert!(fixture.store.backlog().unreadable > 0);
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..10), Recorded::Spooled);
    fixture.database.fault(Fault::None);
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), (0..10).collect());
}

#[test]
fn a_flipped_line_break_costs_no_record_and_is_erased_with_what_stands_beside_it() {
    for at in 0..6 {
        for bit in 0..8 {
            let how = format!("bit {bit} of break {at}");
            let fixture = Fixture::new();
            let mut bytes = records(0..6);
            let breaks: Vec<usize> = (0..bytes.len()).filter(|place| bytes[*place] == b'\n').collect();
            bytes[breaks[at]] ^= 1 << bit;
            let file = fixture.spool().join("0000000000000001.spool");
            std::fs::write(&file, bytes).unwrap();
            let fixture = fixture.restarted();
            assert_eq!((fixture.waiting(), fixture.store.backlog().unreadable), (6, 0), "{how}");
            block_on(fixture.store.erase(ping_id(0))).unwrap();
            let text = std::fs::read(&file).unwrap();
            let names = |n| String::from_utf8_lossy(&text).contains(&ping_id(n).to_string());
            assert!(!names(0) && names(1) && names(2), "{how}");
            let fixture = fixture.restarted();
            assert_eq!((fixture.waiting(), fixture.store.backlog().unreadable), (4, 0), "{how}");
            fixture.database.refuse(opens(2..3)[0].id);
            fixture.hands_over_all();
            assert_eq!(fixture.kept(), [1, 4, 5].into(), "{how}");
            let fixture = fixture.restarted();
            let backlog = fixture.store.backlog();
            assert_eq!((backlog.set_aside, backlog.unreadable, backlog.waiting), (1, 0, 0), "{how}");
        }
    }
}

#[test]
fn damage_beside_a_flipped_line_break_is_counted_once_and_costs_no_other_record() {
    let fixture = Fixture::new();
    let mut bytes = records(0..6);
    let breaks: Vec<usize> = (0..bytes.len()).filter(|place| bytes[*place] == b'\n').collect();
    // The breaks around open 2, and that open.
    for place in [breaks[1], breaks[1] + 100, breaks[2]] {
        bytes[place] ^= 1;
    }
    std::fs::write(fixture.spool().join("0000000000000001.spool"), bytes).unwrap();
    let fixture = fixture.restarted();
    assert_eq!((fixture.waiting(), fixture.store.backlog().unreadable), (5, 1));
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), [0, 1, 3, 4, 5].into());
    let aside = std::fs::read(&files(&fixture.spool(), "aside")[0]).unwrap();
    let text = String::from_utf8_lossy(&aside);
    assert!((0..6).all(|n| text.contains(&format!("City-{n}-")) == (n == 2)), "{text}");
    assert_eq!(fixture.restarted().store.backlog().unreadable, 1);
}

/// What a file of the spool holds of these opens.
fn records(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(numbers), Recorded::Spooled);
    std::fs::read(&files(&fixture.spool(), "spool")[0]).unwrap()
}

#[test]
fn no_name_of_a_file_refuses_the_start_or_hides_its_records() {
    let names = [
        "18446744073709551615",
        "18446744073709551614",
        "9223372036854775807",
        "99999999999999999999999",
        "9999999999999999",
        "0000000000000000",
        "1",
        "+1",
        "-1",
        "0000000000000001 (copy)",
        "from another disk",
        "\u{fc}",
        "0000000000000001.aside",
    ];
    for together in names.chunks(1).chain([&names[..]]) {
        let fixture = Fixture::new();
        for (name, n) in together.iter().zip(0..) {
            let path = fixture.spool().join(format!("{name}.spool"));
            std::fs::write(path, records(n * 10..n * 10 + 10)).unwrap();
        }
        let mut fixture = fixture.restarted();
        fixture.database.fault(Fault::RecordFails);
        let mut end = together.len() as u64 * 10;
        for _ in 0..3 {
            assert_eq!(fixture.waiting(), end, "{together:?}");
            fixture.records(&opens(end..end + 10), Recorded::Spooled);
            end += 10;
            fixture = fixture.restarted();
        }
        block_on(fixture.store.erase(ping_id(0))).unwrap();
        fixture.database.fault(Fault::None);
        fixture.hands_over_all();
        assert_eq!(fixture.kept(), (0..end).filter(|n| n % 3 != 0).collect(), "{together:?}");
        assert_eq!(fixture.store.backlog().filtered, 0, "{together:?}: they were erased");
        assert!(files(&fixture.spool(), "spool").is_empty(), "{together:?}");
    }
}

#[test]
fn what_is_put_aside_replaces_nothing_that_was() {
    let fixture = Fixture::new();
    for (name, n) in [("1.aside", 0), ("1.spool", 1), ("0000000000000001.aside", 2)] {
        let mut bytes = records(n * 10..n * 10 + 10);
        bytes[0] ^= 1;
        std::fs::write(fixture.spool().join(name), bytes).unwrap();
    }
    let fixture = fixture.restarted();
    fixture.hands_over_all();
    assert_eq!(fixture.kept(), (11..20).collect());
    let fixture = fixture.restarted();
    assert_eq!((fixture.store.backlog().unreadable, fixture.store.backlog().set_aside), (3, 18));
    assert_eq!(files(&fixture.spool(), "aside").len(), 3);
}

#[test]
fn records_of_a_newer_version_wait_for_it() {
    let fixture = Fixture::new();
    fixture.hands_over_all();
    fixture.database.fault(Fault::Down);
    fixture.records(&opens(0..10), Recorded::Spooled);
    let file = files(&fixture.spool(), "spool").remove(0);
    let mut text = std::fs::read_to_string(&file).unwrap();
    // The checksum is of the kind and the JSON.
    let newer = "a7916c35affe33d7 seal {\"root\":\"2f1c\"}\n";
    text.push_str(newer);
    std::fs::write(&file, &text).unwrap();
    let mut fixture = fixture;
    for _ in 0..2 {
        fixture = fixture.restarted();
        assert_eq!((fixture.store.backlog().newer, fixture.store.backlog().unreadable), (1, 0));
        fixture.database.fault(Fault::None);
        fixture.hands_over_all();
        let kept = files(&fixture.spool(), "spool");
        assert_eq!(kept.len(), 1, "it stays");
        let text = std::fs::read_to_string(&kept[0]).unwrap();
        assert_eq!(text.trim_start().trim_end_matches('\n'), newer.trim_end(), "and the others are blanked");
    }
    assert_eq!(fixture.kept(), (0..10).collect());
}

#[test]
fn an_erasure_reaches_a_damaged_line_that_names_the_ping() {
    let fixture = Fixture::new();
    fixture.database.fault(Fault::RecordFails);
    fixture.records(&opens(0..6), Recorded::Spooled);
    let file = files(&fixture.spool(), "spool").remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let names = |id: &str| std::fs::read_to_string(&file).unwrap().contains(id);
    let id = ping_id(0).to_string();
    assert!(names(&id));
    block_on(fixture.store.erase(ping_id(0))).unwrap();
    assert!(!names(&id) && names(&ping_id(1).to_string()));
    eventually("the rest is handed over", || {
        fixture.database.fault(Fault::None);
        fixture.store.hand_over().unwrap();
        fixture.waiting() == 0
    });
    assert_eq!(fixture.kept(), [1, 2, 4, 5].into());
}
