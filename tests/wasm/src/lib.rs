//! Judges the project's corpora with the core as it is without a tracker, one answer a line, so
//! that the answers of WebAssembly can be compared with those of a machine.

mod answers;
mod door;
mod row;

pub use answers::{BadLine, answers};
