//! A spool for [mailping](mailping_core), in front of any store: while the database is away, opens
//! are durable on this machine, and they are handed over when it is back. A picture does not wait
//! for an outage, and neither does the start of a program.
//!
//! ```no_run
//! use mailping_core::{Keyring, Tracker};
//! use mailping_spool::Spool;
//!
//! # use mailping_core::store::Store;
//! # async fn mount(database: impl Store) -> Result<(), Box<dyn std::error::Error>> {
//! let store = Spool::open("/var/lib/app/spool")?.before(database);
//! let tracker = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store)
//!     .base_url("https://app.example/px")?
//!     .build()
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! An open that goes this way is answered as [`Spooled`](mailping_core::intake::Recorded::Spooled):
//! it survives `kill -9` and power loss of this machine, and is on no other.
//! [`Health`](mailping_core::intake::Health) tells how many wait, and for how long.
//!
//! # The folder
//! * Each process has its own, on a local disk. It is made with mode 0700, its files with 0600.
//! * A record is a line: a checksum, its kind, and JSON that people can read. It holds what the
//!   database will be given of an open, and nothing else: no address, no agent, no recipient.
//! * What has been handed over is overwritten with zeros and removed, a file of about 1 MiB at a
//!   time. After a crash up to a file is handed over again; the database keeps an open once.
//! * An erasure, a withdrawal or an objection through this process overwrites what waits of the
//!   ping, and of the recipient's other pings if it names the recipient: the opt-out link does not.
//!   What is left, and what ended elsewhere, the database filters when it is handed over.
//! * It belongs to the database that it was begun on, in a file name `database-…`. If another one
//!   comes, what waits for the first is moved into a folder `of-…` inside, and is taken back when
//!   the first comes again. Health counts it as set aside. Another process can also use that folder
//!   as its spool. An erasure, a withdrawal or an objection reaches it there too; one that names a
//!   recipient reaches those of the pings that the present database knows.
//! * A database that was brought back from a backup is the same one, but does not know the pings
//!   that were made since. It filters their opens: they are counted, and the log says so.
//!
//! # Damage
//! A line whose checksum is wrong is passed over, whatever stands around it; so is a page that the
//! disk cannot read. A damaged line break costs no record beside it. A file with damage is kept
//! under a name that ends in `.aside`, with all that was handed over blanked in it. A record that
//! the database refuses while it takes others is set aside in the same way. None of this holds up
//! the rest, and health counts it. Look at such a file, and remove it; renamed to `.spool` it is
//! tried again at the next start. Together they take up to 16 MiB, then the oldest goes.
//!
//! A file that the disk refuses for a while, for want of a descriptor perhaps, is tried again and
//! holds up no other. Health counts it among what cannot be read, and an erasure, withdrawal or
//! objection is an error until the file can be read or is gone.
//!
//! Records that a newer version wrote stay where they are, and wait for that version.
#![forbid(unsafe_code)]

mod failure;
mod folder;
mod handover;
mod journal;
mod outage;
mod patience;
mod records;
mod segment;
mod spool;
mod store;

pub use spool::Spool;
pub use store::SpooledStore;
