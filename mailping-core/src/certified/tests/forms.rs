//! Receipts at the edges of the format, on which two verifiers could differ. Each is signed with
//! the right key: both refuse it, or both accept it and print the same.

use super::cheats::summed;
use super::checkpoint::Checkpoint;
use super::hash::{to_base64, to_hex};
use super::*;

/// A message that was created, opened and ended with these lines, in the seals 2, 3 and 4.
fn told(created: &str, opens: &[&str], ended: Option<&str>) -> String {
    let line = |kind, hours, line: &str| Statement { time: after(hours).into(), kind, line: line.into() };
    let mut sender = Sender::new();
    (0..2).for_each(|_| sender.seal(&[]));
    sender.seal(&[line(StatementKind::Created, 2.5, created)]);
    sender.seal(&opens.iter().map(|open| line(StatementKind::Open, 3.5, open)).collect::<Vec<_>>());
    sender.seal(&ended.map(|ended| line(StatementKind::Ended, 4.25, ended)).into_iter().collect::<Vec<_>>());
    sender.receipt()
}

fn beginning() -> String {
    created(&PingKey::from_bytes([7; 32])).as_str().to_owned()
}

fn recorded_until(text: &str) -> String {
    let created = beginning().replace("recorded until 2026-11-28T12:30:00.000Z", text);
    told(&created, &["2026-11-27T13:15:00.000Z open: human; id 01"], None)
}

fn opened(opens: &[&str]) -> String {
    told(&beginning(), opens, None)
}

fn ended(line: &str) -> String {
    told(&beginning(), &[], Some(line))
}

/// With more lines of signatures under the checkpoint, as anyone can append them.
fn cosigned(lines: &str) -> String {
    let mut file = interim().file();
    file.note.push_str(lines);
    file.to_text()
}

fn line_of_the_log() -> String {
    let note = interim().file().note;
    format!("{}\n", note.lines().last().unwrap())
}

/// With a head that says that the log has so many seals, and a proof that fits.
fn headed(mut sender: Sender, size: u64) -> String {
    sender.earlier.clear();
    let mut file = sender.file();
    let leaf = |index: u64| tree::leaf(sender.log.entries[usize::try_from(index).unwrap()].text.as_bytes());
    let known: Vec<_> = file.parts.iter().map(|part| (part.index, leaf(part.index))).collect();
    let proof = |count| Some(vec![[1; 32]; count]).filter(|log| tree::root(size, &known, log).is_some());
    file.log = (0..64).find_map(proof).unwrap();
    let root = tree::root(size, &known, &file.log).unwrap();
    file.checkpoint = Checkpoint { size, root, ..file.checkpoint };
    file.note = log_key(1).sign(&file.checkpoint.text());
    file.to_text()
}

/// With a change of the log's key in seal 1, signed by a stranger, whose text was changed.
fn rotated(change: impl Fn(String) -> String) -> String {
    let mut sender = Sender::new();
    sender.seal(&[]);
    let leaves = sender.leaves(&[]);
    sender.log.rotate(after(1.0), after(2.0), leaves, log_key(1));
    let text = change(sender.log.entries[1].seal.text());
    sender.log.entries[1].text = log_key(3).sign(&text);
    sender.seal(&[created(&sender.key)]);
    sender.receipt()
}

/// With another key in that change.
fn passed_on(kind: u8, point: [u8; 32]) -> String {
    let typed = [&[kind][..], &point].concat();
    let id = sha256(&[b"example.com/receipts\n", &typed]);
    let key = format!("example.com/receipts+{}+{}", to_hex(&id[..4]), to_base64(&typed));
    rotated(|text| format!("{}next {key}\n", text.split("next ").next().unwrap()))
}

pub(super) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, &content].concat()
}

