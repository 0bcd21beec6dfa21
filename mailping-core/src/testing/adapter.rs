//! One table of requests and answers that every adapter is put through, over real sockets.
//!
//! Start a server on the [`Sockets`] that the table hands over, with the adapter's routes at
//! [`PREFIX`], and return something that ends the server when it is dropped:
//!
//! ```no_run
//! # struct Server;
//! # use mailping_core::{Tracker, testing::adapter::Sockets};
//! # fn serve(tracker: Tracker, sockets: Sockets) -> Server { Server }
//! use mailping_core::testing::adapter::Table;
//!
//! Table::new().run(|tracker, sockets| serve(tracker, sockets))?;
//! # Ok::<(), mailping_core::testing::adapter::Differences>(())
//! ```
//!
//! Every row is sent as raw HTTP/1.1 bytes to every socket, by a server that clients reach
//! directly, by one behind a proxy that it trusts, and by one whose store is down. Status, header
//! set and body must be exact, save for `date` and `connection`, and so must what is kept of the
//! request. The whole run takes some ten seconds.
//!
//! [`HeaderSource`]: crate::intake::HeaderSource
//! [`Mount::answer`]: crate::mount::Mount::answer
//! [`Mount::at`]: crate::mount::Mount::at
//! [`Mount::batch`]: crate::mount::Mount::batch
//! [`Mount::new`]: crate::mount::Mount::new
//! [`Mount::stray`]: crate::mount::Mount::stray
//! [`Mount`]: crate::mount::Mount
//! [`PixelRequest`]: crate::intake::PixelRequest
//! [`Table::skip`]: crate::testing::adapter::Table::skip
//! [`Timeout`]: crate::mount::Timeout
#![doc = include_str!("../../docs/write_an_adapter.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be set up ends the test"
)]

mod confirming;
#[cfg(feature = "edges")]
mod edges;
mod fixture;
mod rows;
mod scenarios;
mod sockets;
mod wire;

use std::fmt;

use self::fixture::{Fixture, Kind};
pub use self::sockets::Sockets;
use crate::Tracker;

/// Where the routes are to be mounted.
pub const PREFIX: &str = "/px";

/// The table, with what one adapter cannot do left out by name.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Table {
    skipped: Vec<(String, String)>,
    without_unix: bool,
}

impl Table {
    /// All of it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of all rows, and of the scenarios that follow them.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let rows = rows::all().into_iter().chain(confirming::rows()).map(|row| row.name);
        rows.chain(scenarios::ALL.iter().map(|scenario| scenario.name)).collect()
    }

    /// Leaves one row or scenario out, for a reason that stands in the adapter's docs.
    pub fn skip(mut self, name: &str, reason: &str) -> Self {
        self.skipped.push((name.to_owned(), reason.to_owned()));
        self
    }

    /// Leaves Unix sockets out, for a server that cannot listen on them.
    pub fn without_unix_sockets(mut self) -> Self {
        self.without_unix = true;
        self
    }

    /// Runs it. `start` is called a few times, each with another tracker; it returns once the
    /// server will take connections, and what it returns ends the server when dropped.
    ///
    /// # Errors
    /// [`Differences`] names every row that was answered otherwise or that left something else
    /// behind.
    ///
    /// # Panics
    /// If no socket can be had.
    pub fn run<Server>(&self, start: impl Fn(Tracker, Sockets) -> Server) -> Result<(), Differences> {
        let mut found = Found::default();
        let names = Self::names();
        for (name, _) in self.skipped.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
            found.note(name, "", "is skipped, but the table has no such row");
        }
        for kind in Kind::ALL {
            let fixture = Fixture::new(kind);
            let (sockets, addresses) = Sockets::bind(self.without_unix);
            let server = start(fixture.tracker(), sockets);
            for address in &addresses {
                let rows = rows::all().into_iter().chain(confirming::rows());
                for row in rows.filter(|row| kind.takes_rows() && self.takes(row.name)) {
                    if let Err(difference) = row.check(&fixture, address) {
                        found.note(row.name, &format!("{address} {kind}"), &difference);
                    }
                }
                for scenario in scenarios::ALL.iter().filter(|s| s.kind == kind && self.takes(s.name)) {
                    if let Err(difference) = (scenario.check)(&fixture, address) {
                        found.note(scenario.name, &format!("{address} {kind}"), &difference);
                    }
                }
            }
            drop(server);
            fixture.close();
        }
        if found.0.is_empty() { Ok(()) } else { Err(Differences(found.0)) }
    }

    fn takes(&self, name: &str) -> bool {
        self.skipped.iter().all(|(skipped, _)| skipped != name)
    }
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn note(&mut self, name: &str, place: &str, difference: &str) {
        self.0.push(format!("{name} ({place}): {difference}"));
    }
}

/// If an adapter differs from the table.
pub struct Differences(Vec<String>);

impl Differences {
    /// One line for each row and socket.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the adapter differs from the table in {} places:", self.0.len())?;
        self.0.iter().try_for_each(|line| writeln!(f, "- {line}"))
    }
}

/// As its `Display`, so that a test that unwraps it shows a list.
impl fmt::Debug for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Differences {}
