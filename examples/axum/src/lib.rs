//! The example services on axum: `cargo run --example receipts`.

mod connections;
mod serve;

pub use serve::serve;
