use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use pollster::block_on;

use super::head::{MAX_HEAD, Said};
use super::*;
use crate::fetcher::{Evidence, EvidenceSet, Fetcher, Verdict};
use crate::intake::PixelRequest;
use crate::mount::Mount;
use crate::store::{OpenQuery, Ping};
use crate::testing::faulty::{Fault, FaultyStore};
use crate::{
    Basis, Detail, Keyring, LastDay, NewPing, Open, OpenId, Status, TimeStep, Timestamp, Tracker,
    TrackerBuilder,
};

const NOON: i64 = 1_795_435_200_000;

fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(NOON + millis)
}

/// A ping of a message that is sent at noon.
fn id(n: u8) -> PingId {
    let mut bytes = [n; 16];
    bytes[..6].copy_from_slice(&NOON.to_be_bytes()[2..]);
    PingId::from_bytes(bytes)
}

/// A ping that records for a day from noon on.
fn ping(n: u8, detail: Detail, step: TimeStep) -> Ping {
    let mut ping = Ping::stored(id(n), format!("invoice-{n}"), Basis::Contract, Status::Live);
    (ping.detail, ping.time_step) = (detail, step);
    (ping.record_until, ping.keep_until) = (time(86_400_000), time(99_000_000));
    ping
}

/// The finest that an edge can say of an open, ten seconds after noon.
fn open(of: u8, n: u8) -> Open {
    let mut open =
        Open::new(id(of), OpenId::from_bytes([n; 8]), time(10_123), Fetcher::Browser, Verdict::Human);
    open.network = Some("192.0.2.0/24".parse().unwrap());
    open.country = Some("PT".parse().unwrap());
    open.city = Some("Porto".parse().unwrap());
    open
}

/// A centre with the pings 1 to 3, of which the last is withdrawn, and its edge `fra`.
struct Centre {
    store: FaultyStore,
    tracker: Tracker,
    keys: Keyring,
    mount: Mount,
    edge: Keyring,
}

impl Centre {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(set: impl FnOnce(TrackerBuilder) -> TrackerBuilder) -> Self {
        let (store, keys) = (FaultyStore::default(), Keyring::generate().unwrap());
        for n in 1..=3 {
            block_on(store.insert_ping(&ping(n, Detail::Network, TimeStep::Exact), None)).unwrap();
        }
        block_on(store.withdraw(id(3))).unwrap();
        let builder = Tracker::builder(keys.clone(), store.clone()).ceiling(Detail::Network);
        let builder = builder.clock(|| SystemTime::from(time(60_000))).accept_edges(["fra", "sin"]).unwrap();
        let tracker = block_on(set(builder.base_url("https://app.example/px").unwrap()).build()).unwrap();
        let edge = keys.for_edge("fra").unwrap();
        Self { store, mount: Mount::new(tracker.clone()), tracker, edge, keys }
    }

    fn sign(&self, opens: &[Open], last_days: &[LastDay]) -> Batch {
        let database = block_on(self.store.memory().identity()).unwrap();
        Batch::sign(&self.edge, time(60_000).into(), Some(database), opens, last_days).unwrap()
    }

    /// Sends these bytes in parts of so many.
    fn post(&self, bytes: &[u8], part: usize) -> (u16, Vec<u8>) {
        let mut batch = self.mount.batch("POST", "/px/edges").unwrap();
        for part in bytes.chunks(part) {
            if !batch.add(part) {
                break;
            }
        }
        let answer = block_on(batch.answer());
        (answer.status().as_u16(), answer.into_body().to_vec())
    }

    fn sends(&self, opens: &[Open], last_days: &[LastDay]) -> Vec<Outcome> {
        let batch = self.sign(opens, last_days);
        let (status, body) = self.post(batch.as_bytes(), 100);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        batch.read_answer(&body).unwrap().outcomes
    }

    fn kept(&self, of: u8) -> Vec<Open> {
        block_on(self.store.memory().opens(&OpenQuery::oldest(id(of), 1_000))).unwrap().items
    }

    fn holds_nothing(&self) -> bool {
        (1..=3).all(|of| self.kept(of).is_empty())
    }
}

