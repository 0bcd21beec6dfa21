//! A tracker for a server under test, with a store that can fail or hang on demand.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use pollster::block_on;

use crate::certified::{LogKey, SealLog};
use crate::testing::faulty::{Fault, FaultyStore};
use crate::{Basis, ClientIp, Detail, Keyring, NewPing, PingId, PreparedPing, Receipt, Status, Tracker};

/// What surrounds the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Clients reach it directly; no header about them is read.
    Direct,
    /// All its peers are proxies, whose `X-Forwarded-For` is believed.
    BehindProxy,
    /// Its store refuses everything while a scenario runs.
    StoreDown,
    /// Its store hangs while a scenario runs, and nobody is answered at a deadline.
    StoreHangs,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Direct, Self::BehindProxy, Self::StoreDown, Self::StoreHangs];

    pub(super) const fn takes_rows(self) -> bool {
        matches!(self, Self::Direct | Self::BehindProxy)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "reached directly",
            Self::BehindProxy => "behind a proxy",
            Self::StoreDown => "with its store down",
            Self::StoreHangs => "with a store that hangs",
        })
    }
}

/// What is done to a ping before its pixel is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Sent,
    SentLongAgo,
    Withdrawn,
    Erased,
    Expired,
    Objected,
    /// Its recipient objected to everything.
    Closed,
}

/// Who asks for a confirmation.
pub(super) const ASKED_BY: &str = "Bob's <Bakery>";

/// The key that the trackers seal with: none of them lives long enough for a seal.
pub(super) fn log_key() -> LogKey {
    LogKey::from_secret("app.example/receipts", &[7; 32]).expect("an origin")
}

/// A tracker and its store.
pub(super) struct Fixture {
    pub(super) kind: Kind,
    tracker: Tracker,
    store: FaultyStore,
    #[cfg(feature = "edges")]
    keys: Keyring,
    subjects: AtomicU64,
}

impl Fixture {
    pub(super) fn new(kind: Kind) -> Self {
        let store = FaultyStore::default();
        let client_ip = match kind {
            Kind::BehindProxy => {
                ClientIp::x_forwarded_for("127.0.0.1, ::1, unix").expect("a list of networks")
            }
            _ => ClientIp::peer(),
        };
        let deadline = match kind {
            Kind::StoreDown => Duration::from_millis(50),
            _ => Duration::from_secs(60),
        };
        let keys = Keyring::generate().expect("random bytes for keys");
        let builder = Tracker::builder(keys.clone(), store.clone())
            .base_url(&format!("http://app.example{}", super::PREFIX))
            .expect("a base URL")
            .client_ip(client_ip)
            .ceiling(Detail::Network)
            .hit_limit(0)
            .burst(0, Duration::ZERO)
            .seal(SealLog::new(log_key(), std::env::temp_dir().join("mailping-adapter-head")))
            .deadline(deadline);
        #[cfg(feature = "edges")]
        let builder = builder.accept_edges([super::edges::EDGE]).expect("a name");
        Self {
            kind,
            tracker: block_on(builder.build()).expect("a tracker"),
            store,
            #[cfg(feature = "edges")]
            keys,
            subjects: AtomicU64::new(0),
        }
    }

    pub(super) fn tracker(&self) -> Tracker {
        self.tracker.clone()
    }

    #[cfg(feature = "edges")]
    pub(super) const fn keys(&self) -> &Keyring {
        &self.keys
    }

    pub(super) fn subject(&self, before: Before) -> Subject {
        let mut new =
            NewPing::one_to_one("adapter-table", Basis::Contract).confirmable(ASKED_BY).show_reference();
        // A recipient of its own for each, since one who has objected gets no more pixels.
        let recipient = format!("reader-{}@example.com", self.subjects.fetch_add(1, Ordering::Relaxed));
        if matches!(before, Before::Objected | Before::Closed) {
            new = new.to(&recipient);
        }
        // Long enough ago for a person.
        if before == Before::SentLongAgo {
            new = new.sent_at(SystemTime::now() - Duration::from_secs(3_600));
        }
        if before == Before::Expired {
            new = new.sent_at(SystemTime::now() - Duration::from_secs(40 * 86_400));
        }
        let ping = block_on(self.tracker.pings().create(new)).expect("a ping");
        match before {
            Before::Sent | Before::SentLongAgo | Before::Expired => {}
            Before::Closed => {
                block_on(self.tracker.people().object_to_everything(&recipient)).expect("an objection")
            }
            Before::Withdrawn => {
                assert!(block_on(self.tracker.pings().withdraw(ping.id())).expect("a withdrawal"))
            }
            Before::Erased => drop(block_on(self.tracker.people().erase(ping.id())).expect("an erasure")),
            Before::Objected => block_on(self.tracker.people().object(&recipient)).expect("an objection"),
        }
        // As the mail has them that was sent while it was live.
        let (mut sent, inner) = (ping.ping().clone(), &self.tracker.0);
        sent.status = Status::Live;
        Subject::new(&PreparedPing::new(sent, &inner.base_url, &inner.observer.keys))
    }

    pub(super) fn receipt(&self, subject: &Subject) -> Option<Receipt> {
        block_on(self.tracker.receipts().get(subject.id)).expect("a receipt")
    }

    /// How many opens wait for the store.
    pub(super) fn waiting(&self) -> usize {
        self.tracker.intake().health().queue_depth
    }

    pub(super) fn set(&self, fault: Fault) {
        self.store.fault(fault);
    }

    pub(super) fn close(self) {
        self.set(Fault::None);
        block_on(self.tracker.intake().close(Duration::from_secs(5)));
    }
}

/// One message's ping, as the texts in its URLs.
pub(super) struct Subject {
    pub(super) id: PingId,
    /// The pixel's token.
    pub(super) pixel: String,
    /// The opt-out page's token.
    pub(super) opt_out: String,
    /// The token of the page that confirms.
    pub(super) confirm: String,
}

impl Subject {
    fn new(ping: &PreparedPing) -> Self {
        let token = |url: &str, end: &str| {
            let url = url.strip_suffix(end).unwrap_or(url);
            url.rsplit('/').next().unwrap_or_default().to_owned()
        };
        Self {
            id: ping.id(),
            pixel: token(ping.pixel_url().unwrap_or_default(), ".gif"),
            opt_out: token(ping.opt_out_url(), "/opt-out"),
            confirm: token(ping.confirm_url().unwrap_or_default(), "/confirm"),
        }
    }
}
