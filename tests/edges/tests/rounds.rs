//! Two edges and one centre under load: each is killed in turn, and the line between them is cut.
//! `.ci/full edge` runs more and longer rounds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{Beside, Line, Node, eventually};
use mailping_acceptance::Load;
use mailping_axum::PingId;
use pollster::block_on;

/// The connections to each edge.
const CONNECTIONS: usize = 8;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

#[test]
fn programs_die_and_the_line_is_cut_and_no_answered_open_is_lost_or_there_twice() {
    let (rounds, cut) = (number("MAILPING_ROUNDS", 1), Duration::from_secs(number("MAILPING_CUT", 3)));
    let mut centre = Node::centre();
    let line = Line::to(centre.server());
    let mut edges = ["fra", "sin"].map(|name| Node::edge(name, line.at));
    let beside = Beside::new(&centre);
    let pings: Vec<Vec<(PingId, String)>> =
        edges.iter().map(|_| (0..CONNECTIONS).map(|_| beside.ping()).collect()).collect();
    let loads: Vec<Load> = edges
        .iter()
        .zip(&pings)
        .map(|(edge, pings)| Load::start(edge.server(), pings.iter().map(|(_, pixel)| pixel.clone())))
        .collect();
    eventually("opens arrive", || !beside.opens(pings[0][0].0).is_empty());

    let mut erased = Vec::new();
    for round in 0..rounds {
        for edge in &mut edges {
            edge.dies();
        }
        centre.dies();
        // What ends while its open is on its way gains nothing.
        let (gone, pixel) = beside.ping();
        line.cut();
        assert_eq!(edges[0].program().client().get(&pixel, &[]).body.len(), 43);
        assert!(block_on(beside.tracker.people().erase(gone)).unwrap().is_some());
        erased.push(gone);
        line.is_cut_for(cut);
        // Both ends at once, with much on its way.
        edges[1].kill();
        centre.dies();
        edges[1].run();
        println!(
            "round {}: {} wait",
            round + 1,
            edges.each_ref().map(|edge| edge.health("/spool/waiting"))[0]
        );
    }
    let ledgers: Vec<_> = loads.into_iter().map(Load::end).collect();
    edges.iter().for_each(Node::waits_for_empty_spool);
    for ((ledger, pings), edge) in ledgers.iter().zip(&pings).zip(&edges) {
        let ids: Vec<PingId> = pings.iter().map(|(id, _)| *id).collect();
        let compared = ledger.compare(&ids, &beside.rows(&ids));
        println!(
            "{} hits answered, {} without an answer, longest {:?}, p99 {:?}; lost, twice, made up: {compared:?}",
            ledger.answered(),
            ledger.unanswered(),
            ledger.longest(),
            ledger.quantile(99)
        );
        assert_eq!(compared, (0, 0, 0), "lost, twice, made up");
        assert!(ledger.answered() > 100, "{}", ledger.answered());
        // A line that was torn by a kill is unreadable: its hit was not answered.
        assert_eq!((edge.health("/late"), edge.health("/spool/set_aside")), (0, 0));
    }
    for gone in erased {
        assert!(
            beside.opens(gone).is_empty() && block_on(beside.tracker.receipts().get(gone)).unwrap().is_none()
        );
    }
}