#[test]
fn each_record_is_answered_and_kept_once_however_often_it_comes() {
    use Outcome::{Filtered, Kept};
    let centre = Centre::new();
    let opens = [open(1, 1), open(3, 2), open(2, 3), open(9, 4), open(1, 5), open(1, 1)];
    let days = [LastDay::new(id(2), time(0)), LastDay::new(id(3), time(0))];
    let batch = centre.sign(&opens, &days);
    for part in [1, 7, 300, 1 << 20] {
        let (status, body) = centre.post(batch.as_bytes(), part);
        let answer = batch.read_answer(&body).unwrap();
        assert_eq!(status, 200);
        assert_eq!(answer.outcomes, [Kept, Filtered, Kept, Filtered, Kept, Kept, Kept, Filtered]);
        assert_eq!(answer.database, block_on(centre.store.memory().identity()).unwrap());
    }
    assert_eq!(centre.kept(1), [open(1, 1), open(1, 5)]);
    assert_eq!(centre.kept(2), [open(2, 3)]);
    assert!(centre.kept(3).is_empty());
    // A store looks for what may be there only if it is told.
    assert_eq!(centre.store.records(), centre.store.repeats());
    let day = block_on(centre.store.memory().ping(id(2))).unwrap().unwrap().last_day;
    assert_eq!(day, Some(time(0).floor(86_400_000)));
}

#[test]
fn what_ended_between_the_hit_and_the_batch_gains_nothing() {
    let centre = Centre::new();
    assert_eq!(centre.sends(&[open(1, 1), open(2, 1)], &[]), [Outcome::Kept; 2]);
    // Known to the centre by now, and ended by another process.
    block_on(centre.store.memory().erase(id(1))).unwrap();
    block_on(centre.store.memory().object_by_ping(id(2))).unwrap();
    assert_eq!(centre.sends(&[open(1, 2), open(2, 2)], &[]), [Outcome::Filtered; 2]);
    assert_eq!((centre.kept(1).len(), centre.kept(2).len()), (0, 1));
    let centre = Centre::new();
    let (mut in_time, mut too_late) = (open(1, 1), open(1, 2));
    (in_time.at, too_late.at) = (time(86_399_999), time(86_400_000));
    let later = Centre { mount: Mount::new(at(&centre, time(90_000_000))), ..centre };
    assert_eq!(later.sends(&[in_time, too_late], &[]), [Outcome::Kept, Outcome::Filtered]);
}

fn at(centre: &Centre, now: Timestamp) -> Tracker {
    let builder = Tracker::builder(centre.keys.clone(), centre.store.clone());
    let builder = builder.base_url("https://app.example/px").unwrap().clock(move || now.into());
    block_on(builder.accept_edges(["fra"]).unwrap().build()).unwrap()
}

#[test]
fn a_batch_that_is_changed_anywhere_or_cut_is_refused_and_stores_nothing() {
    let centre = Centre::new();
    let batch = centre.sign(&[open(1, 1), open(2, 2)], &[LastDay::new(id(2), time(0))]);
    let bytes = batch.as_bytes();
    for place in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1 << (place % 8);
        let (status, body) = centre.post(&changed, 90);
        assert!(matches!(status, 400 | 401), "byte {place}: {status}");
        assert!(batch.read_answer(&body).is_none());
        let (status, _) = centre.post(&bytes[..place], 90);
        assert_eq!(status, 400, "cut to {place}");
    }
    let longer = [bytes, b"\n"].concat();
    assert_eq!(centre.post(&longer, 90).0, 400);
    assert_eq!(centre.post(&[bytes, bytes].concat(), 90).0, 400);
    // Other lines whose own checksums are right, behind the first line of this batch.
    let others = centre.sign(&[open(1, 8), open(2, 9)], &[LastDay::new(id(2), time(0))]);
    let first = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let mixed = [&bytes[..first(bytes)], &others.as_bytes()[first(others.as_bytes())..]].concat();
    assert_eq!((mixed.len(), centre.post(&mixed, 90).0), (bytes.len(), 400));
    assert!(centre.holds_nothing());
    assert_eq!(centre.post(bytes, 90).0, 200, "as it was, it is kept");
}

