//! The cheating operator: whoever has the log's key and the database, and wants a receipt that says
//! something else. Each signs with the right key.

use super::*;
use crate::certified::file::Before;
use crate::certified::issue;

/// What was tried, the receipt that came of it, and what the refusal says.
pub(super) fn cheats() -> Vec<(&'static str, String, &'static str)> {
    let mut cheats = Vec::new();
    let mut add = |name, text: String, refusal| cheats.push((name, text, refusal));
    let with = |change: fn(&mut File)| {
        let mut file = interim().file();
        change(&mut file);
        file.to_text()
    };
    let final_with = |change: fn(&mut File)| {
        let mut file = finished().file();
        change(&mut file);
        file.to_text()
    };
    let log = "the list is not what the log has signed";
    let shown_log = |sender: &Sender, file: &mut File| {
        let hashes: Vec<_> =
            sender.log.entries.iter().map(|entry| tree::leaf(entry.text.as_bytes())).collect();
        let shown: Vec<u64> = file.parts.iter().map(|part| part.index).collect();
        file.log = issue::tree::proof_of(&hashes, &shown);
    };

    // Left out, changed, added.
    add("an open left out", with(|file| file.parts[2].statements.clear()), log);
    add(
        "one open of two left out",
        with(|file| {
            file.parts[3].statements.pop();
        }),
        log,
    );
    add(
        "an open left out behind another leaf",
        with(|file| {
            let (tag, value) = (file.ping_key.tag(4), file.ping_key.leaf(4, &file.parts[2].statements));
            file.parts[2].path.other = Some((tag, value));
            file.parts[2].statements.clear();
        }),
        "seal 4 has a path that leads nowhere",
    );
    add(
        "an open left out, its place said to be empty",
        with(|file| {
            file.parts[2].statements.clear();
            file.parts[2].path = others(4, 20).path(&file.ping_key.tag(4));
        }),
        log,
    );
    add(
        "a verdict changed",
        with(|file| {
            let line = file.parts[3].statements[0].as_str().replace("machine", "human");
            file.parts[3].statements[0] = line.parse().unwrap();
        }),
        log,
    );
    add("an open added", with(|file| file.parts[5].statements.push(open(9, 7.5, Verdict::Human))), log);
    add("two opens in the other order", with(|file| file.parts[3].statements.swap(0, 1)), log);
    add(
        "an open in another seal",
        with(|file| {
            let moved = file.parts[2].statements.pop().unwrap();
            file.parts[4].statements.push(moved);
        }),
        log,
    );

    // Seals repeated, skipped, overlapping.
    add(
        "a seal skipped",
        {
            let (sender, mut file) = (interim(), interim().file());
            file.parts.remove(2);
            shown_log(&sender, &mut file);
            file.to_text()
        },
        "seal 4 is not there",
    );
    add(
        "a seal shown twice",
        with(|file| {
            let again = file.parts[4].clone();
            file.parts.insert(4, again);
        }),
        "seal 7 is not there",
    );
    add(
        "a seal twice in the log, the second without the open",
        {
            let mut sender = sender(5);
            let number_four = sender.log.entries[4].clone();
            let leaves = others(4, 20);
            let mut again = number_four.clone();
            again.seal.root = leaves.root();
            (again.text, again.leaves) = (again.seal.text(), leaves);
            sender.log.entries.push(again);
            sender.sealed.remove(&4);
            let mut file = sender.file();
            // The one without the open stands in place 5 of the log and calls itself 4.
            let mut part = file.parts.remove(3);
            part.index = 4;
            file.parts[2] = part;
            shown_log(&sender, &mut file);
            file.to_text()
        },
        "seal 5 is left out at the end",
    );
    let periods = |from: f64, until: f64| {
        let mut sender = sender(6);
        sender.seal_period(after(from), after(until), &[]);
        (7..10).for_each(|_| sender.seal(&[]));
        sender.receipt()
    };
    add("overlapping periods", periods(5.5, 7.0), "seal 6 has a period");
    add("a gap between periods", periods(6.5, 7.0), "seal 6 has a period");
    add("a period that ends before it starts", periods(6.0, 5.0), "seal 6 has a period");

    add(
        "a late seal that goes back in time",
        {
            let mut sender = Sender::new();
            let mut late = ping();
            late.record_until = after(2_000.0);
            sender.seal(&[Statement::created(&sender.key, after(0.5), &late, &Message::default())]);
            (1..744).for_each(|_| sender.seal(&[]));
            sender.seal_period(after(600.0), after(745.0), &[]);
            sender.receipt()
        },
        "seal 744 has a period",
    );

    // Leaves in the wrong place, duplicates.
    add(
        "a leaf in the wrong place",
        {
            let mut sender = sender(6);
            let open = vec![open(5, 6.5, Verdict::Human)];
            let mut leaves = others(6, 20);
            let mut tag = sender.key.tag(6);
            tag[0] ^= 0x80;
            leaves.insert_raw(tag, sender.key.leaf(6, &open));
            let path = leaves.path(&tag);
            sender.log.seal(after(6.0), after(7.0), leaves);
            sender.sealed.insert(6, open);
            let mut file = sender.file();
            file.parts[4].path = path;
            file.to_text()
        },
        log,
    );
    add(
        "nothing there, since another leaf is in the wrong place",
        {
            let mut sender = sender(6);
            let tag = sender.key.tag(6);
            let (mut wrong, value, sibling) = (tag, [8; 32], [9; 32]);
            wrong[0] ^= 0x80;
            sender.seal(&[]);
            let entry = &mut sender.log.entries[6];
            let there = map::leaf(&wrong, &value);
            let on_the_right = map::goes_right(&tag, 0);
            entry.seal.root =
                if on_the_right { map::node(&sibling, &there) } else { map::node(&there, &sibling) };
            entry.text = entry.seal.text();
            let mut file = sender.file();
            file.parts[4].path = map::Path { siblings: vec![sibling].into(), other: Some((wrong, value)) };
            file.to_text()
        },
        "seal 6 has a path that leads nowhere",
    );
    for levels in [257, 1 << 20] {
        let mut file = interim().file();
        file.parts[1].path = map::Path { siblings: vec![map::EMPTY; levels].into(), other: None };
        add("a path that is longer than a tag", file.to_text(), "line 64 is not a seal");
    }
    add(
        "a leaf of another seal",
        {
            let mut sender = sender(6);
            let mut leaves = others(6, 20);
            leaves.insert_raw(sender.key.tag(4), sender.key.leaf(4, &[open(5, 6.5, Verdict::Human)]));
            sender.log.seal(after(6.0), after(7.0), leaves);
            sender.sealed.insert(6, vec![open(5, 6.5, Verdict::Human)]);
            sender.receipt()
        },
        log,
    );
    let sealed = |statements: &[Statement]| {
        let mut sender = sender(6);
        sender.seal(statements);
        sender.receipt()
    };
    add("the same open again", sealed(&[open(1, 4.25, Verdict::Human)]), "statement 5 is there twice");
    add("the same open as another", sealed(&[open(1, 6.25, Verdict::Machine)]), "statement 5 is there twice");
    add(
        "a second beginning",
        sealed(&[created(&PingKey::from_bytes([7; 32]))]),
        "statement 5 is not the first",
    );

    // The beginning and the end.
    add(
        "a story begun anew later",
        {
            let mut sender = sender(6);
            sender.sealed.clear();
            sender.seal(&[created(&sender.key)]);
            sender.sealed.remove(&2);
            let mut file = sender.file();
            file.parts.retain(|part| part.index == 6);
            shown_log(&sender, &mut file);
            file.to_text()
        },
        "statement 1 is not from the period of the first seal",
    );
    add("no beginning", with(|file| file.parts.drain(..2).for_each(drop)), log);
    add(
        "a shortened end, interim",
        {
            let (sender, mut file) = (interim(), interim().file());
            file.parts.truncate(7);
            shown_log(&sender, &mut file);
            file.to_text()
        },
        "seal 9 is left out at the end",
    );
    add(
        "a shortened end, called final",
        {
            let mut sender = sender(9);
            sender.seal(&[open(4, 9.25, Verdict::Human)]);
            let mut file = sender.file();
            file.parts.truncate(7);
            file.parts[6].statements = vec![Statement::ended(after(8.5), EndReason::Withdrawn)];
            shown_log(&sender, &mut file);
            file.to_text()
        },
        log,
    );
    add(
        "an end before its time",
        {
            let mut sender = sender(10);
            sender.seal(&[Statement::ended(after(10.5), EndReason::RecordUntil)]);
            sender.receipt()
        },
        "statement 6 is not from the time at which recording was to end",
    );
    add(
        "a statement after the end, in the same seal",
        {
            let mut sender = sender(26);
            sender.seal(&[
                Statement::ended(after(26.5), EndReason::RecordUntil),
                open(8, 26.25, Verdict::Human),
            ]);
            sender.receipt()
        },
        "statement 7 stands after the end",
    );
    add(
        "a statement after the end, in a later seal",
        {
            let mut sender = sender(29);
            sender.seal(&[open(8, 26.25, Verdict::Human)]);
            let mut file = sender.file();
            for part in [27, 28, 29] {
                let path = sender.log.entries[part].leaves.path(&sender.key.tag(part as u64));
                let entry = &sender.log.entries[part].seal;
                let statements = sender.sealed.get(&(part as u64)).cloned().unwrap_or_default();
                file.parts.push(file::Part {
                    index: entry.index,
                    from: entry.from,
                    until: entry.until,
                    path,
                    statements,
                });
            }
            shown_log(&sender, &mut file);
            file.to_text()
        },
        "statement 7 stands after the end",
    );
    add(
        "more seals behind the end",
        {
            let (sender, mut file) = (finished(), finished().file());
            let seal = &sender.log.entries[27].seal;
            let path = sender.log.entries[27].leaves.path(&sender.key.tag(27));
            file.parts.push(file::Part {
                index: 27,
                from: seal.from,
                until: seal.until,
                path,
                statements: Vec::new(),
            });
            shown_log(&sender, &mut file);
            file.to_text()
        },
        "seal 27 stands behind the end",
    );
    add(
        "the end cut off",
        final_with(|file| {
            file.parts.last_mut().unwrap().statements.clear();
        }),
        "seal 27 is left out at the end",
    );
    add(
        "an open from after the end of recording",
        {
            let mut sender = sender(26);
            sender.seal(&[open(8, 26.75, Verdict::Human)]);
            sender.receipt()
        },
        "statement 6 is from after the end of recording",
    );
    add(
        "an open sealed before it happened",
        sealed(&[open(8, 7.25, Verdict::Human)]),
        "statement 5 was sealed before it happened",
    );
    add(
        "an open without an id",
        sealed(&["2026-11-27T16:30:00.000Z open: human".parse().unwrap()]),
        "statement 5 has no id",
    );

    // The log, the key and the page.
    add(
        "a log that does not go on from an earlier checkpoint",
        {
            let mut rewritten = Sender::new();
            (0..2).for_each(|_| rewritten.seal(&[]));
            rewritten.seal(&[created(&rewritten.key)]);
            (3..12).for_each(|_| rewritten.seal(&[]));
            rewritten.keep_checkpoint();
            let mut file = rewritten.file();
            let honest = &interim().file().before[0];
            let hashes: Vec<_> =
                rewritten.log.entries.iter().map(|entry| tree::leaf(entry.text.as_bytes())).collect();
            file.before = vec![Before { proof: issue::tree::consistency(&hashes, 7), ..honest.clone() }];
            file.to_text()
        },
        "the log does not go on from its earlier checkpoint of 7 seals",
    );
    add(
        "signed with another key",
        {
            let mut sender = interim();
            sender.log.key = log_key(2);
            sender.receipt()
        },
        "the checkpoint is not signed",
    );
    add(
        "the head of another log of the same key",
        {
            let mut file = interim().file();
            file.checkpoint.origin = "example.com/other".into();
            file.note = log_key(1).sign(&file.checkpoint.text());
            file.to_text()
        },
        "the checkpoint is not signed",
    );
    add(
        "the key of another ping",
        with(|file| file.ping_key = PingKey::from_bytes([8; 32])),
        "seal 11 has a path that leads nowhere",
    );
    for (name, honest, written) in [
        ("another sentence on the page", "Listed are 2 human", "Listed are 3 human"),
        ("another limit on the page", "That a person read the message", "That a person saw the message"),
        ("another header on the page", "Mailping-Key: ", "Mailping-Key: A"),
        ("another time of sealing", "sealed by 2026-11-27T15:00:00Z", "sealed by 2026-11-27T15:00:01Z"),
        (
            "a line more on the page",
            "What was stamped from outside\n",
            "What was stamped from outside\n\nby a notary\n",
        ),
    ] {
        let text = interim().receipt().replacen(honest, written, 1);
        add(name, summed(&text), "the first page is not the one that belongs to the proof");
    }
    cheats
}

