//! What both verifiers must accept and what they must refuse. `scripts/verify_receipt.py` is run on
//! the same receipts as the one in this crate.

mod changes;
mod cheats;
mod foreign;
mod forms;
mod measured;

use std::collections::BTreeMap;

use super::file::File;
use super::hash::sha256;
use super::issue::{Leaves, Log, LogKey, Message};
use super::*;
use crate::fetcher::{Fetcher, Verdict};
use crate::recipient::Recipient;
use crate::store::EndReason;
use crate::{Basis, Detail, Open, OpenId, Ping, PingId, Status, TimeStep, Timestamp};

const HOUR: i64 = 3_600_000;
/// The period of seal 0 begins here.
const START: &str = "2026-11-27T10:00:00Z";

/// A log and all that a sender knows of one ping in it.
struct Sender {
    log: Log,
    key: PingKey,
    sealed: BTreeMap<u64, Vec<Statement>>,
    /// Signed heads from before.
    earlier: Vec<(String, Option<Vec<u8>>)>,
}

fn log_key(seed: u8) -> LogKey {
    LogKey::from_secret("example.com/receipts", &[seed; 32]).unwrap()
}

fn start() -> Timestamp {
    START.parse().unwrap()
}

/// A time, by hours after the start of seal 0.
fn after(hours: f64) -> Timestamp {
    Timestamp::from_unix_millis(start().unix_millis() + (hours * HOUR as f64) as i64)
}