#[test]
fn a_batch_of_a_stranger_is_refused_and_stores_nothing() {
    let centre = Centre::new();
    let signed = |keys: &Keyring| Batch::sign(keys, time(0).into(), None, &[open(1, 1)], &[]).unwrap();
    let not_on_the_list = centre.keys.for_edge("gru").unwrap();
    let another_centres = Keyring::generate().unwrap().for_edge("fra").unwrap();
    let text = centre.edge.secret_text();
    // `fra`, who says that it is `sin`, and under a number that the centre has no key of.
    let as_another = Keyring::from_text(&text.replace("edge-fra", "edge-sin")).unwrap();
    let of_no_key = Keyring::from_text(&text.replacen("0:", "7:", 1)).unwrap();
    for keys in [&not_on_the_list, &another_centres, &as_another, &of_no_key] {
        assert_eq!(centre.post(signed(keys).as_bytes(), 90).0, 401, "{keys:?}");
    }
    assert!(centre.holds_nothing());
    assert!(Batch::sign(&centre.keys, time(0).into(), None, &[], &[]).is_err(), "no edge has the keyring");
    assert!(Batch::check_keys(&centre.keys).is_err() && Batch::check_keys(&centre.edge).is_ok());
}

#[test]
fn keys_rotate_as_those_of_tokens_do() {
    let centre = Centre::new();
    let new = Keyring::generate().unwrap().secret_text().replacen("0:", "1:", 1);
    let both = Keyring::from_text(&format!("{new},{}", centre.keys.secret_text())).unwrap();
    let keys = [centre.edge.clone(), both.for_edge("fra").unwrap()];
    let only_new = Keyring::from_text(&new).unwrap();
    for (of_centre, statuses) in [(both, [200, 200]), (only_new, [401, 200])] {
        let centre = Centre { keys: of_centre, ..Centre::new() };
        let centre = Centre { mount: Mount::new(at(&centre, time(0))), ..centre };
        let signed = |keys| Batch::sign(keys, time(0).into(), None, &[open(1, 1)], &[]).unwrap();
        let answered = [0, 1].map(|n| centre.post(signed(&keys[n]).as_bytes(), 90).0);
        assert_eq!(answered, statuses);
    }
}

/// A batch that says anything, signed by the edge.
fn says(centre: &Centre, change: impl FnOnce(&mut Said), rest: &[u8]) -> Vec<u8> {
    use data_encoding::HEXLOWER;
    use sha2::{Digest as _, Sha256};
    let mut said = Said {
        edge: "fra".parse().unwrap(),
        key: centre.edge.newest().id,
        at: time(0),
        database: None,
        records: 0,
        length: rest.len(),
        digest: Sha256::digest(rest).into(),
    };
    change(&mut said);
    let text = said.text();
    let subkey = centre.edge.edge_subkey(&said.edge, said.key).unwrap();
    let head = format!("{text} {}\n", HEXLOWER.encode(&subkey.mac(text.as_bytes())));
    [head.as_bytes(), rest].concat()
}

#[test]
fn an_oversized_batch_is_refused_before_it_is_read() {
    let centre = Centre::new();
    let status = |bytes: &[u8]| centre.post(bytes, 4_096).0;
    assert_eq!(status(&says(&centre, |_| {}, b"")), 200);
    assert_eq!(status(&says(&centre, |said| said.length = Batch::MAX_BYTES, b"")), 413);
    assert_eq!(status(&says(&centre, |said| said.length = usize::MAX, b"")), 413);
    assert_eq!(status(&says(&centre, |said| said.records = Batch::MAX_RECORDS + 1, b"")), 413);
    assert_eq!(status(&says(&centre, |said| said.records = 1, b"")), 400, "fewer than it says");
    assert_eq!(status(&says(&centre, |said| said.length = 7, &[b'\n'; 9])), 400, "longer than it says");
    // A first line that never ends takes no memory, and a body that never ends is not read on.
    let mut batch = centre.mount.batch("POST", "/px/edges").unwrap();
    let wanted = (0..).take_while(|_| batch.add(&[b'x'; 4_096])).count();
    assert_eq!(wanted, Batch::MAX_BYTES / 4_096);
    assert_eq!(block_on(batch.answer()).status().as_u16(), 400);
    assert!(centre.holds_nothing());
    let opens: Vec<Open> = (0..=Batch::MAX_RECORDS).map(|_| open(1, 1)).collect();
    assert!(Batch::sign(&centre.edge, time(0).into(), None, &opens, &[]).is_err());
    let largest = Batch::sign(&centre.edge, time(0).into(), None, &opens[1..], &[]).unwrap();
    assert!(largest.as_bytes().len() <= Batch::MAX_BYTES);
    let first = largest.as_bytes().iter().position(|byte| *byte == b'\n').unwrap();
    let longest = first + "-".len() * 31 + 2 * 20;
    assert!(longest < MAX_HEAD, "the longest name and numbers have room: {longest}");
}

