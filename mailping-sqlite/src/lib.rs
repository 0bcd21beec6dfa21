//! The embedded store of [mailping](mailping_core): pings, opens and objections in one SQLite file.
//!
//! An open that the store has answered for survives `kill -9` and power loss, and several processes may use one file. For
//! more than one machine take a store on a database server, and put a [`Spool`] before it: a file that keeps opens durable while
//! that server is away.
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
//! * A new one has mode 0600 on Unix, and so has the write-ahead log beside it (`mailping.db-wal`). Keep it on a local disk:
//!   network file systems do not carry the locks.
//! * It holds what [`Open`](mailping_core::receipts::Open) and [`Ping`](mailping_core::pings::Ping) hold, and keyed hashes of recipients. It never
//!   holds a client's or a recipient's address. The keys are not in it: keep them elsewhere.
//! * Its schema has a version. An older file is brought forward when it is opened; a newer or a foreign one is refused untouched.
//! * Back it up while it is in use with SQLite's own means (`VACUUM INTO`, the online backup, `sqlite3 mailping.db .backup`): a
//!   copied file without its log lacks the latest opens.
//!
//! # Erasure
//! What is deleted is overwritten with zeros in the file (`secure_delete`), and an erasure empties the log before it answers. Where
//! another connection reads an older state for longer than half a second, the erasure is still done and durable, and the bytes
//! leave the log when that reader is gone: the store tries again every second, and when it is dropped.
//!
//! SQLite moves rows between pages when its trees change shape, and does not always wipe the place that a row has moved from. So a
//! stray copy of an erased value can be left in the unused part of a page: none of 9,230 in a test that erased 923 random pings of 1,500, and one
//! with the row for each open that earlier schemas had. [`SqliteStore::rewrite`] leaves none. Backups, and what a file system or a disk keeps of
//! overwritten blocks, are beyond the store's reach.
//!
//! # Speed
//! A commit waits for the disk (`synchronous=FULL`), and one commit takes the whole batch of a tracker. What arrives together is appended to the
//! table `arrivals` as one row. When many wait they are folded into `opens` in the order of their pings: those of one ping become one row, a bundle, and
//! bundles are appended too, so that only the entries of one narrow index go to random places. Each batch folds about as many as it brings, so that
//! nothing ever pauses for it. When no hits come, all are in `opens` after some seconds.
//!
//! In both tables the fields of an open are bytes, in the format of [postcard](https://docs.rs/postcard), so that SQL does not show them: a row for
//! each open cost several times as much. A tracker's receipts show all that is kept.
//!
//! What waits is remembered in memory, at most some 110 MB while a file of more than 256 MB takes hits without a pause, and its places are read when
//! the file is opened. What the file says of pings is remembered for the next hit, and forgotten as soon as another process writes.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod arrivals;
mod bundles;
mod changes;
mod connect;
mod failure;
mod log;
mod packed;
mod reads;
mod rows;
mod schema;
mod spool;
mod store;
mod worker;
mod writer;

pub use spool::{Spool, SpooledStore};
pub use store::SqliteStore;
