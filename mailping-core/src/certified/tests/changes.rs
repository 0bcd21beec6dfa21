//! Random changes, each refused: also if whoever makes them brings the file's sum in order.

use super::cheats::summed;
use super::*;

/// The same numbers in each run.
pub(super) struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).unwrap_or(0)
    }
}

/// A receipt without an earlier checkpoint: of those only size and root are believed.
fn receipts() -> [String; 2] {
    [interim(), finished()].map(|mut sender| {
        sender.earlier.clear();
        sender.receipt()
    })
}

pub(super) fn changed() -> Vec<String> {
    let (receipts, mut numbers) = (receipts(), Numbers(0x1234_5678_9abc_def1));
    let mut all = Vec::new();
    while all.len() < 1_000 {
        let honest = &receipts[numbers.next(2)];
        let mut lines: Vec<String> = honest.lines().map(str::to_owned).collect();
        let (one, other) = (numbers.next(lines.len() - 1), numbers.next(lines.len() - 1));
        match numbers.next(6) {
            0 => lines.swap(one, other),
            1 => lines.insert(one, lines[other].clone()),
            2 => drop(lines.remove(one)),
            kind => {
                let line = &mut lines[one];
                let places: Vec<usize> = line.char_indices().map(|(place, _)| place).collect();
                let Some(place) = places.get(numbers.next(places.len())).copied() else { continue };
                let letter = char::from(b"0123456789abcdefABC+/=- :;."[numbers.next(27)]);
                match kind {
                    3 => line.insert(place, letter),
                    4 => drop(line.remove(place)),
                    _ => {
                        line.remove(place);
                        line.insert(place, letter);
                    }
                }
            }
        }
        let text = format!("{}\n", lines.join("\n"));
        if text == *honest {
            continue;
        }
        let again = summed(&text);
        all.push(if numbers.next(4) == 0 || again == *honest { text } else { again });
    }
    all
}

#[test]
fn a_thousand_random_changes_are_refused() {
    for text in receipts() {
        assert!(verifier().verify(&text).is_ok());
        assert_eq!(summed(&text), text);
    }
    for text in changed() {
        assert!(verifier().verify(&text).is_err(), "{text}");
    }
}

#[test]
fn each_byte_counts_and_no_change_panics() {
    let [text, _] = receipts();
    let bytes = text.as_bytes();
    for place in (0..bytes.len()).step_by(53) {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1;
        if let Ok(changed) = String::from_utf8(changed) {
            assert!(verifier().verify(&changed).is_err(), "byte {place}");
            // Another sum: whatever is not the sum itself is bound by something else.
            let again = summed(&changed);
            assert!(again == text || verifier().verify(&again).is_err(), "byte {place}");
        }
        if text.is_char_boundary(place) {
            assert!(verifier().verify(&text[..place]).is_err());
        }
    }
}

#[test]
fn a_line_that_is_wrong_is_named_by_its_number() {
    let [text, _] = receipts();
    for (start, expected) in [
        ("key ", "the key of the ping"),
        ("seal 2 ", "a seal"),
        ("seal 14 ", "a seal"),
        ("log ", "the proof of the log"),
        ("checkpoint", "the checkpoint"),
    ] {
        let place = text.find(&format!("\n{start}")).unwrap() + 1;
        let line = text[..place].lines().count() + 1;
        // Another word in front: that line is not what should be there.
        let wrong = summed(&format!("{}x{}", &text[..place], &text[place..]));
        let refused = verifier().verify(&wrong).unwrap_err();
        // Behind a seal can come another one or the log.
        let expected = if start == "seal 14 " { "the proof of the log" } else { expected };
        assert_eq!(refused, VerifyError::Form { line, expected }, "{start}");
    }
    let place = text.find("\nseal 5 ").unwrap() + 1;
    let line = text[..place].lines().count() + 1;
    let wrong = summed(&text.replace("\nseal 5 ", "\nseal five "));
    assert_eq!(verifier().verify(&wrong).unwrap_err(), VerifyError::Form { line, expected: "a seal" });
}

/// Nothing of these is believed but what the log binds.
#[test]
fn a_changed_earlier_checkpoint_changes_nothing_that_is_proven() {
    let receipt = interim().receipt();
    let honest = verifier().verify(&receipt).unwrap().to_string();
    let mut numbers = Numbers(7);
    for _ in 0..200 {
        let mut text = receipt.clone();
        let line = text.find("\nbefore ").unwrap() + 8;
        let place = line + numbers.next(200);
        let letter = char::from(b"0123456789abcdefABC+/"[numbers.next(21)]);
        text.replace_range(place..=place, letter.encode_utf8(&mut [0; 4]));
        if let Ok(certified) = verifier().verify(&summed(&text)) {
            assert_eq!(certified.to_string(), honest);
        }
    }
}