#[test]
fn what_is_no_line_is_refused_and_what_is_newer_stays_at_the_edge() {
    let centre = Centre::new();
    let one = |rest: &[u8]| centre.post(&says(&centre, |said| said.records = 1, rest), 90).0;
    for rest in [&b"hello\n"[..], b"\n", b"0123456789abcdef open {}\n", b"\xff\n"] {
        assert_eq!(one(rest), 400);
    }
    // `seal {}` with its checksum, as a later version might write it.
    use sha2::{Digest as _, Sha256};
    let check: String = Sha256::digest(b"seal {}").iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let (status, body) =
        centre.post(&says(&centre, |said| said.records = 1, format!("{check} seal {{}}\n").as_bytes()), 90);
    assert_eq!(status, 200);
    assert!(String::from_utf8(body).unwrap().contains(" r "));
    for (first, status) in
        [("mailping-batch 2 fra", 400), ("mailping-seal 1 fra", 400), ("GET / HTTP/1.1", 400)]
    {
        assert_eq!(centre.post(format!("{first}\n").as_bytes(), 90).0, status);
    }
}

#[test]
fn a_batch_for_another_database_is_refused_and_an_empty_one_asks_which() {
    let centre = Centre::new();
    let own = block_on(centre.store.memory().identity()).unwrap();
    let other = crate::store::DatabaseId::random().unwrap();
    let sign =
        |database, opens: &[Open]| Batch::sign(&centre.edge, time(0).into(), database, opens, &[]).unwrap();
    assert_eq!(centre.post(sign(Some(other), &[open(1, 1)]).as_bytes(), 90).0, 409);
    assert!(centre.holds_nothing());
    let asks = sign(None, &[]);
    let (_, body) = centre.post(asks.as_bytes(), 90);
    assert_eq!(asks.read_answer(&body).unwrap(), Answer { database: own, outcomes: Vec::new() });
}

#[test]
fn an_answer_is_good_for_its_batch_alone() {
    let centre = Centre::new();
    let (one, other) = (centre.sign(&[open(1, 1)], &[]), centre.sign(&[open(1, 2)], &[]));
    let (_, body) = centre.post(one.as_bytes(), 90);
    assert!(one.read_answer(&body).is_some() && other.read_answer(&body).is_none());
    for place in 0..body.len() {
        let mut changed = body.clone();
        changed[place] ^= 1 << (place % 8);
        assert!(one.read_answer(&changed).is_none(), "byte {place}");
        assert!(one.read_answer(&body[..place]).is_none(), "cut to {place}");
    }
    let text = String::from_utf8(body).unwrap();
    assert!(text.starts_with("mailping-answer 1 ") && text.lines().count() == 1, "{text}");
}