const SHA_256: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// A token that anyone can make: nobody has signed it.
fn token(note: &str, time: &str, sha_256: &[u8], unsigned: &[u8]) -> Vec<u8> {
    let signed_data = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let time_stamp = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
    let imprint = der(0x30, &[&der(0x30, &[&der(6, &[sha_256])]), &der(4, &[&sha256(&[note.as_bytes()])])]);
    let info = [der(2, &[&[1]]), der(6, &[&[0x2a]]), imprint, der(2, &[&[7]]), der(0x18, &[time.as_bytes()])];
    let content = der(0xa0, &[&der(4, &[&der(0x30, &[&info.concat()])])]);
    let signed = [der(2, &[&[3]]), der(0x31, &[unsigned]), der(0x30, &[&der(6, &[&time_stamp]), &content])];
    der(0x30, &[&der(6, &[&signed_data]), &der(0xa0, &[&der(0x30, &[&signed.concat()])])])
}

/// What is put in front of what an authority signs, so that whoever searches the token for the
/// digest finds a time of 2010 behind it.
pub(super) fn decoy(note: &str) -> Vec<u8> {
    let decoy = [&sha256(&[note.as_bytes()])[..], b"\x18\x0f20100101000000Z"].concat();
    der(0x30, &[&der(6, &[&SHA_256]), &der(4, &[&decoy])])
}

/// A receipt with a token over its earlier checkpoint, whose page says this time.
fn stamped(make: impl Fn(&str) -> Vec<u8>, time: &str) -> String {
    let mut file = finished().file();
    let before = &mut file.before[0];
    before.token = Some((make(&before.note), time.parse().unwrap()));
    file.to_text()
}

const OPEN: &str = "2026-11-27T13:15:00.000Z open: human; id 01";
const NOW: &str = "2026-11-28T00:54:00Z";
const LONG_AGO: &str = "2010-01-01T00:00:00Z";

