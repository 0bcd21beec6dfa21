//! The example services on axum: `cargo run --example receipts`.