/// All that an edge could say, and what is left of it.
#[test]
fn no_more_is_kept_than_the_ping_the_ceiling_and_the_mask_permit() {
    type Set = fn(TrackerBuilder) -> TrackerBuilder;
    let as_it_is: Set = |builder| builder;
    let kept = |set: Set, detail, step, open: Open| {
        let centre = Centre::with(set);
        block_on(centre.store.memory().insert_ping(&ping(7, detail, step), None)).unwrap();
        centre.sends(&[open], &[]);
        centre.kept(7).pop()
    };
    let finest = open(7, 1);
    let all = |change: fn(&mut Open)| {
        let mut expected = open(7, 1);
        change(&mut expected);
        Some(expected)
    };
    let without_network: fn(&mut Open) = |open| open.network = None;
    let without_place: fn(&mut Open) = |open| (open.country, open.city) = (None, None);
    let alone: fn(&mut Open) = |open| (open.network, open.country, open.city) = (None, None, None);
    let exact = TimeStep::Exact;
    assert_eq!(kept(as_it_is, Detail::Network, exact, finest.clone()), all(|_| {}));
    assert_eq!(kept(as_it_is, Detail::City, exact, finest.clone()), all(without_network));
    assert_eq!(kept(as_it_is, Detail::Opens, exact, finest.clone()), all(alone));
    assert_eq!(kept(as_it_is, Detail::None, exact, finest.clone()), None);
    let coarse: fn(&mut Open) = |open| (open.time_step, open.at) = (TimeStep::Hour, time(0));
    assert_eq!(kept(as_it_is, Detail::Network, TimeStep::Hour, finest.clone()), all(coarse));
    // An edge of a coarser ceiling.
    assert_eq!(kept(as_it_is, Detail::Network, exact, all(coarse).unwrap()), all(coarse));
    assert_eq!(
        kept(|of| of.time_step_ceiling(TimeStep::Hour), Detail::Network, exact, finest.clone()),
        all(coarse)
    );
    assert_eq!(kept(|of| of.ceiling(Detail::Opens), Detail::Network, exact, finest.clone()), all(alone));
    let strict = kept(|of| of.mask(16, 32).unwrap(), Detail::Network, exact, finest.clone()).unwrap();
    assert_eq!(strict.network.unwrap().to_string(), "192.0.0.0/16");
    assert_eq!((strict.country, strict.city), (None, None), "the middle of a wide network has no place");
    let mut wider = finest.clone();
    wider.network = Some("192.0.0.0/20".parse().unwrap());
    assert_eq!(kept(as_it_is, Detail::Network, exact, wider.clone()), Some(wider), "nothing is made up");

    // I9, whatever the edge says.
    for change in [
        (|open: &mut Open| open.fetcher = Fetcher::GmailProxy) as fn(&mut Open),
        |open| open.fetcher = Fetcher::Unknown,
        |open| open.verdict = Verdict::Uncertain,
        |open| open.evidence = EvidenceSet::from(Evidence::NetOwn),
    ] {
        let mut said = finest.clone();
        change(&mut said);
        let mut expected = said.clone();
        without_place(&mut expected);
        assert_eq!(kept(as_it_is, Detail::Network, exact, said), Some(expected));
    }
}

#[test]
fn a_ping_of_one_day_takes_the_day_of_a_person_and_no_open() {
    let centre = Centre::new();
    block_on(centre.store.memory().insert_ping(&ping(7, Detail::LastDay, TimeStep::Exact), None)).unwrap();
    let mut machines = open(7, 1);
    machines.verdict = Verdict::Machine;
    assert_eq!(centre.sends(&[machines], &[]), [Outcome::Filtered]);
    let day = || block_on(centre.store.memory().ping(id(7))).unwrap().unwrap().last_day;
    assert_eq!(day(), None);
    assert_eq!(centre.sends(&[open(7, 2)], &[LastDay::new(id(7), time(5))]), [Outcome::Kept; 2]);
    assert_eq!((day(), centre.kept(7).len()), (Some(time(0).floor(86_400_000)), 0));
}

#[test]
fn a_time_ahead_is_refused_alone() {
    let centre = Centre::new();
    let (mut near, mut ahead) = (open(1, 2), open(1, 3));
    (near.at, ahead.at) = (time(60_000 + 600_000), time(60_000 + 600_001));
    let tomorrow = LastDay::new(id(1), time(86_400_000));
    let outcomes = centre.sends(&[open(1, 1), near, ahead], &[tomorrow]);
    assert_eq!(outcomes, [Outcome::Kept, Outcome::Kept, Outcome::Refused, Outcome::Refused]);
    assert_eq!(centre.kept(1).len(), 2);
}

#[test]
fn while_an_edges_clock_is_ahead_nothing_of_it_is_taken_or_refused_for_good() {
    let centre = Centre::new();
    let signed = |at| Batch::sign(&centre.edge, time(at).into(), None, &[open(1, 1)], &[]).unwrap();
    assert_eq!(centre.post(signed(60_000 + 600_001).as_bytes(), 90).0, 425);
    assert!(centre.holds_nothing());
    assert_eq!(centre.post(signed(60_000 + 600_000).as_bytes(), 90).0, 200);
    assert_eq!(centre.kept(1).len(), 1);
}

