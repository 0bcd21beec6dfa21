//! The embedded store of [mailping](mailping_core): pings, opens and objections in one SQLite file.
//!
//! An open that the store has answered for survives `kill -9` and power loss, and several processes
//! may use one file. For more than one machine take a store on a database server, and put the spool
//! of `mailping-spool` before it: opens are durable while that server is away.
//!
//! ```no_run
//! use mailping_core::{Basis, Keyring, NewPing, Tracker};
//! use mailping_sqlite::SqliteStore;
//!
//! # async fn mount() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, SqliteStore::open("mailping.db")?)
//!     .base_url("https://app.example/px")?
//!     .build()
//!     .await?;
//! let basis = Basis::legitimate_interest("proof that the invoice arrived, assessment LIA-7");
//! let ping = tracker.pings().create(NewPing::one_to_one("invoice-42", basis).to("ada@example.com")).await?;
//! # Ok(()) }
//! ```
//!
//! # The file
//! * A new one has mode 0600 on Unix, and so has the write-ahead log beside it (`mailping.db-wal`).
//!   Keep it on a local disk: network file systems do not carry the locks.
//! * It holds what [`Open`](mailping_core::receipts::Open) and [`Ping`](mailping_core::pings::Ping)
//!   hold, and keyed hashes of recipients. It never holds a client's or a recipient's address. The
//!   keys are not in it: keep them elsewhere.
//! * Its schema has a version. An older file is brought forward when it is opened; a newer or a
//!   foreign one is refused untouched.
//! * It can be read with any SQL tool: `SELECT * FROM receipts`, `SELECT * FROM opens_readable`.
//!   See the guide [stores](mailping_core::guide::stores), also for backups:
//!   [`SqliteStore::backup`] makes one under load, `cp` does not.
//! * A file that is deleted or replaced while it is open is noticed at the next commit: the store
//!   fails then, and nothing is answered as kept. What happens to a damaged one:
//!   [damaged files](mailping_core::guide::damaged_files).
//!
//! # Erasure
//! What is deleted is overwritten with zeros in the file (`secure_delete`), and an erasure empties
//! the log before it answers. If another connection reads an older state for longer than half a
//! second, the erasure is still done and durable, and the bytes leave the log when that reader is
//! gone: the store tries again every second, and when it is dropped.
//!
//! SQLite moves rows between pages when its trees change shape, and does not always wipe the place
//! that a row has moved from. So a stray copy of an erased value can be left in the unused part of
//! a page. [`SqliteStore::rewrite`] leaves none. Backups, and what a file system or a disk keeps of
//! overwritten blocks, are beyond the store's reach.
//!
//! # Speed
//! A commit waits for the disk (`synchronous=FULL`), and one commit takes the whole batch of a
//! tracker. An open is appended as one row. The index that finds a ping's opens is filled later, in
//! the order of pings, when so many wait that neighbours meet in a page: each batch brings a little
//! more into it than it adds, so that nothing ever pauses for it. When no hits come, all are in it
//! after some seconds. What waits is remembered in memory, some 6 MB at the most, and read from the
//! file at the start. What the file says of pings is remembered for the next hit, and forgotten as
//! soon as another process writes.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backup;
mod changes;
mod connect;
mod failure;
mod files;
mod index;
mod log;
mod milestones;
mod news;
mod opens;
mod purge;
mod reads;
mod record;
mod repair;
mod rows;
mod schema;
mod store;
mod tail;
mod worker;
mod writer;

pub use store::SqliteStore;
