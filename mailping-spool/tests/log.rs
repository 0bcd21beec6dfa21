//! What the log says of an outage, on which the operator relies.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use common::{Fixture, opens};
use mailping_core::store::{Recorded, Spooling as _};
use mailping_core::testing::faulty::Fault;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// The fields of what is logged as an error, a line an event.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        write!(self.0, "{value:?} ").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }
    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        event.record(&mut Fields(&mut line));
        self.0.lock().unwrap().push(line);
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn the_reason_that_a_later_try_finds_is_logged_and_no_reason_twice() {
    let (fixture, log) = (Fixture::new(), Log::default());
    tracing::subscriber::with_default(log.clone(), || {
        fixture.database.fault(Fault::RecordHangs);
        for n in 0..5 {
            fixture.records(&opens(n..n + 1), Recorded::Spooled);
        }
        fixture.database.fault(Fault::Down);
        for _ in 0..5 {
            fixture.store.hand_over().unwrap_err();
        }
    });
    let lines = log.0.lock().unwrap();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("within the spool's patience"), "{lines:?}");
    assert!(lines[1].contains("could not do this: the store was told to fail"), "{lines:?}");
}