#[test]
fn before_its_message_was_sent_nobody_has_certainly_opened_it() {
    use Outcome::{Filtered, Kept, Refused};
    const DAY: i64 = 86_400_000;
    let dated = |n, at, step| {
        let mut open = open(1, n);
        (open.at, open.time_step) = (Timestamp::from_unix_millis(at), step);
        open
    };
    let centre = Centre::new();
    // A message may be planned a year ahead, so that a fetch may come as much earlier.
    let opens = [NOON, NOON - 1, NOON - 366 * DAY, NOON - 366 * DAY - 1, NOON - 400 * DAY, 0, -1, i64::MIN];
    let opens: Vec<Open> = (1..).zip(opens).map(|(n, at)| dated(n, at, TimeStep::Exact)).collect();
    assert_eq!(centre.sends(&opens, &[]), [Kept, Kept, Kept, Refused, Refused, Refused, Refused, Refused]);
    let kept = centre.kept(1);
    assert_eq!(kept.len(), 3);
    for open in kept {
        let is_early = open.at < time(0);
        assert_eq!(open.evidence.contains(Evidence::TimeBeforeSent), is_early);
        assert_eq!(open.verdict == Verdict::Human, !is_early);
        assert_eq!(open.place().is_none(), is_early);
    }
    // Within the day or hour of the sending.
    let coarse = dated(9, NOON - NOON.rem_euclid(DAY), TimeStep::Day);
    assert_eq!(centre.sends(std::slice::from_ref(&coarse), &[]), [Kept]);
    assert!(centre.kept(1).contains(&coarse));
    let days = [time(0), time(-DAY), Timestamp::default()].map(|day| LastDay::new(id(2), day));
    assert_eq!(centre.sends(&[], &days), [Kept, Filtered, Refused]);
}

#[test]
fn what_cannot_be_kept_now_is_not_confirmed_and_comes_again() {
    let centre = Centre::with(|builder| builder.deadline(Duration::from_millis(20)));
    let batch = centre.sign(&[open(1, 1), open(2, 2)], &[]);
    for fault in [Fault::Down, Fault::RecordHangs, Fault::RecordFails] {
        centre.store.fault(fault);
        let (status, body) = centre.post(batch.as_bytes(), 90);
        assert_eq!((status, batch.read_answer(&body)), (503, None), "{fault:?}");
    }
    centre.store.fault(Fault::None);
    let begun = std::time::Instant::now();
    while centre.post(batch.as_bytes(), 90).0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is never kept");
    }
    assert_eq!((centre.kept(1).len(), centre.kept(2).len()), (1, 1), "each once");
}

/// What comes again and again while nothing can be kept leaves the centre's own hits their places.
#[test]
fn batches_that_come_again_do_not_fill_the_queue() {
    let centre = Centre::with(|builder| builder.deadline(Duration::from_millis(5)).queue_capacity(40));
    centre.store.fault(Fault::RecordHangs);
    let opens: Vec<Open> = (0..10).map(|n| open(1, n)).collect();
    let batch = centre.sign(&opens, &[]);
    for _ in 0..20 {
        assert_eq!(centre.post(batch.as_bytes(), 4_096).0, 503);
    }
    let health = centre.tracker.intake().health();
    assert_eq!(health.dropped.queue_full, 0, "{health:?}");
    assert!(health.queue_depth <= 30, "{health:?}");
    centre.store.fault(Fault::None);
}

#[test]
fn a_record_that_the_database_refuses_is_answered_so_and_the_others_are_kept() {
    let centre = Centre::new();
    centre.store.fault(Fault::DamagedAt(id(2)));
    assert_eq!(centre.sends(&[open(1, 1), open(2, 2)], &[]), [Outcome::Kept, Outcome::Refused]);
    assert_eq!((centre.kept(1).len(), centre.kept(2).len()), (1, 0));
}

#[test]
fn a_ping_that_cannot_be_read_costs_its_own_records_and_is_told_once() {
    let centre = Centre::new();
    centre.store.damage(id(2));
    let errors = Errors::default();
    let outcomes = tracing::subscriber::with_default(errors.clone(), || {
        centre.sends(&[open(2, 2), open(1, 1), open(2, 3)], &[LastDay::new(id(2), time(0))])
    });
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Kept, Outcome::Refused, Outcome::Refused]);
    assert_eq!((centre.kept(1).len(), errors.0.load(Ordering::Relaxed)), (1, 1));
}

/// Counts what is logged as an error on one thread.
#[derive(Clone, Default)]
struct Errors(Arc<AtomicUsize>);