/// With the last line that fits the rest.
pub(super) fn summed(text: &str) -> String {
    let (rest, _) = text.trim_end_matches('\n').rsplit_once('\n').unwrap_or((text, ""));
    format!("{rest}\nend {}\n", hash::to_hex(&sha256(&[rest.as_bytes(), b"\n"])))
}

#[test]
fn the_cheating_operator_is_refused_and_the_refusal_says_why() {
    for (name, receipt, refusal) in cheats() {
        let error = verifier().verify(&receipt).expect_err(name).to_string();
        assert!(error.starts_with(refusal), "{name}: {error}");
        assert!(!error.contains("invoice") && !error.contains("Lisbon"), "{error}");
    }
}

#[test]
fn a_leaf_that_is_not_due_counts_for_nothing() {
    let mut sender = Sender::new();
    sender.sealed.clear();
    let mut late = ping();
    late.record_until = after(2_000.0);
    sender.key = PingKey::from_bytes([9; 32]);
    sender.seal(&[Statement::created(&sender.key, after(0.5), &late, &Message::default())]);
    while sender.log.size() < 800 {
        let new = match sender.log.size() {
            719 => vec![open(1, 719.5, Verdict::Human)],
            // Sealed where no leaf of the ping counts any more, and again where it does.
            721 => vec![open(2, 720.5, Verdict::Human)],
            744 => vec![open(2, 720.5, Verdict::Human)],
            _ => Vec::new(),
        };
        sender.seal(&new);
    }
    let mut file = sender.file();
    let shown: Vec<u64> = file.parts.iter().map(|part| part.index).skip(718).collect();
    assert_eq!(shown, [718, 719, 720, 744, 768, 792]);
    let certified = verifier().verify(&file.to_text()).unwrap();
    assert_eq!(certified.statements().count(), 3);
    let seal = &sender.log.entries[721].seal;
    let path = sender.log.entries[721].leaves.path(&sender.key.tag(721));
    let statements = sender.sealed[&721].clone();
    file.parts.insert(721, file::Part { index: 721, from: seal.from, until: seal.until, path, statements });
    let refused = verifier().verify(&file.to_text()).unwrap_err().to_string();
    assert!(refused.starts_with("seal 744 is not there"), "{refused}");
}