/// Not as the format is described.
pub(super) fn refused() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |kind: &str, what: &str, text: String| all.push((format!("{kind}: {what}"), text));
    for time in [
        "2026-11-28T13:30:00.000+01:00",
        "2026-11-28T12:30:00.00000Z",
        "2026-11-28T12:30:00,000Z",
        "2026-11-28 12:30:00.000Z",
        "2026-11-28t12:30:00.000z",
        "2026-11-28T12:30:60.000Z",
        "2026-11-28T24:00:00.000Z",
        "2026-11-28T12:30:00.000Z[UTC]",
        "2026-11-28T12:30:00Z",
        "2026-11-28T12:30Z",
        "+002026-11-28T12:30:00.000Z",
        "2026-11-2T12:30:00.0000Z",
        "2026-11-31",
        "1969-12-31",
        "9999-12-31",
        "9999-12-30T22:00:00.001Z",
        "",
        " 2026-11-28",
    ] {
        add("recorded until", time, recorded_until(&format!("recorded until {time}")));
    }
    add("recorded until", "not a field", recorded_until("x;recorded until 2026-11-28"));
    for open in [
        "2026-11-27T13:15:00.000Z open: human; id ",
        "2026-11-27T13:15:00.000Z open: human; id ; id 01",
        "2026-11-27T13:15:00.000Z open: human;id 01",
        "2026-11-27T13:15:00.000Z open: human; identity 01",
        "2026-11-27T13:15:00.000Z open: human; id 01\u{202e}",
        "2026-11-27T13:15:00.000Z Open: human; id 01",
        "2026-11-27T13:15:00Z open: human; id 01",
        "2026-11-27T13:15Z open: human; id 01",
        "2026-02-30 open: human; id 01",
        "0000-11-27 open: human; id 01",
    ] {
        add("opened", open, opened(&[open]));
    }
    add("opened", "twice", opened(&[OPEN, "2026-11-27T13:16:00.000Z open: id 01; id 02"]));
    add("ended", "before its time", ended("2026-11-27T14:10:00.000Z ended: record_until; early"));
    let stop = "The receipt is final: recording has ended, and nothing can be added to the list.";
    let go_on =
        "The receipt is interim: it lists what was sealed until 2026-11-27T15:00:00Z. More may follow.";
    let last = ended("2026-11-27T14:10:00.000Z ended: withdrawn");
    add("ended", "called interim", summed(&last.replace(stop, go_on)));
    let mut file = finished().file();
    let (open, empty) = (file.parts[2].clone(), file.parts.last().unwrap().clone());
    file.parts.push(file::Part {
        index: 27,
        from: empty.until,
        until: after(28.0),
        statements: Vec::new(),
        ..open
    });
    let behind = file.to_text();
    let go_on = go_on.replace("2026-11-27T15", "2026-11-28T14");
    add("ended", "with a seal behind it, called interim", summed(&behind.replace(stop, &go_on)));
    add("ended", "with a seal behind it", behind);

    for line in [
        "\u{2014} w !!!",
        "\u{2014} w AAAAAAB=",
        "\u{2014} w AAAAAAA",
        "\u{2014} w AAAAAA==",
        "\u{2014} w AAAA AAAA",
        "\u{2014} w\u{85}x AAAAAAAA",
        "\u{2014} w\u{a0}x AAAAAAAA",
        "\u{2014} w\u{3000}x AAAAAAAA",
        "\u{2014} w\u{200b}x AAAAAAAA",
        "\u{2014} w+x AAAAAAAA",
        "\u{2014} w\tx AAAAAAAA",
        "\u{2014} w AAAAAAAA\r",
        "\u{2014}  AAAAAAAA",
        "\u{2014} example.com/receipts !!!",
        "- w AAAAAAAA",
        "w",
        "",
    ] {
        add("signature line", line, cosigned(&format!("{line}\n")));
    }
    add("signature line", "33 of them", cosigned(&"\u{2014} w AAAAAAA=\n".repeat(32)));
    add("signature line", "the log's again", cosigned(&line_of_the_log()));

    add("size", "a log of ten digits", headed(finished(), 1_000_000_000));
    add("size", "a log of twenty digits", headed(finished(), u64::MAX));
    add("size", "a head that promises many more seals", headed(interim(), 999_999_999));

    for (honest, written) in [
        ("\n1\n", "\n01\n"),
        ("\n1\n", "\n+1\n"),
        ("T11:00:00Z", "T11:00:60Z"),
        ("T11:00:00Z", "T11:00:00.000Z"),
        ("2026-11-27T11", "1969-12-31T11"),
        ("=\nnext", "=\n\nnext"),
        ("=\nnext", "\nnext"),
        ("next ", "then "),
        ("receipts+", "receipts +"),
    ] {
        add("rotation", written, rotated(|text| text.replacen(honest, written, 1)));
    }
    let order_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let order_8: [u8; 32] = data_encoding::HEXLOWER.decode(order_8.as_bytes()).unwrap().try_into().unwrap();
    let one_less = |low: u8| [&[low][..], &[0xff; 30], &[0x7f]].concat().try_into().unwrap();
    for weak in [[0; 32], order_8, one_less(0xec), one_less(0xed), one_less(0xee)] {
        add("rotation", "to a key of small order", passed_on(1, weak));
    }
    add("rotation", "to a witness's key", passed_on(4, [9; 32]));

    let now = "20261128005400Z";
    add("stamp", "with a decoy", stamped(|note| token(note, now, &SHA_256, &decoy(note)), LONG_AGO));
    add("stamp", "no DER", stamped(|_| b"\x18\x0f20100101000000Z".to_vec(), LONG_AGO));
    add("stamp", "nothing", stamped(|_| Vec::new(), LONG_AGO));
    add("stamp", "over another note", stamped(|_| token("other", now, &SHA_256, &[]), NOW));
    add("stamp", "of another hash", stamped(|note| token(note, now, &SHA_256[..8], &[]), NOW));
    add("stamp", "more behind it", stamped(|note| [token(note, now, &SHA_256, &[]), vec![0]].concat(), NOW));
    let leap = |note: &str| token(note, "20261128005360Z", &SHA_256, &[]);
    add("stamp", "in a leap second", stamped(leap, "2026-11-28T00:53:59Z"));
    for time in ["20261328005400Z", "20261128005400", "20261128005400+0100", "19691231235959Z"] {
        add("stamp", time, stamped(|note| token(note, time, &SHA_256, &[]), NOW));
    }
    for (at, byte) in [(1, 0x80), (1, 0x85), (0, 0x31)] {
        let odd = |note: &str| {
            let mut token = token(note, now, &SHA_256, &[]);
            token[at] = byte;
            token
        };
        add("stamp", "odd bytes", stamped(odd, NOW));
    }
    all
}

