// Links for rustdoc, which has them in other places than the repository.
//! [mailping]: mailping_core
//! [`Intake::close`]: mailping_core::intake::Intake::close
//! [`Open`]: mailping_core::receipts::Open
//! [`Ping`]: mailping_core::pings::Ping
//! [stores]: mailping_core::guide::stores
//! [damaged files]: mailping_core::guide::damaged_files
#![doc = include_str!("../docs/manual.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod changes;
mod connect;
mod failure;
mod files;
mod index;
mod ledger;
mod lost_log;
mod migrate;
mod milestones;
mod names;
mod news;
mod opens;
mod purge;
mod reads;
mod record;
mod repair;
mod rows;
mod runs;
mod sealing;
mod store;
mod upkeep;
mod walk;
mod worker;
mod writer;

pub use repair::Recovered;
pub use store::SqliteStore;