impl tracing::Subscriber for Errors {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::ERROR
    }
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn there_is_no_route_unless_edges_are_accepted() {
    let builder = Tracker::builder(Keyring::generate().unwrap(), FaultyStore::default());
    let tracker = block_on(builder.base_url("https://app.example/px").unwrap().build()).unwrap();
    let closed = Mount::new(tracker);
    let open = Centre::new().mount;
    assert!(closed.batch("POST", "/px/edges").is_none());
    for (method, path) in [
        ("GET", "/px/edges"),
        ("HEAD", "/px/edges"),
        ("POST", "/px/edges/"),
        ("POST", "/px/edges.gif"),
        ("POST", "/edges"),
        ("POST", "/px"),
        ("POST", "/px/px/edges"),
    ] {
        assert!(open.batch(method, path).is_none(), "{method} {path}");
    }
    let headers = http::HeaderMap::new();
    for mount in [&closed, &open] {
        let answer = block_on(mount.answer("GET", &PixelRequest::new("/px/edges", None, &headers)));
        assert_eq!(answer.into_body().len(), 43, "to everybody else it is a picture");
    }
    assert!(
        Tracker::builder(Keyring::generate().unwrap(), FaultyStore::default()).accept_edges(["Fra"]).is_err()
    );
}

#[test]
fn an_edge_confirms_nothing_that_it_cannot_do() {
    let centre = Centre::new();
    let maker = at(&centre, time(0));
    let new = NewPing::one_to_one("invoice-42", Basis::Contract).to("ada@example.com").confirmable("Bob");
    let sent = block_on(maker.pings().create(new.clone())).unwrap();
    // On a store that would do it all.
    let store = FaultyStore::default();
    let builder =
        Tracker::builder(centre.edge.clone(), store.clone()).clock(|| SystemTime::from(time(9_000)));
    let edge = block_on(builder.base_url("https://app.example/px").unwrap().build()).unwrap();
    let (people, pings) = (edge.people(), edge.pings());
    assert!(block_on(pings.create(new)).is_err_and(|error| error.field() == Some("keys")));
    assert!(block_on(pings.get(sent.id())).is_err());
    assert!(block_on(people.object("ada@example.com")).is_err());
    assert!(block_on(people.erase_recipient("ada@example.com")).is_err());
    let error = block_on(people.object_by_link(sent.opt_out_url())).unwrap_err();
    assert_eq!(error.field(), Some("keys"), "not that the link is damaged");
    assert!(block_on(store.recipient_keys()).unwrap().is_empty());

    let mount = Mount::new(edge);
    let headers = http::HeaderMap::new();
    let ask = |method: &str, url: &str| {
        let path = url.strip_prefix("https://app.example").unwrap();
        let answer = block_on(mount.answer(method, &PixelRequest::new(path, None, &headers)));
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    };
    for method in ["GET", "POST"] {
        for url in [sent.opt_out_url(), sent.confirm_url().unwrap()] {
            let (status, html) = ask(method, url);
            assert!(status == 503 && html.contains("<html"), "{method} {url}: {status}");
        }
    }
    assert_eq!(ask("GET", sent.pixel_url().unwrap()).0, 200);
    let of_the_pixel = edge_keeps(&centre.edge, sent.pixel_url().unwrap());
    assert_eq!(of_the_pixel, Some(sent.id()), "the token says all");
}

/// The ping that a hit at an edge is kept for.
fn edge_keeps(keys: &Keyring, url: &str) -> Option<PingId> {
    let builder = Tracker::builder(keys.clone(), FaultyStore::default());
    let tracker = block_on(builder.base_url("https://app.example/px").unwrap().build()).unwrap();
    let headers = http::HeaderMap::new();
    let request = PixelRequest::new(url.strip_prefix("https://app.example").unwrap(), None, &headers);
    let observed = tracker.intake().observe(&request, SystemTime::now(), OpenId::from_bytes([1; 8]));
    observed.map(|kept| kept.ping())
}

#[test]
fn a_centre_takes_hits_and_batches_at_once_and_keeps_each_once() {
    let centre = Centre::new();
    std::thread::scope(|scope| {
        for n in 0..4_u8 {
            let centre = &centre;
            scope.spawn(move || {
                for round in 0..20_u8 {
                    let opens: Vec<Open> = (0..10).map(|m| open(1, n * 10 + m)).collect();
                    assert_eq!(centre.sends(&opens, &[]), [Outcome::Kept; 10], "{round}");
                }
            });
        }
    });
    assert_eq!(centre.kept(1).len(), 40);
}