/// Odd, and still as the format is described.
pub(super) fn accepted() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |kind: &str, what: &str, text: String| all.push((format!("{kind}: {what}"), text));
    for time in [
        "2026-11-28",
        "2026-11-28T12:00Z",
        "2026-11-28T12:30:00.250Z",
        "9999-12-30T22:00:00.000Z",
        "2026-11-28; recorded until tomorrow",
    ] {
        add("recorded until", time, recorded_until(&format!("recorded until {time}")));
    }
    let (first, second) = (format!("{OPEN};"), OPEN.replace("human", "human;x"));
    add("opened", "an id and one with a semicolon", opened(&[OPEN, &first]));
    add("opened", "a first field that is no verdict", opened(&[&second]));
    add("opened", "the id as the first field", opened(&["2026-11-27T13:15:00.000Z open: id 01"]));
    add("opened", "two ids", opened(&[OPEN, "2026-11-27T13:16:00.000Z open: id 02; id 01"]));
    add("opened", "a blank more", opened(&["2026-11-27T13:15:00.000Z open:  human; id 01"]));
    add("opened", "an hour", opened(&["2026-11-27T13:00Z open: human; id 01"]));
    add("ended", "of a reason not known", ended("2026-11-27T14:10:00.000Z ended: record_until_x"));
    add("ended", "of a reason with a semicolon", ended("2026-11-27T14:10:00.000Z ended: record_until;x"));
    add("ended", "in an hour", ended("2026-11-27T13:00Z ended: withdrawn"));
    add("signature line", "32 of them", cosigned(&"\u{2014} w AAAAAAA=\n".repeat(31)));
    add("signature line", "of another key", cosigned("\u{2014} example.com/receipts AAAAAAA=\n"));
    add("signature line", "of a name", cosigned("\u{2014} zeuge.example/Łódź-\u{2014} AAAAAAA=\n"));
    add("size", "a log of nine digits", headed(finished(), 999_999_999));
    add("rotation", "of a stranger", rotated(|text| text));
    let made = |time| move |note: &str| token(note, time, &SHA_256, &[]);
    add("stamp", "of anyone", stamped(made("20261128005400Z"), NOW));
    add("stamp", "with decimals", stamped(made("20261128005400.25Z"), NOW));
    let now = "20261128005400Z";
    add("stamp", "with a decoy", stamped(|note| token(note, now, &SHA_256, &decoy(note)), NOW));
    all
}

/// Half of them are points of the curve.
pub(super) fn either() -> Vec<String> {
    (2..34).map(|byte| passed_on(1, [byte; 32])).collect()
}

#[test]
fn what_is_in_another_form_is_refused() {
    for (name, receipt) in refused() {
        assert!(verifier().verify(&receipt).is_err(), "{name}");
    }
}

#[test]
fn what_is_odd_and_in_the_form_is_accepted() {
    for (name, receipt) in accepted() {
        let verified = verifier().verify(&receipt);
        assert!(verified.is_ok(), "{name}: {verified:?}");
    }
    let page = verifier().verify(&opened(&[&OPEN.replace("human", "human;x")])).unwrap().to_string();
    assert!(page.contains("Listed are 0 human, 0 machine and 0 uncertain fetches"), "{page}");
}

#[test]
fn a_stamp_is_never_printed_without_saying_that_it_was_not_checked() {
    let receipt = stamped(|note| token(note, "20261128005400Z", &SHA_256, &[]), NOW);
    let certified = verifier().verify(&receipt).unwrap();
    let sentence = "No stamp was checked: anyone can make one that names any time. ";
    for page in [certified.to_string(), certified.to_html()] {
        assert!(page.contains("stamped at 2026-11-28T00:54:00Z") && page.contains(sentence), "{page}");
    }
    assert!(!verifier().verify(&finished().receipt()).unwrap().to_string().contains(sentence));
}
