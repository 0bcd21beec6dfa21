//! The store of [mailping](mailping_core) for many instances: pings, opens and objections in
//! PostgreSQL, in the app's own pool.
//!
//! An open that the store has answered for survives `kill -9` and power loss of any instance and,
//! with PostgreSQL's `fsync` on, of the server. Any number of instances may use one database. For
//! one machine, the embedded store needs no server.
//!
//! ```no_run
//! use mailping_core::{Keyring, Tracker};
//! use mailping_postgres::PostgresStore;
//!
//! # async fn mount(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::new(pool)?;
//! store.migrate().await?;
//! let tracker = Tracker::builder(Keyring::from_env("MAILPING_KEYS")?, store)
//!     .base_url("https://app.example/px")?
//!     .build()
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! If the app has no pool of this version of sqlx, or its primary moves from server to server,
//! [`PostgresStore::connect`] takes a URL, also of several servers. An app's own pool that leads to
//! the primary by itself, through HAProxy or an address that moves, needs none of that.
//!
//! The keys must be given: instances that each made their own would refuse one another's pixels.
//! TLS is the app's choice, by a feature of its own `sqlx`; this crate enables none. The runtime
//! must be tokio's with more than one thread, or with one that is never blocked.
//!
//! # The schema
//! * All tables are in one schema of their own, `mailping` unless
//!   [another is set](PostgresStore::schema). [`PostgresStore::migrate`] makes it, or brings it
//!   forward; ten instances may do so at once. A newer schema, or one that holds something else, is
//!   refused untouched. If the schema is up to date it only reads, so that an app's role needs no
//!   right to create anything; let another role run it once.
//! * The role needs `USAGE` on the schema and `SELECT`, `INSERT`, `UPDATE`, `DELETE` on its tables;
//!   for [`PostgresStore::require_copies`] also `pg_monitor`.
//! * It holds what [`Open`](mailping_core::receipts::Open) and [`Ping`](mailping_core::pings::Ping)
//!   hold, and keyed hashes of recipients. It never holds a client's or a recipient's address: a
//!   check constraint refuses networks finer than masking leaves them.
//!
//! # Locks
//! Recording and making pings hold one advisory lock together; whatever ends a ping (a withdrawal,
//! an objection, an erasure, the last step of a purge) holds it alone, for one transaction. So no
//! open comes after the end of its ping, and no two transactions can wait for each other. An end
//! waits for the batches under way, and the next batches wait for its commit; an objection by a
//! ping's link that changes nothing any more takes no lock. The locks need no session.
//!
//! Sealing goes step by step through one row, whose lock the steps take in turn, after the lock
//! above if at all: together with hits for new statements, alone to end pings, not at all to make a
//! seal. So a hit waits for the short end of some pings at most. A new ping shares a second lock,
//! which a step holds alone to close a seal.
//!
//! # Poolers
//! Before its first call the store opens two connections and looks whether a pooler, such as
//! PgBouncer in transaction mode, gives them sessions in turn. If so, no statement is kept
//! prepared, and each runs in a transaction: that costs a lone statement up to three round trips
//! more, and a batch one for each of its statements. PgBouncer refuses what sqlx sets when it
//! connects: give it `ignore_startup_parameters = extra_float_digits`, or the pool's options
//! `extra_float_digits(None)`, as [`PostgresStore::connect`] does. PgBouncer in front of several
//! servers must be told of a new primary; the store asks it for nothing.
//!
//! # Reads
//! One index holds opens in the order in which they are read, so that a page begins at its cursor,
//! in both directions. A receipt is two statements on two connections of the pool at once, and
//! takes as long as the longer one. Unless told otherwise sqlx checks each connection before it is
//! used, which is one more round trip: `PgPoolOptions::test_before_acquire(false)` saves it, at the
//! price of an error for each connection that a restarted server has left broken.
//!
//! For people the view `opens_readable` shows names instead of codes, and times as text.
//!
//! # What is new
//! Each row holds the number of the transaction that wrote it. A mark tells up to which number all
//! was handed out, and which transactions below it were still open: what one of these commits late
//! is handed out then, and none is skipped or comes twice. A transaction of somebody else that
//! stays open for hours delays nothing; if more than 16 are open at once, what came after the
//! sixteenth waits for them. After a failover, the last 65,536 transactions before the mark come
//! again, since the new primary may give their numbers again. A dump that is restored on another
//! server begins anew: its marks are refused.
//!
//! # Durability
//! Each transaction sets `synchronous_commit` to `on`, whatever the server, the database or the
//! role say. Nothing can be promised on a server with `fsync` off. If the server is set to wait for
//! a standby (`synchronous_standby_names`), so does each commit, also of a batch or an erasure that
//! is repeated and finds all of it done. No limit of this crate cancels such a wait, which would
//! turn it into a success; what an administrator cancels, PostgreSQL calls a success with a warning
//! that no client sees. [`PostgresStore::require_copies`] does not believe it, and looks at the
//! standbys itself. [High availability](high_availability) is the guide to all of it.
//!
//! # Erasure
//! Deleted rows are gone for every query at once. Their bytes leave the tables with the next vacuum
//! and the pages' reuse, the write-ahead log with its recycling, and backups, archives and replicas
//! as these are kept. A server whose own log is set to hold parameters (`log_statement`,
//! `log_min_duration_statement`) keeps references and owners there.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod addresses;
mod changes;
mod connect;
mod copies;
mod failure;
mod gate;
mod history;
mod ledger;
mod migrate;
mod milestones;
mod names;
mod news;
mod primary;
mod purge;
mod reads;
mod ready;
mod record;
mod round;
mod rows;
mod runtime;
mod schema;
mod sealed;
mod sealing;
mod servers;
mod sessions;
mod store;

/// [`Events::every`]: mailping_core::receipts::Events::every
/// [`Health::copies`]: mailping_core::intake::Health::copies
/// [`People::erase`]: mailping_core::people::People::erase
/// [`PostgresStore::new`]: crate::PostgresStore::new
/// [`require_copies`]: crate::PostgresStore::require_copies
#[doc = include_str!("../docs/high_availability.md")]
pub mod high_availability {}

pub use failure::{DatabaseError, Fault};
pub use store::PostgresStore;
