//! What was put in comes out, to the last bit, at every size and code.

use super::harness::{Harness, open, ping, time};
use crate::fetcher::{Evidence, EvidenceSet, Fetcher, Provider, Verdict};
use crate::geo::City;
use crate::store::Deleted;
use crate::{
    Basis, Detail, EprivacyGround, LastDay, MessageKind, Open, OpenId, Ping, PingId, Purpose, Status,
    TimeStep,
};

async fn comes_back(harness: &Harness, ping: &Ping) {
    harness.given(ping).await;
    let kept = harness.found(ping.id).await;
    // `Ping` hides its texts from `Debug`, so a difference is shown by name.
    assert!(kept.reference == ping.reference, "reference");
    assert!(kept.owner == ping.owner, "owner");
    assert_eq!(kept.basis, ping.basis);
    assert_eq!((kept.purpose, kept.kind, kept.eprivacy), (ping.purpose, ping.kind, ping.eprivacy));
    assert_eq!((kept.detail, kept.time_step), (ping.detail, ping.time_step));
    assert_eq!(kept.sent_at, ping.sent_at);
    assert_eq!(kept.record_until, ping.record_until);
    assert_eq!(kept.keep_until, ping.keep_until);
    assert!(&kept == ping, "the ping as a whole");
}

pub(super) async fn a_ping_with_every_field_comes_back(harness: Harness) {
    let mut full = ping(1);
    // 256 bytes with characters of four, and 256 of one.
    full.reference = "\u{1f4e8}".repeat(64);
    full.owner = Some("o".repeat(256));
    full.basis = Basis::legitimate_interest(
        "line\n\t\"quoted\" \\ \u{e9} ".repeat(95).chars().take(1_900).collect::<String>(),
    );
    full.purpose = Purpose::Bulk;
    full.kind = Some(MessageKind::Transactional);
    full.eprivacy = Some(EprivacyGround::StrictlyNecessary);
    comes_back(&harness, &full).await;
    let mut long = ping(2);
    long.basis = Basis::legitimate_interest("r".repeat(2_000));
    comes_back(&harness, &long).await;
    // Times that do not follow from the id or from each other.
    let mut odd = ping(3);
    (odd.sent_at, odd.record_until, odd.keep_until) = (time(3), time(1), time(2));
    comes_back(&harness, &odd).await;
}

pub(super) async fn a_ping_with_the_fewest_fields_comes_back(harness: Harness) {
    comes_back(
        &harness,
        &Ping::stored(PingId::from_bytes([0; 16]), "r".to_owned(), Basis::Contract, Status::Live),
    )
    .await;
    comes_back(
        &harness,
        &Ping::stored(PingId::from_bytes([0xff; 16]), "r".to_owned(), Basis::Contract, Status::Live),
    )
    .await;
    assert_eq!(harness.all_pings().await, [[0xff; 16], [0; 16]].map(PingId::from_bytes));
}

pub(super) async fn every_basis_and_code_of_a_ping_comes_back(harness: Harness) {
    let consent = Basis::consent(time(1), "v".repeat(200), "c".repeat(200));
    let bases = [Basis::Contract, Basis::LegalObligation, Basis::legitimate_interest("x"), consent];
    for n in 0..12_u8 {
        let mut ping = ping(n.into());
        ping.basis = bases[usize::from(n) % bases.len()].clone();
        ping.purpose = Purpose::from_code(n % 2);
        ping.detail = Detail::ALL[usize::from(n) % Detail::ALL.len()];
        ping.time_step = TimeStep::ALL[usize::from(n) % TimeStep::ALL.len()];
        ping.kind = MessageKind::from_code(n % 4);
        ping.eprivacy = EprivacyGround::from_code(n % 5);
        ping.status = [Status::Live, Status::Withdrawn, Status::Untracked][usize::from(n) % 3];
        comes_back(&harness, &ping).await;
    }
}

async fn come_back(harness: &Harness, mut opens: Vec<Open>) {
    harness.keeps(&opens).await;
    let id = opens.first().expect("at least one").ping;
    opens.sort_by_key(|open| (open.at, open.id));
    let kept = harness.all_opens(id).await;
    assert_eq!(kept.len(), opens.len());
    for (kept, open) in kept.iter().zip(&opens) {
        assert_eq!(kept, open);
    }
}