fn ping() -> Ping {
    let id = PingId::from_bytes([1, 0x9a, 0xc4, 0x2b, 0x3a, 0x10, 0x7f, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    let mut ping = Ping::stored(id, "invoice-42".to_owned(), Basis::Contract, Status::Live);
    ping.owner = Some("billing".to_owned());
    ping.sent_at = after(2.5);
    ping.record_until = after(26.5);
    (ping.detail, ping.time_step) = (Detail::City, TimeStep::Exact);
    ping
}

fn created(key: &PingKey) -> Statement {
    created_after(2.5, key)
}

fn created_after(hours: f64, key: &PingKey) -> Statement {
    let recipient = Recipient::parse("ada@example.com").unwrap();
    let digest = Some(sha256(&[b"the message\n"]));
    let message = Message { recipient: Some(&recipient), digest, attachments: &[sha256(&[b"the offer\n"])] };
    Statement::created(key, after(hours), &ping(), &message)
}

fn open(id: u8, hours: f64, verdict: Verdict) -> Statement {
    let mut open =
        Open::new(ping().id, OpenId::from_bytes([id; 8]), after(hours), Fetcher::GmailProxy, verdict);
    open.rules_version = 7;
    if verdict == Verdict::Human {
        open.country = "PT".parse().ok();
        open.city = "Lisbon".parse().ok();
    }
    Statement::open(&open)
}

/// Leaves of other pings: noise to everybody else.
fn others(seal: u64, count: u32) -> Leaves {
    let mut leaves = Leaves::default();
    for number in 0..count {
        let of = |what: &[u8]| sha256(&[what, &seal.to_be_bytes(), &number.to_be_bytes()]);
        leaves.insert_raw(of(b"tag"), of(b"value"));
    }
    leaves
}

impl Sender {
    /// Nothing sealed yet.
    fn new() -> Self {
        let key = PingKey::from_bytes([7; 32]);
        Self { log: Log::new(log_key(1)), key, sealed: BTreeMap::new(), earlier: Vec::new() }
    }

    /// The next hour's seal, with these statements of the ping among those of 20 others.
    fn seal(&mut self, statements: &[Statement]) {
        let hour = self.log.size();
        self.seal_period(after(hour as f64), after(hour as f64 + 1.0), statements);
    }

    fn seal_period(&mut self, from: Timestamp, until: Timestamp, statements: &[Statement]) {
        let leaves = self.leaves(statements);
        self.log.seal(from, until, leaves);
    }

    fn leaves(&mut self, statements: &[Statement]) -> Leaves {
        let seal = self.log.size();
        // Seal 8 holds nothing at all, seal 9 a single leaf.
        let mut leaves = others(
            seal,
            match seal {
                8 => 0,
                9 => 1,
                _ => 20,
            },
        );
        if !statements.is_empty() {
            leaves.insert(&self.key, seal, statements);
            self.sealed.insert(seal, statements.to_vec());
        }
        leaves
    }

    /// A head that is signed now and kept.
    fn keep_checkpoint(&mut self) {
        let note = self.log.checkpoint(self.earlier.last().map(|(note, _)| note.as_str())).unwrap();
        self.earlier.push((note, None));
    }

    fn file(&self) -> File {
        let note = self.log.checkpoint(self.earlier.last().map(|(note, _)| note.as_str())).unwrap();
        self.log.receipt(&self.key, &self.sealed, &note, &self.earlier).unwrap()
    }

    fn receipt(&self) -> String {
        self.file().to_text()
    }
}

/// A message sent in seal 2, fetched in seals 4, 5 and 9, and as long as asked for.
fn sender(seals: u64) -> Sender {
    let mut sender = Sender::new();
    while sender.log.size() < seals {
        let new = match sender.log.size() {
            2 => vec![created(&sender.key)],
            4 => vec![open(1, 4.25, Verdict::Human)],
            5 => vec![open(2, 5.5, Verdict::Machine), open(3, 4.75, Verdict::Uncertain)],
            9 => vec![open(4, 9.25, Verdict::Human)],
            26 => vec![Statement::ended(after(26.5), EndReason::RecordUntil)],
            _ => Vec::new(),
        };
        sender.seal(&new);
        if sender.log.size() == 7 {
            sender.keep_checkpoint();
        }
    }
    sender
}

fn interim() -> Sender {
    sender(15)
}

fn finished() -> Sender {
    sender(30)
}

fn verifier() -> Verifier {
    Verifier::new(log_key(1).public().clone())
}

#[test]
fn an_interim_receipt_proves_what_was_sealed_until_now() {
    let sender = interim();
    let certified = verifier().verify(&sender.receipt()).unwrap();
    assert_eq!((certified.is_final(), certified.until()), (false, after(15.0)));
    assert_eq!((certified.origin(), certified.header()), ("example.com/receipts", sender.file().header()));
    let kinds: Vec<_> = certified.statements().map(|(one, by)| (one.kind(), by)).collect();
    let open = StatementKind::Open;
    let sealed_by = [(StatementKind::Created, 3.0), (open, 5.0), (open, 6.0), (open, 6.0), (open, 10.0)];
    assert_eq!(kinds, sealed_by.map(|(kind, hours)| (kind, after(hours))));
    let page = certified.to_string();
    assert!(
        page.contains(
            "Listed are 2 human, 1 machine and 1 uncertain fetches of its picture, and 0 last days.\n"
        ),
        "{page}"
    );
    assert!(
        page.contains("interim: it lists what was sealed until 2026-11-28T01:00:00Z. More may follow.\n")
    );
    assert!(certified.to_html().contains("city \"Lisbon\"; rules 7"));
}

#[test]
fn a_final_receipt_ends_with_the_end_and_needs_nothing_behind_it() {
    let sender = finished();
    let file = sender.file();
    assert_eq!(file.parts.last().map(|part| part.index), Some(26));
    let certified = verifier().verify(&file.to_text()).unwrap();
    assert!(certified.is_final() && certified.to_string().contains("The receipt is final"));
    let last = certified.statements().last().unwrap().0.to_string();
    assert_eq!(last, "2026-11-28T12:30:00.000Z ended: record_until");
}

#[test]
fn at_the_detail_last_day_the_receipt_says_the_day_alone() {
    let mut sender = Sender::new();
    (0..2).for_each(|_| sender.seal(&[]));
    sender.seal(&[created(&sender.key)]);
    (3..26).for_each(|_| sender.seal(&[]));
    let day = Statement::last_day(&crate::LastDay::new(ping().id, "2026-11-27T00:00:00Z".parse().unwrap()));
    sender.seal(&[day, Statement::ended(after(26.5), EndReason::RecordUntil)]);
    let page = verifier().verify(&sender.receipt()).unwrap().to_string();
    assert!(page.contains("0 uncertain fetches of its picture, and 1 last days."), "{page}");
}

#[test]
fn a_receipt_is_bound_to_its_mail() {
    let sender = interim();
    let receipt = sender.receipt();
    assert!(verifier().header(&sender.file().header()).verify(&receipt).is_ok());
    let other = PingKey::from_bytes([8; 32]).header(created(&sender.key).as_str());
    assert_eq!(verifier().header(&other).verify(&receipt).unwrap_err(), VerifyError::Header);
    assert!(receipt.contains(&format!("\n    Mailping-Key: {}\n", sender.file().header())));
}

/// Who seals a message a second time can make a receipt without what was sealed before: its mail
/// has another header.
#[test]
fn a_second_beginning_is_not_that_of_the_mail() {
    let mut cheat = sender(7);
    let header = cheat.file().header();
    cheat.seal(&[created_after(7.5, &cheat.key)]);
    cheat.sealed.retain(|seal, _| *seal >= 7);
    let receipt = cheat.receipt();
    assert_eq!(verifier().verify(&receipt).unwrap().statements().count(), 1, "it is sound by itself");
    assert_eq!(verifier().header(&header).verify(&receipt).unwrap_err(), VerifyError::Header);
}

#[test]
fn a_verifier_with_an_earlier_checkpoint_sees_whether_the_log_was_rewritten() {
    let sender = finished();
    let kept = sender.earlier[0].0.as_str();
    assert!(verifier().earlier(kept).verify(&sender.receipt()).is_ok());
    let now = sender.file().note;
    assert!(verifier().earlier(&now).verify(&sender.receipt()).is_ok(), "its own");
    let unknown = interim().file().note;
    let refused = verifier().earlier(&unknown).verify(&sender.receipt()).unwrap_err();
    assert_eq!(refused, VerifyError::NoProof { size: 15 });
    let mut other = Sender::new();
    (0..7).for_each(|_| other.seal(&[]));
    let refused =
        verifier().earlier(&other.log.checkpoint(None).unwrap()).verify(&sender.receipt()).unwrap_err();
    assert_eq!(refused, VerifyError::Rewritten { size: 7 });
}

/// A restored backup, or a server that took over too early: what was signed is gone from the log.
#[test]
fn a_log_that_lost_what_was_signed_is_never_signed_again() {
    let last = interim().log.checkpoint(None).unwrap();
    assert!(finished().log.checkpoint(Some(&last)).is_ok());
    let mut restored = sender(12);
    assert_eq!(restored.log.checkpoint(Some(&last)), Err(issue::NotExtended));
    (0..5).for_each(|_| restored.seal(&[open(9, 12.0, Verdict::Human)]));
    assert_eq!(
        restored.log.checkpoint(Some(&last)),
        Err(issue::NotExtended),
        "grown again, with other seals"
    );
}

#[test]
fn a_key_passed_on_is_followed_and_one_that_was_not_is_refused() {
    let mut sender = sender(10);
    let (from, until) = (after(10.0), after(11.0));
    let leaves = sender.leaves(&[open(5, 10.5, Verdict::Human)]);
    sender.log.rotate(from, until, leaves, log_key(2));
    sender.seal(&[open(6, 11.5, Verdict::Human)]);
    let (old, new) = (log_key(1).public().clone(), log_key(2).public().clone());
    let receipt = sender.receipt();
    for key in [old.clone(), new.clone()] {
        assert!(Verifier::new(key).verify(&receipt).is_ok());
    }
    let stranger = log_key(3).public().clone();
    assert_eq!(Verifier::new(stranger).verify(&receipt).unwrap_err(), VerifyError::Signature);
    // Whoever takes over without the old key gets nowhere with those who know only that one.
    let mut taken = super::tests::sender(10);
    let leaves = taken.leaves(&[]);
    taken.log.key = log_key(2);
    taken.log.rotate(from, until, leaves, log_key(2));
    assert_eq!(Verifier::new(old).verify(&taken.receipt()).unwrap_err(), VerifyError::Signature);
    assert!(Verifier::new(new).verify(&taken.receipt()).is_ok());
}

/// Signs whatever it is shown, at the time that it is told.
struct Witness {
    key: ed25519_dalek::SigningKey,
    public: PublicKey,
    second: u64,
}

impl Witness {
    fn new() -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
        let typed = [&[4][..], key.verifying_key().as_bytes()].concat();
        let id = sha256(&[b"witness.example/w1\n", &typed]);
        let public = format!("witness.example/w1+{}+{}", hash::to_hex(&id[..4]), hash::to_base64(&typed));
        Self { key, public: public.parse().unwrap(), second: 1_795_773_600 }
    }
}

#[async_trait::async_trait]
impl issue::Outside for Witness {
    async fn show(&self, checkpoint: &str) -> Result<issue::Seen, Box<dyn std::error::Error + Send + Sync>> {
        use ed25519_dalek::Signer as _;
        let text = note::Note::parse(checkpoint).ok_or("no note")?.text;
        let signature = self.key.sign(format!("cosignature/v1\ntime {}\n{text}", self.second).as_bytes());
        let signature = [&self.second.to_be_bytes()[..], &signature.to_bytes()].concat();
        Ok(issue::Seen::Cosignature(note::signature_line(&self.public, &signature)))
    }
}

#[test]
fn a_witness_that_was_asked_for_must_have_signed() {
    let witness = Witness::new();
    let key = witness.public.clone();
    assert!(key.is_witness());
    let mut file = interim().file();
    let unsigned = file.note.clone();
    assert_eq!(verifier().witness(key.clone()).verify(&file.to_text()).unwrap_err(), VerifyError::Witness);
    let seen = pollster::block_on(issue::Outside::show(&witness, &unsigned)).unwrap();
    let issue::Seen::Cosignature(line) = seen else { panic!("a line") };
    file.note.push_str(&line);
    let certified = verifier().witness(key.clone()).verify(&file.to_text()).unwrap();
    assert_eq!(certified.witnessed(), [(key.clone(), start())]);
    assert!(verifier().verify(&file.to_text()).is_ok(), "nobody has to know the witness");
    assert_eq!(Verifier::new(key.clone()).verify(&file.to_text()).unwrap_err(), VerifyError::Signature);
    // The same signature with another time is none.
    let (start, signature) = line.trim_end().rsplit_once(' ').unwrap();
    let mut signature = hash::from_base64(signature).unwrap();
    signature[11] ^= 1;
    file.note = format!("{unsigned}{start} {}\n", hash::to_base64(signature));
    assert_eq!(verifier().witness(key).verify(&file.to_text()).unwrap_err(), VerifyError::Witness);
}

/// The worked example of the guide. It is frozen: what verifies it today must do so forever.
#[test]
fn the_worked_example_is_made_and_verified_as_written() {
    let example = include_str!("../../docs/certified_receipt.txt");
    let mut sender = Sender::new();
    (0..2).for_each(|_| sender.seal(&[]));
    sender.seal(&[created(&sender.key)]);
    sender.seal(&[open(1, 3.25, Verdict::Human), open(2, 3.5, Verdict::Machine)]);
    sender.seal(&[Statement::ended(after(4.25), EndReason::Withdrawn)]);
    assert_eq!(sender.receipt(), example);
    let key = "example.com/receipts+568fe56e+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c".parse().unwrap();
    assert!(Verifier::new(key).verify(example).unwrap().is_final());
    let guide = include_str!("../../docs/certified.md");
    let (file, key) = (sender.file(), &sender.key);
    let (part, seal) = (&file.parts[1], &sender.log.entries[3].seal);
    let value = key.leaf(3, &part.statements);
    assert_eq!(part.path.root(&key.tag(3), Some(&value)), Some(seal.root));
    for shown in [
        log_key(1).public().to_string(),
        hash::to_hex(&sha256(&[page::GUIDE.as_bytes()])),
        hash::to_hex(&key.tag(3)),
        hash::to_hex(&value),
        hash::to_base64(seal.root),
        hash::to_hex(&tree::leaf(seal.text().as_bytes())),
        hash::to_base64(file.checkpoint.root),
    ] {
        assert!(guide.contains(&format!("`{shown}`")) || guide.contains(&format!("\n{shown}\n")), "{shown}");
    }
}

#[test]
fn debug_shows_nothing_of_the_message() {
    let sender = interim();
    let certified = verifier().verify(&sender.receipt()).unwrap();
    let shown = format!("{certified:?} {:?} {:?}", sender.file(), sender.log.key);
    assert!(!shown.contains("invoice") && !shown.contains("billing") && !shown.contains("Lisbon"), "{shown}");
}
