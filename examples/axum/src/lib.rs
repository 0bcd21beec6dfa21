//! The example services on axum: `cargo run --example receipts`. This package also compiles the
//! README's code.
#![doc = include_str!("../../../README.md")]

mod connections;
mod serve;

pub use serve::serve;