pub(super) async fn opens_with_every_and_with_no_field_come_back(harness: Harness) {
    let id = harness.given_ping(1).await;
    let mut full = open(id, 1);
    full.provider = Some(Provider::Microsoft);
    full.evidence = Evidence::ALL.iter().copied().collect();
    full.rules_version = u16::MAX;
    full.network = Some("192.0.2.0/24".parse().unwrap());
    full.country = Some("PT".parse().unwrap());
    full.city = Some("\u{1f3d9}".repeat(City::MAX_BYTES / 4).parse().unwrap());
    let mut opens = vec![full.clone(), open(id, 2)];
    let networks = [
        "2001:db8:1::/48",
        "2002:c000:200::/40",
        "::/0",
        "0.0.0.0/0",
        "0.0.0.0/24",
        "255.255.255.0/24",
        "::/48",
        "10.0.0.0/8",
    ];
    for (network, n) in networks.into_iter().zip(3..) {
        let mut open = open(id, n);
        open.network = Some(network.parse().unwrap());
        open.country = Some("ZW".parse().unwrap());
        opens.push(open);
    }
    let mut quoted = open(id, 90);
    (quoted.city, quoted.rules_version) = (Some("L'Aquila \"\\ %".parse().unwrap()), 0);
    quoted.evidence = EvidenceSet::EMPTY;
    opens.push(quoted);
    // The open ids of all bits and of none.
    for (bytes, n) in [([0; 8], 91), ([0xff; 8], 92)] {
        let mut open = open(id, n);
        open.id = OpenId::from_bytes(bytes);
        opens.push(open);
    }
    come_back(&harness, opens).await;
}

pub(super) async fn every_code_of_an_open_comes_back(harness: Harness) {
    let id = harness.given_ping(1).await;
    let mut opens = Vec::new();
    for (fetcher, n) in Fetcher::ALL.iter().zip(0..) {
        let mut open = open(id, n);
        open.fetcher = *fetcher;
        open.verdict = Verdict::ALL[opens.len() % Verdict::ALL.len()];
        opens.push(open);
    }
    for (step, n) in TimeStep::ALL.iter().zip(90..) {
        let mut open = open(id, n);
        open.time_step = *step;
        opens.push(open);
    }
    for (provider, n) in Provider::ALL.iter().zip(100..) {
        let mut open = open(id, n);
        open.provider = Some(*provider);
        opens.push(open);
    }
    for (evidence, n) in Evidence::ALL.iter().zip(200..) {
        let mut open = open(id, n);
        open.evidence = (*evidence).into();
        opens.push(open);
    }
    come_back(&harness, opens).await;
}

/// A newer version may know more evidence: its bits stay, and are no members.
pub(super) async fn evidence_of_a_newer_version_is_kept(harness: Harness) {
    let mut newer = open(harness.given_ping(1).await, 1);
    newer.evidence = EvidenceSet::from_bits(EvidenceSet::from(Evidence::UaOutlook).bits() | 1 << 63);
    harness.keeps(std::slice::from_ref(&newer)).await;
    let kept = harness.all_opens(newer.ping).await;
    assert_eq!(kept[0].evidence.bits(), newer.evidence.bits());
    assert!(kept[0].evidence.iter().eq([Evidence::UaOutlook]));
}

pub(super) async fn the_first_and_the_last_time_come_back(harness: Harness) {
    let (first, last) = (time(i64::MIN), time(i64::MAX));
    let mut long = ping(1);
    (long.sent_at, long.record_until, long.keep_until) = (first, last, last);
    comes_back(&harness, &long).await;
    let mut opens = vec![open(long.id, 1), open(long.id, 2), open(long.id, 3)];
    opens[0].at = first;
    opens[1].at = time(last.unix_millis() - 1);
    come_back(&harness, opens.clone()).await;
    opens[2].at = last;
    harness
        .filters(&[Open::new(long.id, OpenId::from_bytes([9; 8]), last, Fetcher::Browser, Verdict::Human)])
        .await;
    harness.raises(&[LastDay::new(long.id, first)]).await;
    assert_eq!(harness.found(long.id).await.last_day, Some(first));
    assert_eq!(harness.purge(time(last.unix_millis() - 1), 9).await.unwrap(), Deleted::default());
    assert_eq!(harness.purge(last, 9).await.unwrap(), Deleted::new(1, 3));
}
